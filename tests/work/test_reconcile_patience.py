"""How long is a suspicion waited for, whom does it ask again, and what comes with time?"""

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from service.ledger.engine import Ledger
from service.ledger.rules import BY_CODE
from service.ledger.schema import watches
from service.work.reconcile import SUSPECTS_LIMIT, reconcile, suspects
from tests.books import SEEN, belief, change, charge, key, order, put, states, told, watch
from tests.books import rows_of as rows
from tests.work.judging import COUPON, GRACE, ORDER, TERMS, answer, batch


def test_the_setting_is_the_grace_of_the_sums_and_the_scale_divides_the_others() -> None:
    assert BY_CODE["paid_sum"].patience(60, 10) == timedelta(seconds=60)
    assert BY_CODE["learned_by_polling"].patience(60, 10) == timedelta(minutes=1)
    assert BY_CODE["overpaid"].patience(60, 10) == timedelta(0)


def test_learning_by_polling_waits_for_the_notification(ledger: Ledger, now: datetime) -> None:
    polled = belief("withdrawal", "w1", "succeeded", notified_at=None)
    batch(ledger, now, polled)
    assert suspects(ledger, terms=TERMS, now=now + timedelta(minutes=9)) == 0
    assert suspects(ledger, terms=TERMS, now=now + timedelta(minutes=10)) == 1
    assert states(ledger) == [("learned_by_polling", "open")]


def test_a_late_notification_settles_it_in_silence(ledger: Ledger, now: datetime) -> None:
    polled = belief("withdrawal", "w1", "succeeded", notified_at=None)
    batch(ledger, now, polled)
    change(ledger, key(polled), notified_at=now)
    batch(ledger, now, touch=key(polled))
    assert (states(ledger), told(ledger)) == ([("learned_by_polling", "settled")], [])


def next_look(ledger: Ledger) -> tuple[str, datetime]:
    (row,) = rows(ledger, watches)
    return row["state"], row["next_look_at"]


@pytest.mark.parametrize(
    "standing",
    [
        [],
        [watch("order", "o1", next_look_at=SEEN + timedelta(days=1))],
        [watch("order", "o1", state="ended", next_look_at=None)],
    ],
    ids=["no watch", "a far look", "an ended watch"],
)
def test_a_suspicious_sum_has_its_order_asked_within_the_grace(
    ledger: Ledger, now: datetime, standing: list[dict[str, Any]]
) -> None:
    batch(ledger, now, order(amount_paid=99, inside=COUPON), charge(), *standing)
    assert next_look(ledger) == ("active", now + timedelta(seconds=10))


def test_asking_sooner_never_postpones_a_look(ledger: Ledger, now: datetime) -> None:
    soon = now + timedelta(seconds=3)
    batch(
        ledger,
        now,
        order(amount_paid=99, inside=COUPON),
        charge(),
        watch("order", "o1", next_look_at=soon),
    )
    assert next_look(ledger) == ("active", soon)


def test_a_look_that_is_under_way_is_left_alone(ledger: Ledger, now: datetime) -> None:
    far = now + timedelta(days=1)
    claimed = watch("order", "o1", next_look_at=far, claim_token="t")
    batch(ledger, now, order(amount_paid=99, inside=COUPON), charge(), claimed)
    assert next_look(ledger) == ("active", far)


def test_an_answered_suspicion_asks_no_more(ledger: Ledger, now: datetime) -> None:
    batch(ledger, now, order(amount_paid=99, inside=COUPON), charge())
    answer(ledger, now + timedelta(seconds=11))
    with ledger.begin() as connection:
        connection.execute(sa.update(watches).values(next_look_at=now + timedelta(days=1)))
    batch(ledger, now + timedelta(seconds=30), touch=ORDER)
    assert next_look(ledger) == ("active", now + timedelta(days=1))


@pytest.mark.parametrize("outcome", ["never asked", "asked before", "http_5xx"])
def test_an_unanswered_suspicion_is_asked_on_and_opens_after_a_long_silence(
    ledger: Ledger, now: datetime, outcome: str
) -> None:
    batch(ledger, now, order(amount_paid=99, inside=COUPON), charge())
    if outcome == "asked before":
        answer(ledger, now - timedelta(seconds=1))
    elif outcome != "never asked":
        answer(ledger, now + timedelta(seconds=10), outcome)
    with ledger.begin() as connection:
        connection.execute(sa.update(watches).values(next_look_at=now + timedelta(days=1)))
    later = now + GRACE * 9
    assert suspects(ledger, terms=TERMS, now=later) == 0
    batch(ledger, later, touch=ORDER)
    assert states(ledger) == [("paid_sum", "suspected")]
    assert next_look(ledger) == ("active", later + timedelta(seconds=10))
    assert suspects(ledger, terms=TERMS, now=now + GRACE * 10) == 1
    assert states(ledger) == [("paid_sum", "open")]


def test_what_becomes_overdue_is_noticed_without_being_touched(
    ledger: Ledger, now: datetime
) -> None:
    waits = watch("withdrawal", "w1", deadline_at=now)
    batch(ledger, now, belief("withdrawal", "w1", "pending"), waits)
    assert states(ledger) == []
    at = now + timedelta(seconds=1)
    assert suspects(ledger, terms=TERMS, now=at) == 1
    assert states(ledger) == [("overdue", "suspected")]
    assert suspects(ledger, terms=TERMS, now=at) == 0
    suspects(ledger, terms=TERMS, now=at + timedelta(minutes=2))
    assert states(ledger) == [("overdue", "open")]


def test_an_object_that_nobody_ever_saw_is_reported(ledger: Ledger, now: datetime) -> None:
    batch(ledger, now, watch("order", "o1", reason="linked", failures=6))
    assert states(ledger) == [("overdue", "suspected")]
    reconcile(ledger, terms=TERMS, now=now + timedelta(hours=1))
    assert states(ledger) == [("overdue", "open")]


def test_suspects_work_a_bounded_number_at_a_time(ledger: Ledger, now: datetime) -> None:
    late = [
        watch("withdrawal", f"w{n}", deadline_at=now - timedelta(seconds=n))
        for n in range(SUSPECTS_LIMIT + 5)
    ]
    with ledger.begin() as connection:
        put(connection, late)
    assert suspects(ledger, terms=TERMS, now=now) == SUSPECTS_LIMIT
    assert suspects(ledger, terms=TERMS, now=now) == 4
