"""Mismatches are answered from the shell: one by one, by filter, by spreadsheet."""

import csv
import json
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import openpyxl
import pytest

from service.cli import sheet
from service.ledger.engine import Ledger, open_ledger
from service.ledger.migrations import migrate
from service.ledger.reads import MismatchRow
from service.work.reconcile import after_batch
from service.work.terms import Terms
from tests import books
from tests.cli.conftest import Call

TERMS = Terms(sinks=(), epoch="e", grace_seconds=0)


@pytest.fixture
def wrong(folder: Path, now: datetime) -> Ledger:
    """Two orders that were refunded more than paid, in the embedded ledger."""
    ledger = open_ledger(f"sqlite:///{folder / 'pingledger.db'}")
    migrate(ledger)
    with ledger.begin() as connection:
        rows = [
            books.order(name, amount_paid=100, amount_refunded=100 + more)
            for name, more in (("o1", 30), ("o2", 5))
        ]
        after_batch(connection, books.put(connection, rows), terms=TERMS, now=now)
    ledger.close()
    return ledger


def later() -> str:
    return (datetime.now(UTC) + timedelta(days=9)).isoformat()


def over_paid(call: Call, value: str = "state") -> dict[str, str]:
    """A value by id of what the rule refunded_over_paid found."""
    out = call("mismatches", "--rule", "refunded_over_paid", "--format", "jsonl").out
    found = [json.loads(line) for line in out.splitlines()]
    return {row["id"]: str(row[value]) for row in found}


def test_mismatches_are_grouped_by_cause_with_the_money_at_stake(call: Call, wrong: Ledger) -> None:
    ended = call("mismatch", "causes", "--json")
    assert '"rule":"refunded_over_paid"' in ended.out
    assert '"count":2,"at_stake":35' in ended.out


def test_all_of_a_rule_are_acknowledged_at_once(call: Call, wrong: Ledger) -> None:
    ended = call("mismatch", "acknowledge", "--rule", "refunded_over_paid", "--as", "li")
    assert (ended.code, ended.err) == (0, "2 done, 0 refused\n")
    assert over_paid(call) == {"o1": "acknowledged", "o2": "acknowledged"}
    for number in over_paid(call, "number").values():
        assert '"who":"li"' in call("mismatch", "history", number, "--json").out


def test_a_waiver_needs_a_reason_and_an_end(call: Call, wrong: Ledger) -> None:
    number = over_paid(call, "number")["o1"]
    assert call("mismatch", "waive", number, "--until", later()).code == 64
    assert call("mismatch", "waive", number, "--reason", "known").code == 64
    done = call("mismatch", "waive", number, "--reason", "known", "--until", later())
    assert done.code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("acknowledge",),
        ("assign", "wang"),
        ("comment", "text"),
        ("waive", "1", "--reason", "x", "--until", "tomorrow"),
        ("acknowledge", "one"),
        ("settle", "1"),
        ("acknowledge", "1", "--rule", "overpaid"),
        ("acknowledge", "--rule", "over_paid"),
        ("assign", "wang", "--severity", "high"),
    ],
)
def test_a_senseless_call_is_refused(call: Call, wrong: Ledger, arguments: tuple[str, ...]) -> None:
    ended = call("mismatch", *arguments)
    assert (ended.code, ended.out) == (64, "")


def test_what_cannot_be_done_is_said_and_ends_with_1(call: Call, wrong: Ledger) -> None:
    ended = call("mismatch", "reopen", "1", "999")
    assert ended.code == 1
    assert "mismatch 999: no mismatch has this number" in ended.err
    assert call("mismatch", "history", "999").code == 1
    assert call("mismatch", "history", "1").code == 0


def filled(folder: Path, encoding: str, **changed: dict[str, str]) -> Path:
    """The exported sheet, filled in by id and saved as a spreadsheet program does."""
    with (folder / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row.update(changed.get(row["id"].strip(), {}))
    path = folder / "in.csv"
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_filled_in_sheet_is_done(call: Call, wrong: Ledger, folder: Path, encoding: str) -> None:
    assert call("mismatch", "export", "out.csv", "--rule", "refunded_over_paid").code == 0
    path = filled(
        folder,
        encoding,
        o1={"act": "acknowledge", "note": "银行已知"},
        o2={"act": "waive", "note": "小额", "until": later()},
    )
    ended = call("mismatch", "import", str(path), "--as", "li")
    assert (ended.code, ended.err) == (0, "2 done\n")
    assert over_paid(call) == {"o1": "acknowledged", "o2": "waived"}
    assert "银行已知" in call("mismatch", "history", over_paid(call, "number")["o1"]).out


def as_xlsx(path: Path, **cells: object) -> Path:
    """The sheet as a spreadsheet program keeps it; cells: by heading, in every row."""
    with path.open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    page.append(head)
    for row in rows:
        page.append([cells.get(name, value) for name, value in zip(head, row, strict=True)])
    book.save(path.with_suffix(".xlsx"))
    return path.with_suffix(".xlsx")


@pytest.mark.parametrize("until", ["day", "text", "slashes"])
def test_a_sheet_may_be_a_spreadsheet_and_a_day_counts_to_its_end(
    call: Call, wrong: Ledger, folder: Path, until: str
) -> None:
    day = (datetime.now(UTC) + timedelta(days=9)).date()
    cell = {"day": day, "text": day.isoformat(), "slashes": f"{day:%Y/%m/%d}"}[until]
    call("mismatch", "export", "out.csv", "--rule", "refunded_over_paid")
    path = as_xlsx(filled(folder, "utf-8"), act="waive", note="小额", until=cell)
    ended = call("mismatch", "import", path.name, "--as", "li")
    assert (ended.code, ended.err) == (0, "2 done\n")
    past = json.loads(call("mismatch", "history", over_paid(call, "number")["o1"], "--json").out)
    assert datetime.fromisoformat(past["until"]) == datetime.combine(day, time(16), UTC)


def test_a_sheet_may_be_parted_by_semicolons(call: Call, wrong: Ledger, folder: Path) -> None:
    number = over_paid(call, "number")["o2"]
    (folder / "in.csv").write_text(f"number;act;note;owner;until\n{number};comment;a, b;;\n")
    assert call("mismatch", "import", "in.csv").code == 0
    assert "a, b" in call("mismatch", "history", number).out


def test_ids_among_the_sides_keep_their_digits_in_a_spreadsheet(folder: Path) -> None:
    ids = {"ours": "2012611250000002103", "theirs": "2012611250000002003"}
    row = MismatchRow(
        1, "order_no_twice", "open", "warning", "shop", "order", "o1", **ids, currency="cny",
        found_at=datetime.now(UTC), opened_at=None, settled_at=None, owner=None, waived_until=None,
    )  # fmt: skip
    sheet.write(folder / "out.csv", [row])
    assert all(f"{side}\t" in (folder / "out.csv").read_text() for side in ids.values())


def test_a_sheet_with_a_wrong_line_does_nothing(call: Call, wrong: Ledger, folder: Path) -> None:
    call("mismatch", "export", "out.csv", "--rule", "refunded_over_paid")
    path = filled(folder, "utf-8", o1={"act": "acknowledge"}, o2={"act": "waive", "note": "x"})
    ended = call("mismatch", "import", str(path))
    assert ended.code == 65
    assert ended.err.splitlines() == ["line 3: an end within a year is needed", "nothing was done"]
    assert over_paid(call) == {"o1": "open", "o2": "open"}


@pytest.mark.parametrize(
    "body", [b"", b"a,b\n1,2\n", b'number,act,note,owner,until\n1,"x', b"\xff\x81"]
)
def test_a_file_that_is_no_sheet_is_refused(
    call: Call, wrong: Ledger, folder: Path, body: bytes
) -> None:
    (folder / "odd.csv").write_bytes(body)
    ended = call("mismatch", "import", "odd.csv")
    assert ended.code == 1
    assert len(ended.err.splitlines()) == 1


def test_a_cell_that_a_program_would_run_is_text(call: Call, wrong: Ledger, folder: Path) -> None:
    call("mismatch", "assign", "=1+1", over_paid(call, "number")["o1"])
    call("mismatch", "export", "out.csv", "--rule", "refunded_over_paid")
    assert "\n=" not in (folder / "out.csv").read_text()
    assert ",=1+1," not in (folder / "out.csv").read_text()
