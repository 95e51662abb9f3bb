"""When an object is looked at again: until it is final, by its deadline, and some time after."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.belief import join, sighted
from service.core.cadence import CONFLICT_LOOKS_SECONDS, Plan, backoff, plan
from service.core.kinds import KINDS
from service.core.observation import Key, Observation, Source
from service.core.view import View, view

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
EPOCH_NOW = int(NOW.timestamp())


def known(kind: str, status: str, at: datetime = NOW, **attrs: int | bool | str) -> View:
    facts = {name: str(attrs.pop(name)) for name in ("order_id",) if name in attrs}
    seen = Observation(Key("shop", kind, "1"), Source.WEBHOOK, at, status, facts=facts, attrs=attrs)
    return view(KINDS[kind], sighted(KINDS[kind], seen))


def after(plan_made: Plan) -> float:
    assert plan_made.next_look_at is not None
    return (plan_made.next_look_at - NOW).total_seconds()


@pytest.mark.parametrize("kind", KINDS)
def test_an_open_object_is_always_looked_at_again(kind: str) -> None:
    for looks in (0, 1, 5, 1000):
        made = plan(KINDS[kind], known(kind, "created"), looks, NOW)
        assert made.next_look_at is not None
        assert made.deadline_at is not None


def test_looks_grow_rarer_and_the_last_interval_repeats() -> None:
    intervals = [after(plan(KINDS["refund"], known("refund", "pending"), n, NOW)) for n in range(9)]
    assert intervals == sorted(intervals)
    assert intervals[-1] == intervals[-2] == KINDS["refund"].looks.open[-1]


def test_an_order_is_looked_at_when_it_has_expired_and_a_margin_after() -> None:
    expires = known("order", "created", time_expire=EPOCH_NOW + 30)
    made = plan(KINDS["order"], expires, 3, NOW)
    assert made.deadline_at == NOW + timedelta(seconds=90)
    assert after(made) == 90


def test_a_confirmed_withdrawal_has_its_pages_fifteen_minutes() -> None:
    made = plan(KINDS["withdrawal"], known("withdrawal", "pending", confirming=True), 0, NOW)
    assert made.deadline_at == NOW + timedelta(minutes=16)
    unconfirmed = plan(KINDS["withdrawal"], known("withdrawal", "pending"), 0, NOW)
    assert unconfirmed.deadline_at == NOW + timedelta(days=1)


def test_a_paid_order_is_looked_at_some_more_and_then_no_more() -> None:
    paid, grid = known("order", "paid"), KINDS["order"].looks.after
    assert after(plan(KINDS["order"], paid, 0, NOW)) == grid[0]
    assert plan(KINDS["order"], paid, len(grid), NOW) == Plan(None, None, "aftercare")


def test_a_settled_withdrawal_is_done() -> None:
    assert plan(KINDS["withdrawal"], known("withdrawal", "failed"), 0, NOW).next_look_at is None


def test_a_charge_of_an_order_follows_its_order() -> None:
    made = plan(KINDS["charge"], known("charge", "created", order_id="2001"), 0, NOW)
    assert made == Plan(None, None, "follows")


def test_an_unpaid_charge_lapses_by_an_own_look_after_its_expiry() -> None:
    expired = known("charge", "created", time_expire=EPOCH_NOW - 3600)
    assert plan(KINDS["charge"], expired, 0, NOW).next_look_at is not None
    assert plan(KINDS["charge"], expired, 1, NOW).next_look_at is None


def test_a_contradiction_is_asked_soon_and_without_end() -> None:
    kind = KINDS["withdrawal"]
    seen = [
        Observation(Key("shop", "withdrawal", "1"), Source.WEBHOOK, NOW, word)
        for word in ("succeeded", "failed")
    ]
    conflict = view(kind, join(sighted(kind, seen[0]), sighted(kind, seen[1])))
    waits = [after(plan(kind, conflict, looks, NOW)) for looks in range(5)]
    assert waits == [*CONFLICT_LOOKS_SECONDS, CONFLICT_LOOKS_SECONDS[-1]]


def test_the_scale_divides_every_interval() -> None:
    one = after(plan(KINDS["order"], known("order", "paid"), 0, NOW))
    fast = after(plan(KINDS["order"], known("order", "paid"), 0, NOW, scale=60.0))
    assert one / fast == 60


@given(st.integers(1, 200), st.floats(0, 1, exclude_max=True))
def test_a_backoff_never_leaves_its_bounds(failures: int, roll: float) -> None:
    base, cap = timedelta(seconds=30), timedelta(minutes=30)
    assert timedelta(0) <= backoff(failures, roll, base=base, cap=cap) <= cap


def test_a_backoff_doubles_until_its_cap() -> None:
    base, cap = timedelta(seconds=1), timedelta(seconds=5)
    tops = [backoff(n, 1.0, base=base, cap=cap).total_seconds() for n in (1, 2, 3, 4, 5)]
    assert tops == [1, 2, 4, 5, 5]
