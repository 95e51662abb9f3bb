"""How objects are found whose every notification was lost: by walking the provider's lists.

Newest first, over what was created since the last walk and an overlap. A walk that is cut short
keeps how far it came and goes on from there. That a list lacks an object proves nothing.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Event

from service import telemetry
from service.core.errors import TryLater, Unreadable
from service.core.instant import MICROS, to_micros
from service.core.kinds import KINDS
from service.core.kinds.kind import List
from service.ledger import pages
from service.ledger.engine import Connection, Ledger
from service.ledger.pages import Progress, Walk
from service.pingpp.answers import Answer, Rejected, Unanswered
from service.pingpp.client import Client
from service.pingpp.lists import PAGES_LIMIT, walk
from service.pingpp.reader import Page, Sighting, read_page
from service.pingpp.targets import is_id, list_target
from service.work import alarms
from service.work.apply import apply
from service.work.terms import AccountTerms, Terms

# The first walk over a list goes back so far.
FIRST = timedelta(days=1)
# Seconds: objects of the last minutes before a walk may have been listed only after it.
_OVERLAP = 10 * 60
# A walk of more than a hundred pages is gone on with, so often in one run.
PASSES_LIMIT = 10
# How often a page is asked for, and how long a shut gate is waited for in between.
ATTEMPTS_LIMIT = 5
WAIT_SECONDS_LIMIT = 60.0

_log = telemetry.logger("backfill")


def backfill(
    ledger: Ledger,
    clients: Mapping[str, Client],
    *,
    terms: Terms,
    clock: Callable[[], datetime],
    first: timedelta = FIRST,
    stop: Event | None = None,
    pause: Callable[[float], object] = time.sleep,
) -> Counter[str]:
    """Walk every list of every account; gives how many objects were listed, new, or unread.

    stop: once set, no further page is asked for; the next run goes on from there.
    pause: waits so many seconds, less when it is to stop.
    Raises TryLater when the ledger is away. A list that cannot be walked leaves the others alone.
    """
    done: Counter[str] = Counter()
    for which, shape in lists(clients, terms):
        asker = Asker(clients[which.account], which, shape, stop or Event(), pause, terms.scale)
        done.update(Walker(ledger, which, asker, terms, clock).run(first))
    return done


def lists(
    accounts: Iterable[str], terms: Terms, kinds: Iterable[str] = KINDS
) -> Iterator[tuple[Walk, List]]:
    """Every list that can be asked for: by account, kind and app; none without an app."""
    for account in accounts:
        for kind in kinds:
            for shape in KINDS[kind].lists:
                for app in sorted(terms.accounts.get(account, AccountTerms()).apps):
                    yield Walk(account, kind, app), shape


@dataclass(frozen=True, slots=True)
class Span:
    """The bounds of a walk on demand: created at `since` or after, and before `until` if given."""

    since: datetime
    until: datetime | None = None
    # whether a walk that was cut short is gone on with; else it begins anew
    resumes: bool = True

    @property
    def name(self) -> str:
        """How its cursor is kept; without an end it goes on to the time of whoever resumes it."""
        ends = f"{_seconds(self.since)}-{_seconds(self.until) if self.until else ''}"
        return ends if self.resumes else f"{ends}/anew"


@dataclass(frozen=True, slots=True)
class Walked:
    """What came of one list: the counts, and what is left (None: it was walked to its end)."""

    which: Walk
    done: Counter[str]
    left: Progress | None


def backfill_span(
    ledger: Ledger,
    clients: Mapping[str, Client],
    span: Span,
    *,
    kinds: Iterable[str],
    terms: Terms,
    clock: Callable[[], datetime],
    stop: Event,
    pause: Callable[[float], object] = time.sleep,
    on_page: Callable[[Sequence[Sighting]], object] = lambda _seen: None,
) -> Iterator[Walked]:
    """Walk the lists of `kinds` within a span, each to its end or to what stops it.

    The cursor is kept with every page: the same span, asked for again, goes on from there.
    on_page: shown what each page brought, once it is applied. Raises TryLater when the ledger is
    away.
    """
    for bare, shape in lists(clients, terms, kinds):
        which = replace(bare, span=span.name)
        asker = Asker(clients[which.account], which, shape, stop, pause, terms.scale)
        walk_ = Walker(ledger, which, asker, terms, clock, on_page)
        yield walk_.run_span(span)


class Asker:
    """Asks for the pages of one list, and waits a little when there is no answer.

    scale: divides the waits that we choose.
    """

    def __init__(
        self,
        client: Client,
        which: Walk,
        shape: List,
        stop: Event,
        pause: Callable[[float], object],
        scale: float = 1.0,
    ) -> None:
        self.which = which
        self._client, self._shape, self._stop, self._pause = client, shape, stop, pause
        self._scale = scale

    @property
    def can_ask(self) -> bool:
        """Whether its app can stand in a path."""
        return is_id(self.which.app)

    def read(self, answer: Answer) -> Page:
        """What an answer shows."""
        return read_page(answer.body, account=self.which.account, seen_at=answer.started_at)

    def pages(self, created: Mapping[str, int]) -> Iterator[Page]:
        """The pages of what was created within these bounds."""

        def ask(number: int, after: str | None) -> Answer:
            app = self.which.app
            target = list_target(self._shape, app, page=number, after=after, created=created)
            return self.get(target)

        return walk(ask, self.read, paging=self._shape.paging)

    def get(self, target: str) -> Answer:
        """Ask some times; a gate that is shut for longer ends the walk for now."""
        for attempt in range(ATTEMPTS_LIMIT):
            if self._stop.is_set():
                break
            try:
                return self._client.get(target)
            except Unanswered as error:
                least = error.after.total_seconds() if error.after else 0.0
                if attempt == ATTEMPTS_LIMIT - 1 or least > WAIT_SECONDS_LIMIT:
                    raise
                self._pause(max(least, 2.0**attempt / self._scale))
        raise Unanswered("stopping", sent=False)


class Walker:
    """One list, walked from now back to where the last walk began."""

    def __init__(
        self,
        ledger: Ledger,
        which: Walk,
        asker: Asker,
        terms: Terms,
        clock: Callable[[], datetime],
        on_page: Callable[[Sequence[Sighting]], object] = lambda _seen: None,
        belongs: Callable[[Sighting], bool] | None = None,
    ) -> None:
        self._ledger, self._which, self._asker = ledger, which, asker
        self._terms, self._clock, self._on_page = terms, clock, on_page
        self._belongs = belongs or self._is_of_list
        self._done: Counter[str] = Counter()

    def run(self, first: timedelta) -> Counter[str]:
        """Finish what an earlier walk left, then walk what is new."""
        if not self._asker.can_ask:
            return self._done
        with self._ledger.read() as connection:
            known = pages.read(connection, self._which)
        started = _seconds(self._clock())
        self._walk(known or Progress(since=started - int(first.total_seconds())), started)
        return self._done

    def run_span(self, span: Span) -> Walked:
        """Walk a span to its end, from wherever an earlier run of the same span came to."""
        with self._ledger.read() as connection:
            known = pages.read(connection, self._which)
        ends = _seconds(span.until) if span.until else _seconds(self._clock())
        start = _seconds(span.since)
        # `lte` takes in its bound, `until` leaves its own out
        fresh = Progress(start, ends - 1, ends) if span.until else Progress(start)
        progress = known if known and span.resumes else fresh
        is_whole = self._asker.can_ask and self._walk(progress, ends)
        with self._ledger.begin() as connection:
            # a stuck walk cannot be gone on with: only asking anew may help
            if is_whole or self._done["stuck"] or not span.resumes:
                pages.forget(connection, self._which)
            left = None if is_whole else pages.read(connection, self._which) or fresh
        return Walked(self._which, self._done, left)

    def _walk(self, progress: Progress, ends: int) -> bool:
        """Pass after pass up to the items of `ends`; whether all of it was walked."""
        try:
            for _ in range(PASSES_LIMIT):
                progress = self._pass(progress)
                is_new = progress.since + _OVERLAP >= ends
                if self._done["stuck"] or (progress.until == 0 and is_new):
                    return not self._done["stuck"]
            _log.warning("backfill.limit", list=self._which.name, pages=PASSES_LIMIT * PAGES_LIMIT)
            self._done["limited"] += 1
        except (Unanswered, Rejected, Unreadable) as error:
            _log.warning("backfill.cut", list=self._which.name, cause=str(error))
            self._done["cut"] += 1
        return False

    def _pass(self, progress: Progress) -> Progress:
        """Walk at most a hundred pages; gives what is left, `until` 0 when nothing is."""
        began = progress.began or _seconds(self._clock())
        until, walked, more = progress.until or began, 0, False
        created = {"gte": progress.since} | ({"lte": progress.until} if progress.until else {})
        for page in self._asker.pages(created):
            walked += 1
            times = page.times
            # style B's order is not documented: only what comes newest first tells how far it came
            is_sorted = times == sorted(times, reverse=True)
            until = min([until, *times]) if is_sorted else until
            self._take(page, Progress(progress.since, until, began))
            # a server that takes no bounds shows what is older, too
            is_older = bool(times) and is_sorted and times[0] < progress.since
            more = page.has_more and not is_older
            if not more:
                break
        rest = Progress(progress.since, until, began)
        if not more or walked < PAGES_LIMIT:
            rest = Progress(began - _OVERLAP)
        elif until == progress.until:
            _log.warning("backfill.stuck", list=self._which.name)
            self._done["stuck"] += 1
            rest = Progress(began - _OVERLAP)
        with self._ledger.begin() as connection:
            pages.write(connection, self._which, rest, now=self._clock())
        return rest

    def _take(self, page: Page, progress: Progress) -> None:
        """Apply a page, and keep with it how far the walk has come."""
        seen = [one for one in page.sightings if self._belongs(one)]
        self._done["listed"] += len(seen)
        self._done["unread"] += page.unread + len(page.sightings) - len(seen)
        self._done["pages"] += 1
        self._apply(seen, progress)
        self._on_page(seen)

    def _apply(self, seen: Sequence[Sighting], progress: Progress) -> None:
        """All in one transaction; when that fails one by one, and who fails alone is left out."""
        now = self._clock()

        def settle(connection: Connection) -> None:
            pages.write(connection, self._which, progress, now=now)
            for name in sorted({name for one in seen for name in one.odd}):
                account = self._which.account
                alarms.tell(connection, account, "odd_value", name, terms=self._terms, now=now)

        observations = [observation for one in seen for observation in one.observations]
        try:
            applied = apply(self._ledger, observations, terms=self._terms, now=now, settle=settle)
            self._done["new"] += applied.born
        except TryLater:
            raise
        except Exception:  # noqa: BLE001  as in drain: one poison item stops nobody else's
            _log.exception("backfill.failed", list=self._which.name, items=len(seen))
            self._done["failed"] += len(seen) == 1
            for one in seen if len(seen) > 1 else ():
                self._apply([one], progress)

    def _is_of_list(self, seen: Sighting) -> bool:
        """Nothing of another kind or app is merged (A16, A24)."""
        first = seen.observations[0]
        app = first.facts.get("app", self._which.app)
        return first.key.kind == self._which.kind and app == self._which.app


def _seconds(instant: datetime) -> int:
    return to_micros(instant) // MICROS
