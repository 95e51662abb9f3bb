"""Does everything reach us that should? Settled hours are asked for again and compared.

An hour is measured once, when nothing of it is under way any more: its list is walked, what it
shows is applied, and what is then believed of it says how it came.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from service import telemetry
from service.core.instant import MICROS, from_micros, to_micros
from service.core.kinds import KINDS
from service.ledger import notices, radar
from service.ledger.engine import Ledger
from service.ledger.radar import HOUR, Hour, Listed
from service.pingpp.client import Client
from service.pingpp.reader import Sighting
from service.work.backfill import Span, backfill_span
from service.work.terms import AccountTerms, Terms

# An hour is old enough when so much time has passed since its end: looks and retries are done.
SETTLED = timedelta(hours=2)
# The first run goes back so far; each run measures at most so many hours of one kind.
FIRST = timedelta(hours=24)
HOURS_LIMIT = 24
# So many ids of one hour are logged.
DOUBTFUL_LIMIT = 20

_log = telemetry.logger("radar")


@dataclass(frozen=True, slots=True)
class _Scope:
    account: str
    kind: str
    apps: frozenset[str]


def measure(
    ledger: Ledger,
    clients: Mapping[str, Client],
    *,
    terms: Terms,
    target: float,
    clock: Callable[[], datetime],
    stop: threading.Event,
    pause: Callable[[float], object] = time.sleep,
) -> Counter[str]:
    """Measure the hours that are settled and were not measured yet; gives the sums by word.

    target: the share delivered below which an hour is told. An hour whose list cannot be walked
    to its end is left to a later run. Raises TryLater when the ledger is away.
    """
    done: Counter[str] = Counter()
    for scope in _scopes(clients, terms):
        for hour_at in _hours(ledger, scope, clock()):
            listed = _walk(ledger, clients, scope, hour_at, terms, clock, stop, pause)
            if listed is None:
                done["cut"] += 1
                break
            hour = _settle(ledger, scope, hour_at, listed, terms, target, clock())
            done["hours"] += 1
            for word in ("delivered", "asked", "unexplained"):
                done[word] += getattr(hour, word)
    return done


def _scopes(clients: Mapping[str, Client], terms: Terms) -> Iterator[_Scope]:
    """Every kind that has a list, of every account that names its apps."""
    for account in clients:
        apps = terms.accounts.get(account, AccountTerms()).apps
        for name, kind in KINDS.items():
            if kind.lists and apps:
                yield _Scope(account, name, apps)


def _hours(ledger: Ledger, scope: _Scope, now: datetime) -> list[datetime]:
    with ledger.read() as connection:
        last = radar.last_hour(connection, scope.account, scope.kind)
    first = _hour_of(now - FIRST) if last is None else last + HOUR
    ripe = (first + HOUR * n for n in range(HOURS_LIMIT))
    return [hour_at for hour_at in ripe if hour_at + HOUR + SETTLED <= now]


def _hour_of(instant: datetime) -> datetime:
    hour = int(HOUR.total_seconds()) * MICROS
    return from_micros(to_micros(instant) // hour * hour)


def _walk(
    ledger: Ledger,
    clients: Mapping[str, Client],
    scope: _Scope,
    hour_at: datetime,
    terms: Terms,
    clock: Callable[[], datetime],
    stop: threading.Event,
    pause: Callable[[float], object],
) -> dict[str, Listed] | None:
    """What the lists show of an hour, applied; None when one of them was not walked to its end."""
    listed: dict[str, Listed] = {}
    walked = backfill_span(
        ledger,
        {scope.account: clients[scope.account]},
        Span(hour_at, hour_at + HOUR, resumes=False),
        kinds=[scope.kind],
        terms=terms,
        clock=clock,
        stop=stop,
        pause=pause,
        on_page=lambda seen: listed.update(_shown(seen, hour_at)),
    )
    is_whole = all(one.left is None and not one.done["failed"] for one in walked)
    return listed if is_whole else None


def _shown(seen: Sequence[Sighting], hour_at: datetime) -> dict[str, Listed]:
    """The items of the hour; a server that takes no bounds shows others, too."""
    start = to_micros(hour_at) // MICROS
    end = start + int(HOUR.total_seconds())
    found: dict[str, Listed] = {}
    for one in seen:
        first = one.observations[0]
        created = first.facts.get("created")
        if isinstance(created, int) and start <= created < end:
            listed = Listed(first.status, first.facts.get("amount"), first.seen_at)
            found[first.key.object_id] = listed
    return found


def _settle(
    ledger: Ledger,
    scope: _Scope,
    hour_at: datetime,
    listed: Mapping[str, Listed],
    terms: Terms,
    target: float,
    now: datetime,
) -> Hour:
    """Compare, keep and tell, in one transaction."""
    with ledger.begin() as connection:
        hour = radar.compare(connection, scope.account, scope.kind, scope.apps, hour_at, listed)
        radar.record(connection, scope.account, scope.kind, hour_at, hour, now=now)
        if radar.share(hour.delivered, hour.asked, hour.unexplained) < target:
            counts = {n: getattr(hour, n) for n in ("listed", "delivered", "asked", "unexplained")}
            notices.tell_once(
                connection,
                scope.account,
                "radar",
                # once a day for each kind
                f"{scope.kind}/{hour_at.date().isoformat()}",
                epoch=terms.epoch,
                sinks=terms.sinks,
                data={"hour": hour_at.isoformat(), **counts},
                now=now,
            )
    for object_id in hour.doubtful[:DOUBTFUL_LIMIT]:
        _log.warning("radar.unexplained", kind=scope.kind, id=object_id, hour=hour_at.isoformat())
    return hour
