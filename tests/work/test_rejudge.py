"""Do the mismatches that stand follow from what is kept, and is one found that does not?"""

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from service.core.observation import Key
from service.ledger.engine import Ledger
from service.ledger.rules.tuning import Tuned
from service.ledger.schema import mismatches
from service.work.reconcile import reconcile
from service.work.rejudge import NAMED_LIMIT, Rejudged, rejudge
from service.work.terms import Terms
from tests.books import charge, order, put, rows_of, watch
from tests.work.judging import COUPON, GRACE, ORDER, TERMS, batch

HOUR = timedelta(hours=1)


def judge(
    ledger: Ledger, now: datetime, terms: Terms = TERMS, patience: timedelta = timedelta(0)
) -> Rejudged:
    before = rows_of(ledger, mismatches)
    *_, last = rejudge(ledger, {}, terms=terms, now=now, patience=patience)
    assert rows_of(ledger, mismatches) == before
    return last


def differing(ledger: Ledger, now: datetime, **more: Any) -> list[tuple[str, str, str]]:
    done = judge(ledger, now, **more)
    assert done.count == len(done.differing)
    return [(apart.value, rule, key.object_id) for apart, rule, key in done.differing]


def tamper(ledger: Ledger, statement: sa.Update | sa.Delete) -> None:
    with ledger.begin() as connection:
        connection.execute(statement)


def forge(ledger: Ledger, now: datetime, **columns: Any) -> None:
    row = {
        **ORDER._asdict(),
        "rule": "overpaid",
        "state": "open",
        "severity": "warning",
        "ours": "1",
        "theirs": "2",
        "found_at": now,
        "opened_at": now,
    }
    with ledger.begin() as connection:
        connection.execute(sa.insert(mismatches), {**row, **columns})


def test_an_empty_ledger_has_nothing_to_judge(ledger: Ledger, now: datetime) -> None:
    assert judge(ledger, now) == Rejudged()


def test_what_the_rules_wrote_they_find_again(ledger: Ledger, now: datetime) -> None:
    batch(ledger, now, order(amount=50), charge())
    done = judge(ledger, now)
    assert (done.objects, done.differing) == (2, [])
    assert len(rows_of(ledger, mismatches)) == 1


def test_a_suspicion_in_its_grace_is_no_difference(ledger: Ledger, now: datetime) -> None:
    batch(ledger, now, order(amount_paid=99, inside=COUPON), charge())
    assert [one["state"] for one in rows_of(ledger, mismatches)] == ["suspected"]
    assert differing(ledger, now + GRACE / 2) == []


def test_a_mismatch_that_was_taken_away_is_named(ledger: Ledger, now: datetime) -> None:
    batch(ledger, now, order(amount=50), charge())
    tamper(ledger, sa.delete(mismatches))
    assert differing(ledger, now) == [("not_open", "overpaid", "o1")]


def test_a_mismatch_that_was_settled_by_hand_is_named(ledger: Ledger, now: datetime) -> None:
    batch(ledger, now, order(amount=50), charge())
    tamper(ledger, sa.update(mismatches).values(state="settled", settled_at=now))
    assert differing(ledger, now) == [("not_open", "overpaid", "o1")]


def test_a_mismatch_whose_sides_were_changed_is_named(ledger: Ledger, now: datetime) -> None:
    batch(ledger, now, order(amount=50), charge())
    tamper(ledger, sa.update(mismatches).values(theirs="51"))
    assert differing(ledger, now) == [("other_sides", "overpaid", "o1")]


@pytest.mark.parametrize("state", ["open", "acknowledged", "waived"])
def test_a_mismatch_that_no_rule_finds_is_named(ledger: Ledger, now: datetime, state: str) -> None:
    batch(ledger, now, order(), charge())
    forge(ledger, now, state=state, waived_until=now + HOUR if state == "waived" else None)
    assert differing(ledger, now) == [("not_found", "overpaid", "o1")]


def test_so_is_one_of_an_object_of_which_there_is_none(ledger: Ledger, now: datetime) -> None:
    forge(ledger, now)
    assert differing(ledger, now) == [("not_found", "overpaid", "o1")]
    batch(ledger, now, order("o2"), charge(order_id="o2"))
    assert differing(ledger, now) == [("not_found", "overpaid", "o1")]


def test_one_that_a_person_waived_stands(ledger: Ledger, now: datetime) -> None:
    batch(ledger, now, order(amount=50), charge())
    waived = {"state": "waived", "waived_until": now + HOUR}
    tamper(ledger, sa.update(mismatches).values(waived))
    assert differing(ledger, now) == []


def test_of_a_rule_that_is_off_nothing_is_asked(ledger: Ledger, now: datetime) -> None:
    off = Terms(epoch="e", rules={"overpaid": Tuned(enabled=False)})
    batch(ledger, now, order(amount=50), charge())
    assert differing(ledger, now, terms=off) == []
    tamper(ledger, sa.delete(mismatches))
    assert differing(ledger, now, terms=off) == []
    assert differing(ledger, now) != []


def test_what_time_alone_brought_may_wait_for_the_next_run(ledger: Ledger, now: datetime) -> None:
    late = watch("order", "o1", deadline_at=now - HOUR)
    with ledger.begin() as connection:
        put(connection, [late])
    assert differing(ledger, now, patience=2 * HOUR) == []
    assert differing(ledger, now, patience=HOUR / 2) == [("not_open", "overdue", "o1")]
    reconcile(ledger, terms=TERMS, now=now)
    assert differing(ledger, now) == []


def test_many_differences_are_all_counted(ledger: Ledger, now: datetime) -> None:
    rules = Rejudged()
    wrong = [order(f"o{n:04}", amount=50) for n in range(40)]
    with ledger.begin() as connection:
        put(connection, [*wrong, *(charge(f"c{n:04}", order_id=f"o{n:04}") for n in range(40))])
    done = judge(ledger, now)
    assert done.count == 40
    for _ in range(NAMED_LIMIT + 1):
        rules.add(done.differing[0])
    assert (rules.count, len(rules.differing)) == (NAMED_LIMIT + 1, NAMED_LIMIT)
    assert done.differing[0].key == Key("shop", "order", "o0000")
