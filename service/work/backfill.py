"""How objects are found whose every notification was lost: by walking the provider's lists.

Newest first, over what was created since the last walk and an overlap. A walk that is cut short
keeps how far it came and goes on from there. That a list lacks an object proves nothing.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
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
from service.pingpp.endpoints import is_id, list_target
from service.pingpp.lists import PAGES_LIMIT, AskPage, walk
from service.pingpp.reader import Page, Sighting
from service.work import alarms
from service.work.apply import apply
from service.work.terms import AccountTerms, Terms

# The first walk over a list goes back so far.
FIRST = timedelta(days=1)
# Seconds: objects of the last minutes before a walk may have been listed only after it.
_OVERLAP = 10 * 60
# A walk of more than a hundred pages is gone on with, so often in one run.
PASSES_LIMIT = 10

_log = telemetry.logger("backfill")


def backfill(
    ledger: Ledger,
    clients: Mapping[str, Client],
    *,
    terms: Terms,
    clock: Callable[[], datetime],
    first: timedelta = FIRST,
    stop: Event | None = None,
) -> Counter[str]:
    """Walk every list of every account; gives how many objects were listed, new, or unread.

    stop: once set, no further page is asked for; the next run goes on from there.
    Raises TryLater when the ledger is away. A list that cannot be walked leaves the others alone.
    """
    done: Counter[str] = Counter()
    for account, client in clients.items():
        for kind in KINDS.values():
            for shape in kind.lists:
                for app in sorted(terms.accounts.get(account, AccountTerms()).apps):
                    which = Walk(account, kind.name, app)
                    done.update(_Walk(ledger, client, which, shape, terms, clock, stop).run(first))
    return done


class _Walk:
    """One list, walked from now back to where the last walk began."""

    def __init__(
        self,
        ledger: Ledger,
        client: Client,
        which: Walk,
        shape: List,
        terms: Terms,
        clock: Callable[[], datetime],
        stop: Event | None,
    ) -> None:
        self._stop = stop
        self._ledger, self._client, self._which, self._shape = ledger, client, which, shape
        self._terms, self._clock = terms, clock
        self._done: Counter[str] = Counter()

    def run(self, first: timedelta) -> Counter[str]:
        """Finish what an earlier walk left, then walk what is new."""
        if not is_id(self._which.app):
            return self._done
        with self._ledger.read() as connection:
            known = pages.read(connection, self._which)
        started = _seconds(self._clock())
        progress = known or Progress(since=started - int(first.total_seconds()))
        try:
            for _ in range(PASSES_LIMIT):
                progress = self._pass(progress)
                is_new = progress.since + _OVERLAP >= started
                if self._done["stuck"] or (progress.until == 0 and is_new):
                    break
        except (Unanswered, Rejected, Unreadable) as error:
            _log.warning("backfill.cut", list=self._which.name, cause=str(error))
            self._done["cut"] += 1
        return self._done

    def _pass(self, progress: Progress) -> Progress:
        """Walk at most a hundred pages; gives what is left, `until` 0 when nothing is."""
        began = progress.began or _seconds(self._clock())
        until, walked, more = progress.until or began, 0, False
        found = walk(self._asking(progress), account=self._which.account, paging=self._shape.paging)
        for page in found:
            walked += 1
            times = _times(page)
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

    def _asking(self, progress: Progress) -> AskPage:
        created = {"gte": progress.since} | ({"lte": progress.until} if progress.until else {})

        def ask(number: int, after: str | None) -> Answer:
            if self._stop is not None and self._stop.is_set():
                raise Unanswered("stopping", sent=False)
            app = self._which.app
            target = list_target(self._shape, app, page=number, after=after, created=created)
            return self._client.get(target)

        return ask

    def _take(self, page: Page, progress: Progress) -> None:
        """Apply a page, and keep with it how far the walk has come."""
        seen = [one for one in page.sightings if self._belongs(one)]
        self._done["listed"] += len(seen)
        self._done["unread"] += page.unread + len(page.sightings) - len(seen)
        self._apply(seen, progress)

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

    def _belongs(self, seen: Sighting) -> bool:
        """Nothing of another kind or app is merged (A16, A24)."""
        first = seen.observations[0]
        app = first.facts.get("app", self._which.app)
        return first.key.kind == self._which.kind and app == self._which.app


def _times(page: Page) -> list[int]:
    created = (one.observations[0].facts.get("created") for one in page.sightings)
    return [at for at in created if isinstance(at, int)]


def _seconds(instant: datetime) -> int:
    return to_micros(instant) // MICROS
