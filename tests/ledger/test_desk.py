"""People answer mismatches; who did what stays, waivers end, and only the facts settle."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from service.core.observation import Key
from service.ledger import desk
from service.ledger.desk import Act, Done
from service.ledger.engine import Ledger
from service.ledger.schema import mismatches
from service.work.reconcile import after_batch, suspects
from service.work.respond import NotWhole, respond
from service.work.terms import Terms
from tests import books

TERMS = Terms(sinks=("one",), epoch="e1", grace_seconds=0)
MONTH = timedelta(days=30)


@pytest.fixture
def order(ledger: Ledger, now: datetime) -> Key:
    """An order of which more was refunded than paid: one open mismatch, number 1."""
    with ledger.begin() as connection:
        rows = [books.order(amount_paid=100, amount_refunded=130), books.charge()]
        (order, charge) = books.put(connection, rows)
        books_open = after_batch(connection, [order, charge], terms=TERMS, now=now)
    assert "refunded_over_paid" in {one.rule for one in books_open.opened}
    return order


def number(ledger: Ledger) -> int:
    (row,) = [r for r in books.rows_of(ledger, mismatches) if r["rule"] == "refunded_over_paid"]
    return row["id"]


def do(ledger: Ledger, act: Act, at: datetime, *numbers: int) -> Done:
    (done,) = respond(ledger, [(act, numbers or (number(ledger),))], terms=TERMS, now=at)
    return done


def row(ledger: Ledger) -> dict[str, Any]:
    return next(r for r in books.rows_of(ledger, mismatches) if r["id"] == number(ledger))


def told(ledger: Ledger) -> Sequence[tuple[int, str]]:
    found = [msgspec.json.decode(r["body"]) for r in books.told(ledger)]
    return [
        (int(one["sequence"]), one["data"]["state"])
        for one in found
        if one["data"]["rule"] == "refunded_over_paid"
    ]


def test_what_is_acknowledged_and_assigned_is_told_no_more(
    ledger: Ledger, order: Key, now: datetime
) -> None:
    do(ledger, Act("acknowledge", "li", "seen"), now)
    do(ledger, Act("assign", "li", owner="wang"), now)
    suspects(ledger, terms=TERMS, now=now + MONTH)
    assert (row(ledger)["state"], row(ledger)["owner"]) == ("acknowledged", "wang")
    assert told(ledger) == [(1, "open")]
    with ledger.read() as connection:
        past = list(desk.history(connection, number(ledger)))
    assert [(one.who, one.act, one.note, one.owner) for one in past] == [
        ("li", "acknowledge", "seen", None),
        ("li", "assign", "", "wang"),
    ]


def test_a_waiver_is_told_and_opens_again_at_its_end(
    ledger: Ledger, order: Key, now: datetime
) -> None:
    do(ledger, Act("waive", "li", "known at the bank", until=now + MONTH), now)
    suspects(ledger, terms=TERMS, now=now + MONTH - timedelta(seconds=1))
    assert row(ledger)["state"] == "waived"
    suspects(ledger, terms=TERMS, now=now + MONTH)
    assert (row(ledger)["state"], row(ledger)["waived_until"]) == ("open", None)
    assert told(ledger) == [(1, "open"), (2, "waived"), (3, "open")]
    with ledger.read() as connection:
        *_, last = desk.history(connection, number(ledger))
    assert (last.who, last.act) == (desk.OURSELVES, "reopen")


def test_a_waiver_ends_when_a_side_changes(ledger: Ledger, order: Key, now: datetime) -> None:
    do(ledger, Act("waive", "li", "known", until=now + MONTH), now)
    books.change(ledger, order, amount_refunded=150)
    with ledger.begin() as connection:
        after_batch(connection, [order], terms=TERMS, now=now)
    assert (row(ledger)["state"], row(ledger)["turns"]) == ("open", 2)
    assert told(ledger)[-1] == (3, "open")


def test_the_facts_settle_what_was_waived_in_silence(
    ledger: Ledger, order: Key, now: datetime
) -> None:
    do(ledger, Act("waive", "li", "known", until=now + MONTH), now)
    books.change(ledger, order, amount_refunded=0)
    with ledger.begin() as connection:
        after_batch(connection, [order], terms=TERMS, now=now)
    assert row(ledger)["state"] == "settled"
    assert told(ledger) == [(1, "open"), (2, "waived")]
    assert do(ledger, Act("comment", "li", "it came back"), now).done == [number(ledger)]


def test_what_is_reopened_after_an_acknowledgement_is_not_told_again(
    ledger: Ledger, order: Key, now: datetime
) -> None:
    do(ledger, Act("acknowledge", "li"), now)
    do(ledger, Act("reopen", "li", "not so sure"), now)
    assert row(ledger)["state"] == "open"
    assert told(ledger) == [(1, "open")]


def test_what_a_state_does_not_allow_is_refused_and_the_rest_is_done(
    ledger: Ledger, order: Key, now: datetime
) -> None:
    done = do(ledger, Act("reopen", "li"), now, number(ledger), 999)
    assert done.done == []
    assert done.refused == {number(ledger): "it is open", 999: "no mismatch has this number"}


def test_all_or_nothing_leaves_everything_when_one_is_refused(
    ledger: Ledger, order: Key, now: datetime
) -> None:
    wanted = [(Act("acknowledge", "li"), [number(ledger)]), (Act("acknowledge", "li"), [999])]
    with pytest.raises(NotWhole):
        respond(ledger, wanted, terms=TERMS, now=now, wholly=True)
    assert row(ledger)["state"] == "open"


@pytest.mark.parametrize(
    ("act", "problem"),
    [
        (Act("settle", "li"), "no act"),
        (Act("comment", "li", " "), "note"),
        (Act("comment", "", "x"), "who"),
        (Act("comment", "li", "x" * (desk.NOTE_LIMIT + 1)), "longer"),
        (Act("assign", "li"), "owner"),
        (Act("acknowledge", "li", owner="wang"), "only assign"),
        (Act("waive", "li", "why"), "end"),
        (Act("reopen", "li", until=datetime.fromisoformat("2027-01-01T00:00:00Z")), "only waive"),
    ],
)
def test_an_act_that_is_wrong_in_itself_says_how(now: datetime, act: Act, problem: str) -> None:
    assert problem in (act.problem(now) or "")


@pytest.mark.parametrize("days", [-1, 0, 367])
def test_a_waiver_needs_an_end_within_a_year(
    ledger: Ledger, order: Key, now: datetime, days: int
) -> None:
    with pytest.raises(ValueError, match="within a year"):
        do(ledger, Act("waive", "li", "why", until=now + timedelta(days=days)), now)


def test_what_was_done_cannot_be_changed(ledger: Ledger, order: Key, now: datetime) -> None:
    do(ledger, Act("acknowledge", "li"), now)
    for statement in ("UPDATE acts SET who = 'wang'", "DELETE FROM acts"):
        with pytest.raises(DBAPIError, match="never changed"), ledger.begin() as connection:
            connection.execute(sa.text(statement))
