"""What the commands of closings print, and how they end."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.ledger.engine import Ledger, open_ledger
from service.ledger.schema import deliveries
from tests.cli.conftest import Call
from tests.conftest import VAULT
from tests.days import DAWN, DAY, HOUR, pay
from tests.work.stories import arrive


@pytest.fixture
def shop(folder: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """A ledger with a day of one order, and settings with one account."""
    monkeypatch.setenv("PINGLEDGER_DATABASE__URL", database_url)
    (folder / "c.toml").write_text("[accounts.shop]\n", encoding="utf-8")
    monkeypatch.setenv("PINGLEDGER_CONFIG", "c.toml")
    with closing(open_ledger(database_url, VAULT)) as ledger:
        pay(ledger, 1, DAWN + HOUR)
        yield ledger


def test_a_day_closes_is_listed_and_shown_byte_for_byte(call: Call, shop: Ledger) -> None:
    ended = call("close", "2026-11-20", "--as", "anna")
    assert (ended.code, "2026-11-20" in ended.out) == (0, True)
    assert "was closed before" in call("close", "2026-11-20").err
    (row,) = [json.loads(line) for line in call("close", "list", "--json").out.splitlines()]
    assert row["by"].startswith("anna (as ")
    shown = call("close", "show", "2026-11-20", "--json").out
    assert hashlib.sha256(shown.encode()).hexdigest() == row["hash"]
    pay(shop, 2, DAWN + 2 * HOUR, known=DAWN + DAY + 9 * HOUR)
    again = call("close", "show", "2026-11-20", "--json", "--again")
    assert (again.code, again.out) == (0, shown)
    lines = call("close", "entries", "2026-11-20").out
    assert hashlib.sha256(lines.encode()).hexdigest() == row["digest"]
    assert "clearing:yeepay_wx_pub" in call("close", "show", "2026-11-20").out
    assert call("close", "show", "2026-11-21").code == 1


def test_what_is_open_is_listed_and_a_reason_closes_it(call: Call, shop: Ledger) -> None:
    arrive(shop, "shop", b'{"id":"evt_1"}', DAWN + HOUR)
    ended = call("close", "2026-11-20", "--json")
    assert (ended.code, "1 still open" in ended.err) == (1, True)
    assert json.loads(ended.out)["what"] == "delivery"
    assert call("close", "--due").code == 1
    forced = call("close", "2026-11-20", "--force", "--reason", "it is known", "--json")
    row = json.loads(forced.out)
    assert (forced.code, row["pending"], row["reason"]) == (0, 1, "it is known")
    with shop.begin() as connection:
        connection.execute(sa.update(deliveries).values(state="kept"))
    due = call("close", "--due", "--json")
    assert due.code == 0
    assert [json.loads(line)["day"] for line in due.out.splitlines()][:2] == [
        "2026-11-21",
        "2026-11-22",
    ]


def test_the_doctor_names_days_that_are_due_and_what_keeps_the_first_open(
    call: Call, shop: Ledger
) -> None:
    def said() -> dict[str, Any]:
        rows = map(json.loads, call("doctor", "--json").out.splitlines())
        return next(row for row in rows if row["subject"] == "closing")

    found = said()
    assert (found["level"], found["day"], found["open"]) == ("bad", "2026-11-20", 0)
    assert "nothing of it is open, the job close will; pingledger close 2026-11-20" in found["text"]
    arrive(shop, "shop", b'{"id":"evt_1"}', DAWN + HOUR)
    found = said()
    assert "1 open: delivery shop 1 waiting; pingledger close 2026-11-20" in found["text"]
    assert (found["open"], found["days"] > 1) == (1, True)
    with shop.begin() as connection:
        connection.execute(sa.update(deliveries).values(state="kept"))
    assert call("close", "--due").code == 0
    found = said()
    assert (found["level"], "no day is due" in found["text"]) == ("good", True)


def test_the_doctor_waits_for_no_day_where_nobody_closes_any(
    call: Call, shop: Ledger, folder: Path
) -> None:
    def said() -> dict[str, Any]:
        rows = map(json.loads, call("doctor", "--json").out.splitlines())
        return next(row for row in rows if row["subject"] == "closing")

    with (folder / "c.toml").open("a", encoding="utf-8") as settings:
        settings.write("[closing]\nruns = false\n")
    found = said()
    assert (found["level"], "none is waited for" in found["text"]) == ("good", True)
    assert call("close", "2026-11-20").code == 0
    found = said()
    assert (found["level"], found["day"]) == ("bad", "2026-11-21")
    assert "a person closes it" in found["text"]


@pytest.mark.parametrize("dialect", ["sqlite"])
@pytest.mark.parametrize(
    "arguments",
    [
        ("tomorrow",),
        ("2026-11-20", "--due"),
        ("2026-11-20", "--force"),
        ("2026-11-20", "--reason", "no force"),
        ("--due", "--force", "--reason", "all"),
        ("2026-11-20", "--force", "--reason", "x" * 201),
        ("show", "tomorrow"),
        ("list", "--since", "x"),
    ],
)
@pytest.mark.usefixtures("shop")
def test_what_makes_no_sense_is_said(call: Call, arguments: tuple[str, ...]) -> None:
    ended = call("close", *arguments)
    assert (ended.code, len(ended.err.splitlines())) == (64, 1)
