"""How is the same sum not made anew for everybody who looks?

What moved in a span that has ended hardly changes: its sum is kept for a minute, that of a span
which is still open for some seconds. The journal stays the only truth; nothing is stored.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from service.ledger.engine import Connection
from service.ledger.views import money
from service.ledger.views.money import Moved
from service.ledger.views.walk import Scope

ENDED_FOR, OPEN_FOR = timedelta(seconds=60), timedelta(seconds=10)
# spans of an open day move on with the clock: they are asked for by the minute
_GRAIN = timedelta(minutes=1)
KEPT_LIMIT = 500

_Span = tuple[datetime, datetime, Scope]


class Tally:
    """The sums of one application."""

    def __init__(self) -> None:
        self._kept: dict[_Span, tuple[datetime, Sequence[Moved]]] = {}
        self._lock = Lock()

    @staticmethod
    def of(state: Any) -> "Tally":
        """The one that belongs to an application's state."""
        if not hasattr(state, "console_tally"):
            state.console_tally = Tally()
        return state.console_tally

    def moved(
        self,
        connection: Connection,
        since: datetime,
        until: datetime,
        scope: Scope,
        *,
        now: datetime,
    ) -> Sequence[Moved]:
        """What moved in a span, as it was some seconds ago."""
        is_open = until + _GRAIN >= now
        name = (since, _rounded(until), scope)
        with self._lock:
            kept = self._kept.get(name)
        if kept is not None and now - kept[0] < (OPEN_FOR if is_open else ENDED_FOR):
            return kept[1]
        found = money.moved(connection, since=since, until=until, scope=scope)
        with self._lock:
            if len(self._kept) >= KEPT_LIMIT:
                self._kept.clear()
            self._kept[name] = (now, found)
        return found


def _rounded(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
