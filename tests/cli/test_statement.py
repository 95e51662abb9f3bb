"""What the commands of statements print, and how they end."""

import json
from pathlib import Path

import pytest

from tests import bills
from tests.cli.conftest import Call

BOOK = "type,order_no,amount,at\n"


@pytest.fixture
def shop(folder: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A migrated ledger, and a file of settings with one account and a mapping of its own."""
    monkeypatch.setenv("PINGLEDGER_DATABASE__URL", database_url)
    (folder / "c.toml").write_text(
        '[accounts.shop]\n[statements.till]\nlike = "book"\nunit = "fen"\n'
        'columns = { amount = "Cents" }\ntypes = { payment = "sale" }\n',
        encoding="utf-8",
    )
    monkeypatch.setenv("PINGLEDGER_CONFIG", "c.toml")
    return folder


def test_a_statement_comes_in_is_shown_matched_and_removed(call: Call, shop: Path) -> None:
    (shop / "b.csv").write_text(BOOK + "payment,M1,1.00,2026-11-22\n", encoding="utf-8")
    shown = call("statement", "import", "b.csv", "--source", "book", "--preview")
    assert (shown.code, "M1" in shown.out) == (0, True)
    assert call("statement", "list", "--json").out == ""
    first = call("statement", "import", "b.csv", "--source", "book", "--first-day", "2026-11-22")
    assert (first.code, "1 lines" in first.err) == (0, True)
    again = call("statement", "import", "b.csv", "--source", "book")
    assert (again.code, "already" in again.err) == (0, True)
    (row,) = [json.loads(line) for line in call("statement", "list", "--json").out.splitlines()]
    assert (row["first_day"], row["last_day"], row["state"]) == (
        "2026-11-22",
        "2026-11-22",
        "imported",
    )
    assert "M1" in call("statement", "show", str(row["id"])).out
    matched = call("statement", "match", "--day", "2026-11-22", "--json")
    assert matched.code == 1
    assert json.loads(matched.out)["rule"] == "statement_missing_here"
    assert call("statement", "match", "--day", "2026-11-23").code == 0
    assert call("statement", "remove", str(row["id"]), "--reason", "of another shop").code == 0
    assert call("statement", "remove", str(row["id"]), "--reason", "again").code == 1
    assert call("statement", "match").code == 0


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_mapping_of_the_settings_is_used(call: Call, shop: Path) -> None:
    text = "type,order_no,Cents,at\nsale,M1,123,2026-11-22\n"
    (shop / "t.csv").write_text(text, encoding="utf-8")
    shown = call("statement", "import", "t.csv", "--source", "till", "--preview", "--json")
    assert json.loads(shown.out.splitlines()[0])["amount"] == 123


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_refused_lines_are_listed_and_nothing_comes_in(call: Call, shop: Path) -> None:
    (shop / "b.csv").write_text(BOOK + "payment,M1,1.001,2026-11-22\n", encoding="utf-8")
    ended = call("statement", "import", "b.csv", "--source", "book", "--json")
    assert ended.code == 1
    assert json.loads(ended.out) == {
        "line": 2,
        "column": "amount",
        "problem": "should have at most two decimals",
    }
    assert "1.001" not in ended.out + ended.err
    assert call("statement", "list").out == ""


@pytest.mark.parametrize("dialect", ["sqlite"])
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("import", "b.csv"), 64),
        (("import", "b.csv", "--source", "nobody"), 64),
        (("import", "b.csv", "--source", "book", "--account", "nobody"), 64),
        (("import", "b.csv", "--source", "book", "--first-day", "soon"), 64),
        (("import", "nowhere.csv", "--source", "book"), 1),
        (("import", ".", "--source", "book"), 1),
        (("show", "7"), 1),
        (("show", "-1"), 64),
        (("remove", "7", "--reason", "x"), 1),
        (("remove", "7", "--reason", " "), 64),
        (("match", "7"), 1),
    ],
)
def test_a_wrong_call_ends_in_a_sentence(
    call: Call, shop: Path, arguments: tuple[str, ...], code: int
) -> None:
    (shop / "b.csv").write_text(bills.ALIPAY_HEAD, encoding="utf-8")
    ended = call("statement", *arguments)
    assert (ended.code, ended.err.count("\n")) == (code, 1)


def test_three_sides_are_laid_side_by_side(call: Call, shop: Path) -> None:
    (shop / "b.csv").write_text(BOOK + "payment,M1,1.00,2026-11-22\n", encoding="utf-8")
    (shop / "w.csv").write_text(
        bills.wechat([bills.wechat_line("M1", "1.00"), bills.wechat_line("M2", "2.00")]),
        encoding="utf-8",
    )
    for file, source in (("b.csv", "book"), ("w.csv", "wechat")):
        given = ("--source", source, "--first-day", "2026-11-22", "--last-day", "2026-11-22")
        assert call("statement", "import", file, *given).code == 0
    ended = call("statement", "three-way", "--channel", "wechat", "--json")
    assert ended.code == 1
    first, second = [json.loads(row) for row in ended.out.splitlines()]
    assert (first["number"], first["alone"]) == ("M1", {"missing": ["pingpp"]})
    assert first["channel"] == {
        "count": 1, "amount": 100, "fee": 0, "currency": "cny", "day": "2026-11-22", "unsure": 0,
    }  # fmt: skip
    assert (second["number"], second["book"], second["pingpp"]) == ("M2", None, None)
    assert "2 numbers, 2 differ; pingpp alone in 1" in ended.err
    shown = call("statement", "three-way", "--channel", "wechat", "--number", "M2")
    assert "missing: book, pingpp" in shown.out
    assert "M1" not in shown.out
    assert call("statement", "three-way", "--channel", "wechat", "--day", "2026-11-23").code == 0
    for wrong in (("--channel", "nobody"), ("--channel", "wechat", "--day", "soon")):
        assert call("statement", "three-way", *wrong).code == 64
