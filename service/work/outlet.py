"""Is a sink well enough to be sent to now?

A sink that fails for several streams in a row is not well: it gets a pause, each longer than the
last, and then one try. So an outage uses up the attempts of few messages, and once the sink is back
the others go at once. One message that is always refused never closes a sink by itself (F43, F44).
"""

import threading
import time
from collections.abc import Callable

from service.outbound.sink import Answer, Dead, Later, Sent, Sink
from service.telemetry import logger

FAILING_STREAMS = 5
PAUSE_SECONDS = 1.0
PAUSE_LIMIT_SECONDS = 60.0
# until every worker sees in the ledger that the sink is switched off
GONE_SECONDS = 5.0

_log = logger("work")


class Outlet:
    """A sink and what this process knows of its health; scale divides the pauses."""

    def __init__(
        self, sink: Sink, *, scale: float = 1.0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.sink = sink
        self._scale = scale
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._failing: set[str] = set()
        self._pauses = 0
        self._closed_until = 0.0
        # after a start nobody knows for how long the sink was away
        self._back, self._was_away = False, True
        self._gone = False

    def is_open(self) -> bool:
        """Whether the sink may be tried now."""
        return self._monotonic() >= self._closed_until

    def is_well(self) -> bool:
        """Whether it has taken anything since it was last away, or since the start."""
        with self._lock:
            return not self._was_away

    def is_back(self) -> bool:
        """True once after a success that followed an outage: what waited for the sink is due."""
        with self._lock:
            back, self._back = self._back, False
            return back

    def is_gone(self) -> bool:
        """True once after the sink said that it wants no more at all."""
        with self._lock:
            gone, self._gone = self._gone, False
            return gone

    def note(self, stream: str, receipt: Answer) -> None:
        """Learn from the answer to a message of `stream`."""
        with self._lock:
            match receipt:
                case Sent():
                    self._back = self._back or self._was_away
                    self._was_away, self._pauses = False, 0
                    self._failing.clear()
                case Dead(gone=True):
                    self._gone = True
                    self._pause("gone", GONE_SECONDS)
                case Dead():
                    pass
                case Later(error, after):
                    if len(self._failing) < FAILING_STREAMS:
                        self._failing.add(stream)
                    if after is not None:
                        self._pause(error, min(after.total_seconds(), PAUSE_LIMIT_SECONDS))
                    elif len(self._failing) == FAILING_STREAMS:
                        self._pause(error, self._next_pause())

    def _next_pause(self) -> float:
        self._was_away = True
        self._pauses = min(self._pauses + 1, 10)
        return min(PAUSE_SECONDS * 2 ** (self._pauses - 1), PAUSE_LIMIT_SECONDS)

    def _pause(self, error: str, seconds: float) -> None:
        self._closed_until = self._monotonic() + seconds / self._scale
        _log.warning("publish.paused", sink=self.sink.name, error=error, seconds=seconds)
