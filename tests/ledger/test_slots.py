"""Who starts a job, and which processes run."""

import threading
from datetime import datetime, timedelta

from service.ledger import slots
from service.ledger.engine import Ledger
from service.ledger.slots import Replica

LEASE = timedelta(minutes=10)


def claim(ledger: Ledger, holder: str, slot_at: datetime, now: datetime) -> bool:
    with ledger.begin() as connection:
        return slots.claim_slot(
            connection, "reconcile", slot_at, holder=holder, lease=LEASE, now=now
        )


def finish(ledger: Ledger, holder: str, slot_at: datetime, now: datetime) -> bool:
    with ledger.begin() as connection:
        return slots.finish_slot(
            connection, "reconcile", slot_at, holder=holder, outcome="done", now=now
        )


def test_the_first_to_come_runs_a_firing(ledger: Ledger, now: datetime) -> None:
    assert claim(ledger, "a", now, now)
    assert not claim(ledger, "b", now, now)
    assert not claim(ledger, "a", now, now)
    assert claim(ledger, "b", now + timedelta(hours=1), now)


def test_a_firing_whose_holder_died_is_taken_over_once(ledger: Ledger, now: datetime) -> None:
    assert claim(ledger, "a", now, now)
    assert not claim(ledger, "b", now, now + LEASE - timedelta(seconds=1))
    assert claim(ledger, "b", now, now + LEASE)
    assert not claim(ledger, "c", now, now + LEASE)
    assert not finish(ledger, "a", now, now + LEASE)
    assert finish(ledger, "b", now, now + LEASE)


def test_a_finished_firing_is_never_taken_over(ledger: Ledger, now: datetime) -> None:
    assert claim(ledger, "a", now, now)
    assert finish(ledger, "a", now, now)
    assert not claim(ledger, "b", now, now + LEASE * 10)
    with ledger.read() as connection:
        (last,) = slots.latest_slots(connection)
    assert (last.holder, last.outcome, last.finished_at) == ("a", "done", now)


def test_of_many_at_once_one_runs(ledger: Ledger, now: datetime) -> None:
    won: list[str] = []
    start = threading.Barrier(6)

    def compete(holder: str) -> None:
        start.wait(10)
        if claim(ledger, holder, now, now):
            won.append(holder)

    threads = [threading.Thread(target=compete, args=(str(n),)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_the_newest_firing_of_each_job_is_shown(ledger: Ledger, now: datetime) -> None:
    later = now + timedelta(hours=1)
    with ledger.begin() as connection:
        for job, at in (("b", now), ("a", now), ("a", later)):
            slots.claim_slot(connection, job, at, holder="x", lease=LEASE, now=at)
    with ledger.read() as connection:
        assert [(s.job, s.slot_at) for s in slots.latest_slots(connection)] == [
            ("a", later), ("b", now),
        ]  # fmt: skip


def replica(name: str, now: datetime) -> Replica:
    return Replica(name, "up", "http://127.0.0.1:8080", "t" * 64, now, now)


def test_processes_are_running_until_they_leave_or_fall_silent(
    ledger: Ledger, now: datetime
) -> None:
    later = now + timedelta(minutes=5)
    with ledger.begin() as connection:
        slots.heartbeat(connection, replica("a", now))
        slots.heartbeat(connection, replica("b", now))
        slots.heartbeat(connection, replica("c", now))
        slots.leave(connection, "c")
        again = replica("b", now)
        slots.heartbeat(
            connection,
            Replica(again.name, again.role, None, again.token, again.started_at, later),
        )
    with ledger.read() as connection:
        assert [r.name for r in slots.running(connection, since=now)] == ["a", "b"]
        (left,) = slots.running(connection, since=later)
        assert (left.name, left.address, left.ticked_at) == ("b", None, later)


def test_old_firings_and_processes_are_forgotten(ledger: Ledger, now: datetime) -> None:
    later = now + timedelta(days=10)
    claim(ledger, "a", now, now)
    claim(ledger, "a", later, later)
    with ledger.begin() as connection:
        slots.heartbeat(connection, replica("a", now))
        slots.note_successes(connection, {"a": now, "b": later})
        assert slots.prune(connection, before=later) == 2
    with ledger.read() as connection:
        assert [s.slot_at for s in slots.latest_slots(connection)] == [later]
        assert slots.running(connection, since=now) == []
        assert slots.successes_of(connection) == {"b": later}
