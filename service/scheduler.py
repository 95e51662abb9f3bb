"""Which job fires when: the table of jobs, and the loop that fires them.

Every replica runs the same table. A job that works on claimed rows runs in all of them; one that
must run once per firing inserts its slot first, and who inserts it runs it. Nothing is persisted
but the slots, and nobody leads.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

from apscheduler.schedulers.background import (  # pyright: ignore[reportMissingTypeStubs]
    BackgroundScheduler,
)

from service import telemetry
from service.core.errors import TryLater
from service.core.instant import MICROS, from_micros, to_micros
from service.ledger import alerts, people, rhythm, sessions, slots
from service.ledger.engine import Connection
from service.ledger.slots import Replica
from service.runtime import Runtime, closing_terms_of, lifetime_of
from service.settings.statements import readings
from service.work.backfill import backfill
from service.work.close import close_due
from service.work.drain import drain
from service.work.outlet import Outlet
from service.work.people.compose import compose
from service.work.people.deliver import deliver
from service.work.poll import poll
from service.work.publish import publish
from service.work.radar import measure
from service.work.reconcile import reconcile, suspects
from service.work.report.filing import file_due
from service.work.report.standing import filings_of, office_of
from service.work.statement.match import match_all
from service.work.subscribe import subscribe
from service.work.vigil import UNWELL, Vigil, watch_over

TICK_SECONDS = 5.0
ANCHOR_SECONDS = 30.0
# Firings are kept this long, for `doctor` and for people.
SLOTS_KEPT = timedelta(days=7)
# What a channel was told of notices; whatever is older than that is no news (ledger.people).
NOTICES_KEPT = timedelta(days=30)
REFUSALS_KEPT = timedelta(days=1)
# A firing that was started and not finished in this time is taken over.
SLOT_LEASE = timedelta(minutes=30)
# At least so many jobs may run side by side; each sink has one of its own besides.
THREADS = 8
STOP_SECONDS = 10.0
WATCH_SECONDS = 1.0

_log = telemetry.logger("scheduler")


@dataclass(frozen=True, slots=True)
class Job:
    """One line of the table. once: by one replica per firing, not by all of them."""

    name: str
    seconds: float
    run: Callable[[], object]
    once: bool = False


def jobs(runtime: Runtime) -> list[Job]:
    """Everything that happens by itself."""
    ledger, terms, clock = runtime.ledger, runtime.terms, runtime.clock
    every = runtime.settings.jobs
    return [
        Job("drain", every.drain_seconds, lambda: drain(ledger, terms=terms, clock=clock)),
        Job("suspects", every.suspects_seconds, lambda: suspects(ledger, terms=terms, now=clock())),
        *_asking(runtime),
        *(_publishing(runtime, outlet) for outlet in runtime.outlets.values()),
        *(_telling(runtime, name) for name in runtime.channels),
        Job("reconcile", every.reconcile_seconds, lambda: _reconcile(runtime), once=True),
        *_closing(runtime),
        Job("alerts", every.alerts_seconds, lambda: _watch_over(runtime), once=True),
        *_beating(runtime),
        _filing(runtime),
        Job("prune", every.prune_seconds, lambda: _prune(runtime), once=True),
    ]


def _asking(runtime: Runtime) -> list[Job]:
    """What asks Ping++; nothing does without an API key."""
    if not runtime.clients:
        return []
    ledger, clients, terms, clock = runtime.ledger, runtime.clients, runtime.terms, runtime.clock
    every = runtime.settings.jobs

    def looks() -> None:
        poll(
            ledger,
            clients,
            terms=terms,
            clock=clock,
            chance=runtime.chance,
            stop=runtime.stopping,
        )

    def walks() -> None:
        stopping = runtime.stopping
        backfill(ledger, clients, terms=terms, clock=clock, stop=stopping, pause=stopping.wait)

    def measures() -> None:
        stopping, target = runtime.stopping, runtime.settings.radar.target
        measure(
            ledger,
            clients,
            terms=terms,
            target=target,
            clock=clock,
            stop=stopping,
            pause=stopping.wait,
        )

    return [
        Job("poll", every.poll_seconds, looks),
        Job("backfill", every.backfill_seconds, walks, once=True),
        Job("radar", every.radar_seconds, measures, once=True),
    ]


def _publishing(runtime: Runtime, outlet: Outlet) -> Job:
    """One job per sink: a slow one holds up no other."""

    def send() -> None:
        subscribe(runtime.ledger, runtime.subscriptions[outlet.sink.name], stop=runtime.stopping)
        publish(
            runtime.ledger,
            outlet,
            chance=runtime.chance,
            clock=runtime.clock,
            scale=runtime.settings.poll.scale,
            stop=runtime.stopping,
        )

    return Job(f"publish-{outlet.sink.name}", runtime.settings.jobs.publish_seconds, send)


def _telling(runtime: Runtime, name: str) -> Job:
    """One job per channel: one that is down, or slow, holds up no other."""
    listener, channel = runtime.listeners[name], runtime.channels[name]
    others = [one for one in runtime.listeners.values() if one.name != name]

    def tell() -> None:
        clock, ledger = runtime.clock, runtime.ledger
        compose(ledger, listener, others, epoch=runtime.terms.epoch, now=clock())
        deliver(ledger, channel, clock=clock, scale=listener.scale, stop=runtime.stopping)

    return Job(f"people-{name}", runtime.settings.jobs.people_seconds, tell)


def _watch_over(runtime: Runtime) -> None:
    settings = runtime.settings
    vigil = Vigil(
        receiving=list(runtime.rings),
        asked=list(runtime.clients),
        sinks=list(runtime.outlets),
        channels=list(runtime.channels),
        data_dir=settings.data_dir,
        closing=closing_terms_of(settings),
    )
    watch_over(runtime.ledger, vigil, terms=runtime.terms, now=runtime.clock())


def _beating(runtime: Runtime) -> list[Job]:
    """Every process that works says that it does, where somebody outside listens."""
    heart = runtime.heartbeat
    if heart is None:
        return []

    def beat() -> None:
        with runtime.ledger.read() as connection:
            grave = [one for one in alerts.open_ones(connection) if one.code in UNWELL]
        heart.beat(not grave)

    return [Job("heartbeat", runtime.settings.jobs.heartbeat_seconds, beat)]


def _reconcile(runtime: Runtime) -> None:
    """Over everything, which may take long: it ends at a slice when the process is to stop."""

    def go_on(_done: int) -> None:
        if runtime.stopping.is_set():
            raise TryLater("the process stops")

    reconcile(runtime.ledger, terms=runtime.terms, now=runtime.clock(), on_slice=go_on)
    known = readings(runtime.settings.statements)
    match_all(runtime.ledger, known, terms=runtime.terms, now=runtime.clock())


def _closing(runtime: Runtime) -> list[Job]:
    """Days close by themselves, unless the settings say that a person closes them."""
    if not runtime.settings.closing.runs:
        return []

    def closes() -> None:
        done, refused = close_due(
            runtime.ledger,
            closing_terms_of(runtime.settings),
            terms=runtime.terms,
            clock=runtime.clock,
            stopping=runtime.stopping.is_set,
        )
        for one in done:
            _log.info("closing.closed", day=str(one.day), hash=one.hash)
        if refused is not None:
            _log.warning("closing.refused", day=str(refused.day), open=refused.count)

    return [Job("close", runtime.settings.jobs.close_seconds, closes, once=True)]


def _filing(runtime: Runtime) -> Job:
    """Each report has slots of its own; in every replica, for any of them may make it."""
    settings = runtime.settings
    filings = filings_of(settings)
    office = office_of(settings, runtime.ledger, runtime.terms.epoch, runtime.clock)

    def files() -> None:
        for name, outcome in file_due(office, filings, runtime.stopping.is_set):
            _log.info("report.filed", report=name, outcome=outcome)

    return Job("reports", runtime.settings.jobs.reports_seconds, files)


def _prune(runtime: Runtime) -> None:
    with runtime.ledger.begin() as connection:
        slots.prune(connection, before=runtime.clock() - SLOTS_KEPT)
        rhythm.prune(connection, before=runtime.clock() - REFUSALS_KEPT)
        people.prune(connection, before=runtime.clock() - NOTICES_KEPT)
        sessions.prune(connection, lifetime_of(runtime.settings), now=runtime.clock())


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
