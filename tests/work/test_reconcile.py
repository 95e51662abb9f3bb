"""What becomes of findings: suspected, open, settled; told once each time; also over everything."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Event
from time import sleep
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from service.core.observation import Key
from service.ledger.engine import Connection, Ledger
from service.ledger.mismatches import Moves
from service.ledger.rules import BY_CODE
from service.ledger.schema import dispatches, mismatches, watches
from service.work.reconcile import SLICE, SUSPECTS_LIMIT, after_batch, reconcile, suspects
from service.work.terms import Terms
from tests.books import (
    SEEN,
    Row,
    belief,
    change,
    charge,
    key,
    order,
    part,
    put,
    states,
    told,
    watch,
)
from tests.books import rows_of as rows

TERMS = Terms(sinks=("file", "shop"), epoch="e", grace_seconds=60)
ORDER = Key("shop", "order", "o1")
GRACE = timedelta(seconds=60)
# less was to be paid than the amount: only the sum is wrong
COUPON = {"actual_amount": 90}


def batch(ledger: Ledger, now: datetime, *put_rows: Row, touch: Key | None = None) -> Moves:
    with ledger.begin() as connection:
        keys = put(connection, put_rows)
        return after_batch(connection, [touch] if touch else keys, terms=TERMS, now=now)


def said(ledger: Ledger) -> list[tuple[int, str, str, str]]:
    """(seq, what, ours, theirs) of every message."""
    documents = [(row, json.loads(row["body"])["data"]) for row in told(ledger)]
    return [(row["seq"], d["state"], d["ours"], d["theirs"]) for row, d in documents]


def test_a_hard_contradiction_is_open_and_told_at_once(ledger: Ledger, now: datetime) -> None:
    batch(ledger, now, order(amount=50), charge())
    assert states(ledger) == [("overpaid", "open")]
    assert said(ledger) == [(1, "open", "50", "100")]


def test_a_message_says_what_a_program_and_a_person_need(ledger: Ledger, now: datetime) -> None:
    batch(ledger, now, order(amount=50), charge())
    (row,) = told(ledger)
    assert row["stream"] == "shop/mismatch/overpaid/order/o1"
    assert row["type"] == "pingledger.mismatch.open.v1"
    at = now.isoformat().replace("+00:00", "Z")
    assert json.loads(row["body"])["data"] == {
        "account": "shop",
        "rule": "overpaid",
        "severity": "warning",
        "state": "open",
        "kind": "order",
        "id": "o1",
        "ours": "50",
        "theirs": "100",
        "currency": "cny",
        "found_at": at,
        "opened_at": at,
        "sentence": {"en": BY_CODE["overpaid"].en, "zh": BY_CODE["overpaid"].zh},
        "reason": None,
    }


def test_a_message_goes_to_every_sink(ledger: Ledger, now: datetime) -> None:
    batch(ledger, now, order(amount=50), charge())
    assert [row["sink"] for row in rows(ledger, dispatches)] == ["file", "shop"]


def test_a_sum_is_only_suspected_while_its_grace_runs(ledger: Ledger, now: datetime) -> None:
    moves = batch(ledger, now, order(amount_paid=99, inside=COUPON), charge())
    assert [finding.rule for finding in moves.suspected] == ["paid_sum"]
    later = now + GRACE - timedelta(seconds=1)
    assert suspects(ledger, terms=TERMS, now=later) == 0
    batch(ledger, later, touch=ORDER)
    assert states(ledger) == [("paid_sum", "suspected")]
    assert said(ledger) == []


def test_a_suspicion_that_vanishes_is_settled_in_silence(ledger: Ledger, now: datetime) -> None:
    batch(ledger, now, order(), charge(status="created", inside={"timed": True}))
    change(ledger, Key("shop", "charge", "ch1"), status="paid")
    batch(ledger, now, touch=Key("shop", "charge", "ch1"))
    assert states(ledger) == [("paid_sum", "settled")]
    assert said(ledger) == []


@pytest.mark.parametrize("who", ["suspects", "a touch", "reconcile"])
def test_a_suspicion_whose_grace_is_over_opens(ledger: Ledger, now: datetime, who: str) -> None:
    batch(ledger, now, order(amount_paid=99, inside=COUPON), charge())
    answer(ledger, now)
    at = now + GRACE
    if who == "suspects":
        assert suspects(ledger, terms=TERMS, now=at) == 1
    elif who == "a touch":
        batch(ledger, at, touch=ORDER)
    else:
        assert reconcile(ledger, terms=TERMS, now=at).opened == {"paid_sum": 1}
    (row,) = rows(ledger, mismatches)
    assert (row["state"], row["found_at"], row["opened_at"]) == ("open", now, at)
    assert said(ledger) == [(1, "open", "100", "99")]


def test_facts_settle_what_was_open_and_that_is_told(ledger: Ledger, now: datetime) -> None:
    batch(ledger, now, order(amount=50), charge())
    change(ledger, ORDER, amount=100)
    later = now + timedelta(minutes=5)
    batch(ledger, later, touch=ORDER)
    (row,) = rows(ledger, mismatches)
    assert (row["state"], row["settled_at"]) == ("settled", later)
    assert said(ledger) == [(1, "open", "50", "100"), (2, "settled", "50", "100")]


def test_tellings_count_on_over_re_openings(ledger: Ledger, now: datetime) -> None:
    batch(ledger, now, order(amount=50), charge())
    for amount in (100, 70, 100, 60):
        change(ledger, ORDER, amount=amount)
        batch(ledger, now, touch=ORDER)
    assert [(seq, state) for seq, state, *_ in said(ledger)] == [
        (1, "open"),
        (2, "settled"),
        (3, "open"),
        (4, "settled"),
        (5, "open"),
    ]
    assert states(ledger) == [("overpaid", "settled")] * 2 + [("overpaid", "open")]


def test_silent_suspicions_do_not_count_as_tellings(ledger: Ledger, now: datetime) -> None:
    batch(ledger, now, order(amount_paid=99, inside=COUPON), charge())
    for paid in (100, 98):
        change(ledger, ORDER, amount_paid=paid)
        batch(ledger, now, touch=ORDER)
    answer(ledger, now)
    suspects(ledger, terms=TERMS, now=now + GRACE)
    assert said(ledger) == [(1, "open", "100", "98")]


def test_a_finding_is_told_once_and_its_sides_follow_the_facts(
    ledger: Ledger, now: datetime
) -> None:
    batch(ledger, now, order(amount=50), charge())
    change(ledger, ORDER, amount=60)
    for _ in range(2):
        batch(ledger, now, touch=ORDER)
    assert len(told(ledger)) == 1
    (row,) = rows(ledger, mismatches)
    assert (row["ours"], row["theirs"], row["state"]) == ("60", "100", "open")


def test_what_a_person_has_acknowledged_is_not_told_again(ledger: Ledger, now: datetime) -> None:
    batch(ledger, now, order(amount=50), charge())
    with ledger.begin() as connection:
        connection.execute(sa.update(mismatches).values(state="acknowledged"))
    reconcile(ledger, terms=TERMS, now=now)
    assert states(ledger) == [("overpaid", "acknowledged")]
    change(ledger, ORDER, amount=100)
    reconcile(ledger, terms=TERMS, now=now)
    assert states(ledger) == [("overpaid", "settled")]
    assert [state for _, state, *_ in said(ledger)] == ["open", "settled"]


def test_two_rules_on_one_object_have_lives_of_their_own(ledger: Ledger, now: datetime) -> None:
    batch(ledger, now, order(amount=50, amount_paid=99), charge())
    assert sorted(states(ledger)) == [("overpaid", "open"), ("paid_sum", "suspected")]
    change(ledger, ORDER, amount_paid=100)
    batch(ledger, now, touch=ORDER)
    assert sorted(states(ledger)) == [("overpaid", "open"), ("paid_sum", "settled")]


def answer(ledger: Ledger, at: datetime, word: str = "ok") -> None:
    """The watched objects were asked for, and the provider answered."""
    with ledger.begin() as connection:
        connection.execute(sa.update(watches).values(last_looked_at=at, last_answer=word))


# --- patience -------------------------------------------------------------------------------------


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


# --- asking again ---------------------------------------------------------------------------------


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


# --- time -----------------------------------------------------------------------------------------


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


# --- everything -----------------------------------------------------------------------------------


def test_a_run_over_everything_counts_what_it_finds(ledger: Ledger, now: datetime) -> None:
    wrong = [order(f"o{n}", amount_paid=99, inside=COUPON) for n in range(1, 4)]
    charges = [charge(f"ch{n}", order_id=f"o{n}") for n in range(1, 4)]
    twins = [order("o8", order_no="n", amount=50), order("o9", order_no="n")]
    with ledger.begin() as connection:
        put(connection, [*wrong, *charges, *twins, watch("order", "o7", failures=9)])
    heard: list[int] = []
    seen = reconcile(ledger, terms=TERMS, now=now, on_slice=heard.append)
    assert seen.objects == 9
    assert seen.found == {"paid_sum": 3, "order_no_twice": 1, "overpaid": 1, "overdue": 1}
    assert seen.suspected == {"paid_sum": 3, "overdue": 1}
    assert seen.opened == {"order_no_twice": 1, "overpaid": 1}
    assert seen.settled == {}
    assert heard[-1] == 9


def test_a_second_run_finds_the_same_and_writes_nothing(ledger: Ledger, now: datetime) -> None:
    batch(ledger, now, order(amount=50), charge())
    before = rows(ledger, mismatches)
    seen = reconcile(ledger, terms=TERMS, now=now)
    assert (seen.found, seen.opened) == ({"overpaid": 1}, {})
    assert rows(ledger, mismatches) == before
    assert len(told(ledger)) == 1


def test_everything_is_walked_in_stretches(ledger: Ledger, now: datetime) -> None:
    parts = [part("order_refund", f"r{n:04}", 1, order_id=None) for n in range(1100)]
    with ledger.begin() as connection:
        put(connection, parts)
    heard: list[int] = []
    seen = reconcile(ledger, terms=TERMS, now=now, on_slice=heard.append, size=500)
    assert seen.objects == 1100
    assert heard == [500, 1000, 1100]


def test_a_stretch_of_differences_is_written_a_few_at_a_time(ledger: Ledger, now: datetime) -> None:
    wrong = [order(f"o{n:04}", amount=50, order_no=f"n{n}") for n in range(SLICE + 1)]
    with ledger.begin() as connection:
        put(connection, wrong)
    writing: list[bool] = []

    def hear(connection: Connection) -> None:
        # on PostgreSQL both engines are one
        if "postgresql_readonly" not in connection.get_execution_options():
            writing.append(True)

    event.listen(ledger.writer, "commit", hear)
    assert reconcile(ledger, terms=TERMS, now=now).opened == {"overpaid": SLICE + 1}
    assert len(writing) == 2


def test_what_is_only_known_by_name_is_walked_and_counted(ledger: Ledger, now: datetime) -> None:
    late = {"deadline_at": now - timedelta(seconds=1)}
    rows = [order("o1"), watch("order", "o1", **late)]
    rows += [watch("order", f"o{n}", **late) for n in range(2, 6)]
    rows += [watch("withdrawal", "w1", **late)]
    with ledger.begin() as connection:
        put(connection, rows)
    seen = reconcile(ledger, terms=TERMS, now=now, size=2)
    assert seen.objects == 6
    assert seen.found == {"overdue": 5}


def test_a_rule_that_no_longer_exists_settles_what_it_found(ledger: Ledger, now: datetime) -> None:
    batch(ledger, now, order(amount=50), charge())
    with ledger.begin() as connection:
        connection.execute(sa.update(mismatches).values(rule="forgotten"))
    change(ledger, ORDER, amount=100)
    reconcile(ledger, terms=TERMS, now=now)
    assert states(ledger) == [("forgotten", "settled")]


def test_two_batches_that_find_the_same_at_once_tell_it_once(ledger: Ledger, now: datetime) -> None:
    with ledger.begin() as connection:
        put(connection, [order(amount=50), charge()])
    starting = Event()

    def other() -> None:
        starting.set()
        batch(ledger, now, touch=Key("shop", "charge", "ch1"))

    with ThreadPoolExecutor(1) as pool:
        with ledger.begin() as connection:
            after_batch(connection, [ORDER], terms=TERMS, now=now)
            waiting = pool.submit(other)
            starting.wait()
            # time for the other to run into our uncommitted row; without it the test proves less
            sleep(0.2)
        waiting.result()
    assert states(ledger) == [("overpaid", "open")]
    assert len(told(ledger)) == 1
