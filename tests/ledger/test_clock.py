"""Whether time goes on evenly, whatever the host's clock does."""

from datetime import timedelta

import time_machine

from service.ledger.clock import LedgerClock, uptime
from service.ledger.engine import Ledger

HOUR = timedelta(hours=1)


class Ticks:
    """A clock that nobody sets but the test."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def __call__(self) -> float:
        return self.at


def test_time_goes_on_with_the_uptime(ledger: Ledger) -> None:
    ticks = Ticks()
    clock = LedgerClock(ledger, ticks=ticks)
    start = clock()
    ticks.at += 90.5
    assert clock() - start == timedelta(seconds=90.5)
    assert abs(start - ledger.now()) < HOUR
    assert start.tzinfo is not None


def test_a_jump_of_the_host_changes_nothing(ledger: Ledger) -> None:
    clock = LedgerClock(ledger)
    start = clock()
    for jump in (HOUR, -HOUR, timedelta(days=3650)):
        with time_machine.travel(start + jump):
            assert abs(clock() - start) < HOUR / 2
            clock.reanchor()
            assert abs(clock() - start) < HOUR / 2


def test_drift_is_taken_back(ledger: Ledger) -> None:
    ticks = Ticks()
    clock = LedgerClock(ledger, ticks=ticks)
    ticks.at += 2
    assert timedelta(seconds=-2) <= clock.reanchor() < timedelta(seconds=0)
    assert abs(clock.reanchor()) < timedelta(seconds=1)


def test_postgres_is_followed_and_a_jump_of_sqlite_is_not(ledger: Ledger) -> None:
    ticks = Ticks()
    clock = LedgerClock(ledger, ticks=ticks)
    ticks.at += HOUR.total_seconds()
    assert abs(clock.reanchor() + HOUR) < timedelta(minutes=5)
    step = abs(clock.reanchor())
    if ledger.dialect == "postgresql":
        assert step < timedelta(minutes=5)
    else:
        assert abs(step - HOUR) < timedelta(minutes=5)


def test_uptime_only_grows() -> None:
    assert 0 < uptime() <= uptime()
