"""Does a setting over a rule do what it says, and does a dry run say so before it counts?"""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from service.core.observation import Key
from service.ledger.engine import Ledger
from service.ledger.rules.tuning import Tuned
from service.ledger.schema import mismatches
from service.work.reconcile import after_batch, reconcile, suspects
from service.work.rehearse import Rehearsed, rehearse
from service.work.terms import Terms
from tests.books import SEEN, Row, charge, order, part, put, rows_of, states, told

ORDER = Key("shop", "order", "o1")
TERMS = Terms(sinks=("file",), epoch="e", grace_seconds=60)
# ten fen too much
OVERPAID = [order(amount=90), charge()]


def tuned(**rules: Tuned) -> Terms:
    return replace(TERMS, rules=rules)


def batch(ledger: Ledger, now: datetime, rows: Sequence[Row], terms: Terms = TERMS) -> None:
    with ledger.begin() as connection:
        after_batch(connection, put(connection, rows), terms=terms, now=now)


def data(ledger: Ledger) -> list[dict[str, object]]:
    return [json.loads(row["body"])["data"] for row in told(ledger)]


@pytest.mark.parametrize(("tolerance", "found"), [(9, True), (10, False), (11, False)])
def test_within_the_tolerance_nothing_is_found(
    ledger: Ledger, now: datetime, tolerance: int, found: bool
) -> None:
    batch(ledger, now, OVERPAID, tuned(overpaid=Tuned(tolerance=tolerance)))
    assert states(ledger) == ([("overpaid", "open")] if found else [])


def test_a_tolerance_is_of_its_rule_alone(ledger: Ledger, now: datetime) -> None:
    batch(ledger, now, OVERPAID, tuned(paid_sum=Tuned(tolerance=100)))
    assert states(ledger) == [("overpaid", "open")]


def test_a_disabled_rule_finds_nothing(ledger: Ledger, now: datetime) -> None:
    batch(ledger, now, OVERPAID, tuned(overpaid=Tuned(enabled=False)))
    assert (states(ledger), told(ledger)) == ([], [])


def test_what_a_disabled_rule_found_settles_and_the_reason_is_told(
    ledger: Ledger, now: datetime
) -> None:
    batch(ledger, now, OVERPAID)
    reconcile(ledger, terms=tuned(overpaid=Tuned(enabled=False)), now=now)
    assert states(ledger) == [("overpaid", "settled")]
    assert [(d["state"], d["reason"]) for d in data(ledger)] == [
        ("open", None),
        ("settled", "rule_disabled"),
    ]
    reconcile(ledger, terms=TERMS, now=now)
    assert states(ledger) == [("overpaid", "settled"), ("overpaid", "open")]


def test_a_severity_is_kept_and_told_as_it_was_set(ledger: Ledger, now: datetime) -> None:
    batch(ledger, now, OVERPAID, tuned(overpaid=Tuned(severity="info")))
    assert [row["severity"] for row in rows_of(ledger, mismatches)] == ["info"]
    assert [d["severity"] for d in data(ledger)] == ["info"]


def test_a_grace_that_was_set_is_not_divided_by_the_scale(ledger: Ledger, now: datetime) -> None:
    terms = replace(tuned(overpaid=Tuned(grace_seconds=100)), scale=50)
    batch(ledger, now, OVERPAID, terms)
    assert states(ledger) == [("overpaid", "suspected")]
    assert suspects(ledger, terms=terms, now=now + timedelta(seconds=99)) == 0
    suspects(ledger, terms=terms, now=now + timedelta(seconds=100))
    assert states(ledger) == [("overpaid", "open")]


@pytest.mark.parametrize(("days", "found"), [(2, False), (3, True)])
def test_how_long_an_allocation_may_take_is_a_setting(
    ledger: Ledger, now: datetime, days: int, found: bool
) -> None:
    begun = part("allocation", "a1", 50, created_at=now - timedelta(days=days, seconds=1))
    terms = tuned(allocation_unfinished=Tuned(grace_seconds=3 * 86_400))
    batch(ledger, SEEN, [order(), begun])
    reconcile(ledger, terms=terms, now=now)
    assert states(ledger) == ([("allocation_unfinished", "open")] if found else [])


# --- rehearsal ------------------------------------------------------------------------------------


def rehearsed(ledger: Ledger, now: datetime, terms: Terms) -> Rehearsed:
    before = (rows_of(ledger, mismatches), told(ledger))
    seen = rehearse(ledger, {}, terms=terms, now=now)
    assert (rows_of(ledger, mismatches), told(ledger)) == before
    return seen


def test_nothing_would_change_under_the_terms_that_were_counted(
    ledger: Ledger, now: datetime
) -> None:
    batch(ledger, now, OVERPAID)
    seen = rehearsed(ledger, now, TERMS)
    assert (seen.objects, seen.rules) == (2, [])


def test_a_wider_tolerance_shows_what_would_settle(ledger: Ledger, now: datetime) -> None:
    batch(ledger, now, OVERPAID)
    seen = rehearsed(ledger, now, tuned(overpaid=Tuned(tolerance=10)))
    assert (seen.settles, seen.settled_money) == ({"overpaid": 1}, {"overpaid": 10})
    assert seen.opens == {}


def test_a_rule_that_is_switched_on_shows_what_would_open(ledger: Ledger, now: datetime) -> None:
    batch(ledger, now, OVERPAID, tuned(overpaid=Tuned(enabled=False)))
    seen = rehearsed(ledger, now, TERMS)
    assert (seen.opens, seen.open_money) == ({"overpaid": 1}, {"overpaid": 10})
    assert seen.settles == {}


def test_a_rehearsal_tells_what_the_run_then_does(ledger: Ledger, now: datetime) -> None:
    wrong = [order(f"o{n}", amount=90) for n in range(3)]
    batch(ledger, now, [*wrong, *(charge(f"ch{n}", order_id=f"o{n}") for n in range(3))])
    terms = tuned(overpaid=Tuned(enabled=False), paid_sum=Tuned(tolerance=1))
    seen = rehearsed(ledger, now, terms)
    done = reconcile(ledger, terms=terms, now=now)
    assert (seen.settles, seen.opens) == (done.settled, done.opened)
    assert rehearsed(ledger, now, terms).rules == []
