"""What do the provider's own events say of a stretch of time? A probe: not every account has them.

The list of events is in no newer document (facts §5). It is asked for once; an answer that there is
none is remembered, and asked again only on demand. An event from the list is no notification: what
it shows is merged as something read again, so that what was never delivered stays marked so.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Event

from service import telemetry
from service.core.kinds.kind import List
from service.ledger import notices
from service.ledger.engine import Ledger
from service.ledger.pages import Walk
from service.pingpp.answers import Answer, Rejected
from service.pingpp.client import Client
from service.pingpp.reader import Page, Sighting, read_events
from service.work import alarms
from service.work.backfill import Asker, Span, Walked, Walker
from service.work.terms import AccountTerms, Terms

# Facts §5: at most twenty a page.
EVENTS = List("/v1/events", "A", {"limit": "20"})
# The cause under which it is remembered that an account has no list of events.
ABSENT = "no_event_list"
_NONE = frozenset({"http_404", "http_4xx"})

_log = telemetry.logger("events")


def walk_events(
    ledger: Ledger,
    clients: Mapping[str, Client],
    span: Span,
    *,
    kinds: Collection[str],
    terms: Terms,
    clock: Callable[[], datetime],
    stop: Event,
    pause: Callable[[float], object] = time.sleep,
    on_page: Callable[[Sequence[Sighting]], object] = lambda _seen: None,
    again: bool = False,
) -> Iterator[Walked]:
    """Walk the events of a span and merge the objects of `kinds` in them, account by account.

    again: ask also where there was no list of events before. Raises TryLater when the ledger is
    away.
    """
    for account, client in clients.items():
        with ledger.read() as connection:
            is_absent = notices.is_known(connection, account, ABSENT)
        if is_absent and not again:
            continue
        which = Walk(account, "event", "", span.name)
        own = terms.accounts.get(account, AccountTerms())
        asker = _EventAsker(client, which, stop, pause, terms.scale, own.livemode)
        wanted = _Wanted(frozenset(kinds), own.apps)
        walker = Walker(ledger, which, asker, terms, clock, on_page, wanted)
        walked = walker.run_span(span)
        if asker.absent:
            walked = Walked(which, Counter(absent=1), None)
        _remember(ledger, account, asker.absent, terms, clock())
        yield walked


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which of the objects are taken: of these kinds, and of no other app (A16)."""

    kinds: frozenset[str]
    apps: frozenset[str]

    def __call__(self, seen: Sighting) -> bool:
        first = seen.observations[0]
        app = first.facts.get("app")
        return first.key.kind in self.kinds and (not self.apps or app is None or app in self.apps)


class _EventAsker(Asker):
    """Asks for the pages of events; an account that has none is told from one in trouble."""

    def __init__(
        self,
        client: Client,
        which: Walk,
        stop: Event,
        pause: Callable[[float], object],
        scale: float,
        livemode: bool,
    ) -> None:
        super().__init__(client, which, EVENTS, stop, pause, scale)
        self._livemode = livemode
        self.absent = ""

    @property
    def can_ask(self) -> bool:
        """Events are listed for an account as a whole."""
        return True

    def read(self, answer: Answer) -> Page:
        """The objects in a page of events, dated by the events."""
        return read_events(
            answer.body,
            account=self.which.account,
            seen_at=answer.started_at,
            livemode=self._livemode,
        )

    def get(self, target: str) -> Answer:
        """Ask, and keep in mind that there is no such list."""
        try:
            return super().get(target)
        except Rejected as error:
            if error.word in _NONE:
                self.absent = error.word
            raise


def _remember(ledger: Ledger, account: str, absent: str, terms: Terms, now: datetime) -> None:
    with ledger.begin() as connection:
        if absent:
            alarms.tell(connection, account, ABSENT, absent, terms=terms, now=now)
        else:
            notices.forget(connection, account, ABSENT)
