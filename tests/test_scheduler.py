"""Whether jobs fire, end, fail and stop as they should."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from service import telemetry
from service.core.errors import TryLater
from service.core.observation import Key, Observation, Source
from service.ledger import slots
from service.runtime import Runtime, new_replica, open_runtime
from service.scheduler.jobs import Job, jobs
from service.scheduler.loop import Scheduler, cut
from service.settings import load
from service.work.apply import apply
from tests.conftest import put_vault_key

PATIENCE_SECONDS = 30


@pytest.fixture
def runtime(tmp_path: Path, database_url: str) -> Iterator[Runtime]:
    put_vault_key(tmp_path)
    (tmp_path / "c.toml").write_text('[sinks.books]\ntype = "jsonl"\npath = "out.jsonl"\n')
    settings = load(tmp_path / "c.toml", {"PINGLEDGER_DATABASE__URL": database_url})
    with open_runtime(settings) as opened:
        yield opened


def scheduler_of(runtime: Runtime, *table: Job) -> Scheduler:
    return Scheduler(runtime, new_replica(runtime, "work", None), table)


def wait_until(holds: Callable[[], object]) -> None:
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < ends_at, "it never came to be"
        time.sleep(0.01)


def counted(job: str, outcome: str) -> float:
    labels = {"job": job, "outcome": outcome}
    return telemetry.REGISTRY.get_sample_value("pingledger_job_runs_total", labels) or 0.0


def test_what_went_well_is_written_down_at_the_latest_when_it_stops(runtime: Runtime) -> None:
    def fail() -> None:
        raise RuntimeError("on purpose")

    began = runtime.clock()
    scheduler = scheduler_of(
        runtime,
        Job("good", 3600, lambda: None),
        Job("bad", 3600, fail),
        Job("one", 3600, lambda: None, once=True),
    )
    before = {job: counted(job, "done") for job in ("good", "one")}
    failed = counted("bad", "failed")
    scheduler.start()
    for job, count in before.items():
        wait_until(lambda job=job, count=count: counted(job, "done") > count)
    wait_until(lambda: counted("bad", "failed") > failed)
    assert scheduler.stop()
    with runtime.ledger.read() as connection:
        ended = slots.successes_of(connection)
    assert {"good", "one"} <= set(ended)
    assert "bad" not in ended
    assert began <= ended["good"] <= runtime.clock()
    assert telemetry.REGISTRY.get_sample_value("pingledger_job_interval_seconds", {"job": "good"})


def test_a_failing_job_stops_neither_itself_nor_others(runtime: Runtime) -> None:
    ran: list[str] = []

    def fail() -> None:
        ran.append("fail")
        raise RuntimeError("on purpose")

    def later() -> None:
        ran.append("later")
        raise TryLater("the ledger is not available")

    failed, put_off = counted("fails", "failed"), counted("waits", "later")
    scheduler = scheduler_of(
        runtime,
        Job("fails", 0.05, fail),
        Job("waits", 0.05, later),
        Job("works", 0.05, lambda: ran.append("work")),
    )
    scheduler.start()
    wait_until(lambda: all(ran.count(name) > 2 for name in ("fail", "later", "work")))
    assert scheduler.stop()
    assert counted("fails", "failed") > failed
    assert counted("waits", "later") > put_off


def test_a_job_never_runs_beside_itself(runtime: Runtime) -> None:
    inside, most, ran = [0], [0], [0]

    def slow() -> None:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.2)
        inside[0] -= 1
        ran[0] += 1

    scheduler = scheduler_of(runtime, Job("slow", 0.05, slow))
    scheduler.start()
    wait_until(lambda: ran[0] > 2)
    scheduler.stop()
    assert most == [1]


def test_a_job_of_which_one_is_enough_runs_once_per_firing(runtime: Runtime) -> None:
    ran: list[datetime] = []
    job = Job("alone", 3600.0, lambda: ran.append(runtime.clock()), once=True)
    elsewhere = counted("alone", "elsewhere")
    several = [scheduler_of(runtime, job) for _ in range(3)]
    for one in several:
        one.start()
    wait_until(lambda: counted("alone", "elsewhere") == elsewhere + 2)
    for one in several:
        one.stop()
    assert len(ran) == 1
    with runtime.ledger.read() as connection:
        (slot,) = slots.latest_slots(connection)
    assert (slot.job, slot.outcome, slot.slot_at) == ("alone", "done", cut(ran[0], 3600))


def test_a_failed_firing_is_written_down(runtime: Runtime) -> None:
    def fail() -> None:
        raise RuntimeError("on purpose")

    before = counted("broken", "failed")
    scheduler = scheduler_of(runtime, Job("broken", 3600.0, fail, once=True))
    scheduler.start()
    wait_until(lambda: counted("broken", "failed") > before)
    scheduler.stop()
    with runtime.ledger.read() as connection:
        assert [s.outcome for s in slots.latest_slots(connection)] == ["failed"]


def test_a_firing_that_was_put_off_is_written_down_as_such(runtime: Runtime) -> None:
    def later() -> None:
        raise TryLater("not now")

    before = counted("late", "later")
    scheduler = scheduler_of(runtime, Job("late", 3600.0, later, once=True))
    scheduler.start()
    wait_until(lambda: counted("late", "later") > before)
    scheduler.stop()
    with runtime.ledger.read() as connection:
        assert [s.outcome for s in slots.latest_slots(connection)] == ["later"]


def test_a_long_reconcile_ends_when_the_process_stops(runtime: Runtime, now: datetime) -> None:
    seen = Observation(Key("main", "charge", "ch_1"), Source.POLL, now, "paid")
    apply(runtime.ledger, [seen], terms=runtime.terms, now=now)
    (job,) = [job for job in jobs(runtime) if job.name == "reconcile"]
    job.run()
    runtime.stopping.set()
    with pytest.raises(TryLater, match="stops"):
        job.run()


def test_stopping_waits_for_what_runs(runtime: Runtime) -> None:
    begun, ended = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        time.sleep(0.5)
        ended.set()

    scheduler = scheduler_of(runtime, Job("work", 60.0, work))
    scheduler.start()
    assert begun.wait(PATIENCE_SECONDS)
    assert scheduler.stop()
    assert ended.is_set()
    assert runtime.stopping.is_set()


def test_stopping_gives_up_on_what_does_not_end(runtime: Runtime) -> None:
    begun, release = threading.Event(), threading.Event()

    def hang() -> None:
        begun.set()
        release.wait(PATIENCE_SECONDS)

    scheduler = scheduler_of(runtime, Job("hang", 60.0, hang))
    scheduler.start()
    assert begun.wait(PATIENCE_SECONDS)
    assert not scheduler.stop(seconds=0.2)
    release.set()


def test_a_process_is_known_while_it_runs(runtime: Runtime) -> None:
    def known() -> list[str]:
        with runtime.ledger.read() as connection:
            since = runtime.clock() - timedelta(minutes=1)
            return [one.role for one in slots.running(connection, since=since)]

    scheduler = scheduler_of(runtime)
    assert scheduler.tick_age_seconds() is None
    scheduler.start()
    wait_until(known)
    assert known() == ["work"]
    age = scheduler.tick_age_seconds()
    assert age is not None
    assert 0 <= age < PATIENCE_SECONDS
    scheduler.stop()
    assert known() == []


def test_a_host_clock_that_is_set_back_stops_nothing(runtime: Runtime) -> None:  # F19
    ran: list[int] = []
    scheduler = scheduler_of(runtime, Job("work", 0.05, lambda: ran.append(1)))
    scheduler.start()
    wait_until(lambda: len(ran) > 2)
    with time_machine.travel(datetime.now(UTC) - timedelta(hours=1)):
        so_far = len(ran)
        wait_until(lambda: len(ran) > so_far + 5)
    scheduler.stop()


def test_the_table_has_a_job_for_everything(runtime: Runtime) -> None:
    names = [job.name for job in jobs(runtime)]
    assert names == [
        *("drain", "suspects", "publish-books", "reconcile", "close", "alerts", "reports"),
        *("count", "card", "prune"),
    ]
    assert [job.name for job in jobs(runtime) if job.once] == [
        "reconcile", "close", "alerts", "count", "card", "prune",
    ]  # fmt: skip


def test_every_job_runs_on_an_empty_ledger(runtime: Runtime) -> None:
    for job in jobs(runtime):
        job.run()


def test_a_slot_begins_where_its_interval_does() -> None:
    at = datetime(2026, 11, 23, 12, 34, 56, 789_000, tzinfo=UTC)
    assert cut(at, 3600) == datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert cut(at, 0.5) == datetime(2026, 11, 23, 12, 34, 56, 500_000, tzinfo=UTC)
    assert cut(cut(at, 60), 60) == cut(at, 60)
