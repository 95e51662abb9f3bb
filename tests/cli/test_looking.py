"""What do commands show of objects, deliveries and mismatches, to people and to programs?"""

import signal
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from typing import Any

import pytest

from service.cli.output import Format, cell, show
from service.core.observation import Key, Observation, Source
from service.ledger.engine import Ledger, open_ledger
from service.work.apply import apply
from service.work.terms import Terms
from tests.cli.conftest import Call
from tests.cli.storied import ORDER, rows
from tests.conftest import VAULT


def test_objects_are_rows_for_programs(call: Call, story: Ledger) -> None:
    ended = call("objects", "--format", "jsonl")
    assert (ended.code, ended.err) == (0, "")
    charge, order = rows(ended.out)
    assert charge["kind"] == "charge"
    wanted: Mapping[str, Any] = {
        "kind": "order",
        "id": ORDER,
        "account": "main",
        "status": "paid",
        "amount": 100,
        "amount_paid": 170,
        "amount_refunded": 0,
        "found_by": "asked",
    }
    assert charge["found_by"] == "notified"
    assert {name: order[name] for name in wanted} == wanted
    assert isinstance(order["final"], bool)
    assert call("objects", "--json").out == ended.out


def test_objects_are_a_table_for_people(call: Call, story: Ledger) -> None:
    lines = call("objects").out.splitlines()
    assert lines[0].split()[:4] == ["KIND", "ID", "ACCOUNT", "STATUS"]
    assert len(lines) == 3
    assert "\x1b" not in "".join(lines)


def test_objects_can_be_chosen(call: Call, story: Ledger) -> None:
    for chosen, kinds in (
        (("--kind", "order"), ["order"]),
        (("--status", "paid"), ["charge", "order"]),
        (("--account", "other"), []),
        (("--found-by", "notified"), ["charge"]),
        (("--found-by", "asked"), ["order"]),
        (("--limit", "1"), ["charge"]),
    ):
        found = rows(call("objects", "--json", *chosen).out)
        assert [row["kind"] for row in found] == kinds
    finals = rows(call("objects", "--json", "--final").out)
    assert all(row["final"] for row in finals)


def test_deliveries_are_shown_newest_first(call: Call, story: Ledger) -> None:
    second, first = rows(call("deliveries", "--json").out)
    assert (first["event"], first["state"], first["repeats"]) == ("evt_1", "applied", 0)
    assert (second["event"], second["state"]) == ("evt_2", "quarantined")
    assert "body" not in first
    chosen = rows(call("deliveries", "--json", "--state", "quarantined").out)
    assert [row["event"] for row in chosen] == ["evt_2"]


def test_mismatches_are_shown_until_they_settle(call: Call, story: Ledger) -> None:
    found = rows(call("mismatches", "--json").out)
    assert [(m["rule"], m["kind"], m["id"], m["ours"]) for m in found if m["kind"] == "order"]
    assert {"state", "severity", "theirs", "found_at"} <= set(found[0])
    assert rows(call("mismatches", "--json", "--state", "settled").out) == []
    assert len(rows(call("mismatches", "--json", "--settled").out)) == len(found)


def test_many_rows_come_whole(call: Call, database: str, now: datetime) -> None:
    with closing(open_ledger(database, VAULT)) as ledger:
        seen = [
            Observation(
                key=Key("main", "charge", f"ch_{n:05}"),
                source=Source.POLL,
                seen_at=now,
                status="paid",
                facts={"amount": 1, "currency": "cny"},
            )
            for n in range(2_500)
        ]
        apply(ledger, seen, terms=Terms(epoch="e"), now=now)
    found = rows(call("objects", "--json").out)
    assert [row["id"] for row in found] == [one.key.object_id for one in seen]
    assert len(call("objects").out.splitlines()) == 101
    assert len(rows(call("objects", "--json", "--limit", "1500").out)) == 1500


def test_cells_hold_nothing_that_a_terminal_acts_upon() -> None:
    assert cell("\x1b[31m\u202e") == "\\u001b[31m\\u202e"
    assert cell("x" * 100) == "x" * 48 + "…"
    assert [cell(None), cell(True), cell(""), cell(0)] == ["-", "yes", "-", "0"]


def test_wide_rows_after_the_first_keep_their_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert show(({"a": n, "b": "x"} for n in range(700)), ("a", "b"), Format.TABLE) == 701
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "A    B"
    assert lines[-1] == "699  x"


def test_a_table_leaves_the_signals_of_its_process_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A broken pipe ended the process that had once shown a table, at its next cut connection."""
    before = signal.getsignal(signal.SIGPIPE)
    show([{"a": 1}], ("a",), Format.TABLE)
    assert signal.getsignal(signal.SIGPIPE) == before
