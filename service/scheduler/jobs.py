"""What happens by itself, and how often? The table of jobs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from service import telemetry
from service.core.errors import TryLater
from service.ledger import alerts, people, rhythm, sessions, slots
from service.runtime import Runtime, closing_terms_of, lifetime_of
from service.settings.statements import readings
from service.work.backfill import backfill
from service.work.close import close_due
from service.work.count import count
from service.work.drain import drain
from service.work.grade import grade
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

# Firings are kept this long, for `doctor` and for people.
SLOTS_KEPT = timedelta(days=7)
# What a channel was told of notices; whatever is older than that is no news (ledger.people).
NOTICES_KEPT = timedelta(days=30)
REFUSALS_KEPT = timedelta(days=1)

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
        Job("count", every.count_seconds, lambda: count(ledger, runtime.stopping), once=True),
        Job("card", every.card_seconds, lambda: _grade(runtime), once=True),
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


def _grade(runtime: Runtime) -> None:
    grade(runtime.ledger, runtime.settings.zone, now=runtime.clock(), stop=runtime.stopping)


def _prune(runtime: Runtime) -> None:
    with runtime.ledger.begin() as connection:
        slots.prune(connection, before=runtime.clock() - SLOTS_KEPT)
        rhythm.prune(connection, before=runtime.clock() - REFUSALS_KEPT)
        people.prune(connection, before=runtime.clock() - NOTICES_KEPT)
        sessions.prune(connection, lifetime_of(runtime.settings), now=runtime.clock())
