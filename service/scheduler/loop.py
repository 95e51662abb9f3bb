"""When does a job fire, and what if it fails? The loop that runs the table until it is stopped."""

import threading
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

from apscheduler.schedulers.background import (  # pyright: ignore[reportMissingTypeStubs]
    BackgroundScheduler,
)

from service import telemetry
from service.core.errors import TryLater
from service.core.instant import MICROS, from_micros, to_micros
from service.ledger import rhythm, slots
from service.ledger.engine import Connection
from service.ledger.slots import Replica
from service.runtime import Runtime
from service.scheduler.jobs import Job

TICK_SECONDS = 5.0
ANCHOR_SECONDS = 30.0
# A firing that was started and not finished in this time is taken over.
SLOT_LEASE = timedelta(minutes=30)
# At least so many jobs may run side by side; each sink has one of its own besides.
THREADS = 8
STOP_SECONDS = 10.0
WATCH_SECONDS = 1.0

_log = telemetry.logger("scheduler")


class Scheduler:
    """Fires jobs in threads until it is stopped, and keeps telling the ledger that it runs."""

    def __init__(self, runtime: Runtime, replica: Replica, table: Iterable[Job] = ()) -> None:
        self._runtime = runtime
        self._replica = replica
        self._ticked_at: float | None = None
        self._succeeded: dict[str, datetime] = {}
        self._noted: dict[str, datetime] = {}
        self._refused = telemetry.refused_by_account()
        self._stopped = threading.Event()
        threads = THREADS + len(runtime.outlets) + len(runtime.channels)
        # no types are known of it
        self._loop: Any = BackgroundScheduler(
            jobstores={"default": {"type": "memory"}},
            executors={"default": {"type": "threadpool", "max_workers": threads}},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone="UTC",
        )
        self._add(Job("tick", TICK_SECONDS, self._tick))
        self._add(Job("anchor", ANCHOR_SECONDS, self._anchor))
        for job in table:
            self._add(job)

    def start(self) -> None:
        """Begin; each job fires at once and then at its own pace."""
        self._loop.start()
        threading.Thread(target=self._watch_wall, name="wall", daemon=True).start()

    def tick_age_seconds(self) -> float | None:
        """How long ago the loop last turned; None: it never did."""
        return None if self._ticked_at is None else monotonic() - self._ticked_at

    def stop(self, seconds: float = STOP_SECONDS) -> bool:
        """Start nothing more and wait for what runs; False when something would not end in time.

        What was claimed and not given back is taken over by others when its lease ends.
        """
        self._stopped.set()
        self._runtime.stopping.set()
        stopping = threading.Thread(target=self._loop.shutdown, name="stop", daemon=True)
        stopping.start()
        stopping.join(seconds)
        self._leave()
        return not stopping.is_alive()

    def _add(self, job: Job) -> None:
        telemetry.JOB_INTERVAL.labels(job.name).set(job.seconds)
        self._loop.add_job(
            self._fire,
            "interval",
            args=[job],
            id=job.name,
            seconds=job.seconds,
            next_run_time=_wall(),
        )

    def _fire(self, job: Job) -> None:
        """Run a job; whatever happens in it, the next firing comes."""
        try:
            outcome = self._run_once(job) if job.once else _outcome(job)
        except TryLater as error:
            _log.warning("job.later", job=job.name, error=str(error))
            outcome = "later"
        except Exception:  # noqa: BLE001  one job's fault must not end the others
            _log.exception("job.failed", job=job.name)
            outcome = "failed"
        if outcome == "done":
            self._succeeded[job.name] = self._runtime.clock()
        telemetry.JOB_RUNS.labels(job.name, outcome).inc()

    def _run_once(self, job: Job) -> str:
        """Run a firing that nobody else runs; its slot is the ledger's time cut to the cadence."""
        clock, ledger, holder = self._runtime.clock, self._runtime.ledger, self._replica.name
        slot_at = cut(clock(), job.seconds)
        with ledger.begin() as connection:
            ours = slots.claim_slot(
                connection, job.name, slot_at, holder=holder, lease=SLOT_LEASE, now=clock()
            )
        if not ours:
            return "elsewhere"
        outcome = "failed"
        try:
            outcome = _outcome(job)
        except TryLater:
            outcome = "later"
            raise
        finally:
            with ledger.begin() as connection:
                slots.finish_slot(
                    connection, job.name, slot_at, holder=holder, outcome=outcome, now=clock()
                )
        return outcome

    def _tick(self) -> None:
        self._ticked_at = monotonic()
        now = self._runtime.clock()
        with self._runtime.ledger.begin() as connection:
            slots.heartbeat(connection, replace(self._replica, ticked_at=now))
            fresh = self._note_successes(connection)
            refused = self._note_refusals(connection, now)
        self._noted |= fresh
        self._refused = refused

    def _note_successes(self, connection: Connection) -> dict[str, datetime]:
        """Write what went well since the last time; gives that, noted once it is committed."""
        ended = self._succeeded.copy().items()
        fresh = {job: at for job, at in ended if self._noted.get(job) != at}
        slots.note_successes(connection, fresh)
        return fresh

    def _note_refusals(self, connection: Connection, now: datetime) -> dict[str, int]:
        """Write how many deliveries were refused since the last time; gives the totals."""
        totals = telemetry.refused_by_account()
        fresh = {name: count - self._refused.get(name, 0) for name, count in totals.items()}
        rhythm.note_refusals(connection, {n: c for n, c in fresh.items() if c > 0}, now=now)
        return totals

    def _anchor(self) -> None:
        step = self._runtime.clock.reanchor()
        if abs(step) > timedelta(seconds=1):
            _log.warning("clock.jumped", seconds=step.total_seconds())

    def _watch_wall(self) -> None:
        """APScheduler plans by the host's clock: were that set back, all jobs would stand still."""
        wall, at = _wall(), monotonic()
        while not self._stopped.wait(WATCH_SECONDS):
            step = (_wall() - wall).total_seconds() - (monotonic() - at)
            wall, at = _wall(), monotonic()
            if abs(step) > WATCH_SECONDS:
                _log.warning("clock.host_jumped", seconds=step)
                for job in self._loop.get_jobs():
                    job.modify(next_run_time=_wall())

    def _leave(self) -> None:
        try:
            with self._runtime.ledger.begin() as connection:
                self._note_successes(connection)
                slots.leave(connection, self._replica.name)
        except TryLater:
            _log.warning("scheduler.not_signed_off")


def cut(instant: datetime, seconds: float) -> datetime:
    """The beginning of the interval of `seconds`, counted from 1970, that `instant` lies in."""
    step = max(round(seconds * MICROS), 1)
    return from_micros(to_micros(instant) // step * step)


def _outcome(job: Job) -> str:
    with telemetry.JOB_SECONDS.labels(job.name).time():
        job.run()
    return "done"


def _wall() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  what APScheduler itself goes by
