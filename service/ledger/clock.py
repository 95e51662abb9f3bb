"""What time is it? The ledger's, carried on by a clock that nobody can set.

Asking the database each time would cost a round trip, and the host's clock may jump; so the
ledger's time is read now and then, and between two readings the host's uptime is added to it.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from service.ledger.engine import Ledger

# A step that ordinary drift cannot explain.
JUMP = timedelta(seconds=5)


def uptime() -> float:
    """Seconds that nobody can set; on Linux they go on while the host sleeps."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class LedgerClock:
    """Call it for the time: aware, UTC, the same in all replicas but for milliseconds."""

    def __init__(self, ledger: Ledger, *, ticks: Callable[[], float] = uptime) -> None:
        self._ledger = ledger
        self._ticks = ticks
        self._anchor = (ledger.now(), ticks())

    def __call__(self) -> datetime:
        """The ledger's time now."""
        instant, at = self._anchor
        return instant + timedelta(seconds=self._ticks() - at)

    def reanchor(self) -> timedelta:
        """Read the ledger's clock again; gives by how much it had left ours.

        PostgreSQL's clock is followed wherever it goes: all replicas do. SQLite's is this host's: a
        jump of it is not believed until the next start, so that no lease and no deadline jumps.
        Raises TryLater when the ledger is away.
        """
        before = self._ticks()
        instant = self._ledger.now()
        at = self._ticks()
        # the answer is as old as half its way
        middle = before + (at - before) / 2
        step = instant - (self._anchor[0] + timedelta(seconds=middle - self._anchor[1]))
        if self._ledger.dialect == "postgresql" or abs(step) < JUMP:
            self._anchor = (instant, middle)
        return step
