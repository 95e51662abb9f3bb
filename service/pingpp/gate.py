"""When the next request may go: gates that shut on failures, and an even pace.

Times are monotonic seconds and arguments. Nothing here locks: the client does.
"""

import math

# While one request tries whether a shut gate may open again, the others look in this often.
TRIAL_SECONDS = 1.0
# A wait is stretched by up to this part of itself, so that many clients do not come back at once.
JITTER = 0.25


class Gate:
    """Lets everything through until `failures` in a row, then one at a time after growing waits.

    base, cap: the first and the longest wait in seconds, before the jitter.
    wary: starts with one request at a time, as after a failure.
    """

    def __init__(self, failures: int, base: float, cap: float, *, wary: bool = False) -> None:
        self._limit, self._base, self._cap = failures, base, cap
        self._failed = 0
        self._shuts = 0
        self._shut_at = self._open_at = -math.inf
        self._trying = False
        self.alone = wary
        self.failing_since: float | None = None

    def wait(self, at: float) -> float:
        """Seconds until a request may go; 0 is now."""
        if at < self._open_at:
            return self._open_at - at
        return TRIAL_SECONDS if self._trying else 0.0

    def enter(self) -> None:
        """A request goes; where only one may go it is the trial."""
        self._trying = self.alone

    def leave(self, started: float) -> None:
        """A request that started then ended without telling anything about this gate."""
        if started >= self._shut_at:
            self._trying = False

    def passed(self, started: float) -> None:
        """A request that started then went well; one from before the gate shut proves nothing."""
        if started >= self._shut_at:
            self._failed = self._shuts = 0
            self._trying = self.alone = False
            self.failing_since = None

    def failed(self, started: float, at: float, roll: float, least: float = 0.0) -> float:
        """A request failed: count it, and shut when it is one too many; gives the wait in seconds.

        least: the other side asked for at least that many seconds. roll: chance in [0, 1).
        """
        if self.failing_since is None:
            self.failing_since = at
        if started >= self._shut_at:
            self._failed += 1
            self._trying = False
            if self.alone or self._failed >= self._limit:
                self._shut(at, roll)
        if least:
            self._open_at = max(self._open_at, at + least)
        return max(self._open_at - at, 0.0)

    def _shut(self, at: float, roll: float) -> None:
        wait = min(self._base * 2.0 ** min(self._shuts, 30), self._cap) * (1 + JITTER * roll)
        self._shuts += 1
        self._shut_at, self.alone = at, True
        self._open_at = at + wait


class Pace:
    """At most `rate` requests a second, evenly spread."""

    def __init__(self, rate: float) -> None:
        self._interval = 1.0 / rate
        self._next_at = -math.inf

    def reserve(self, at: float, patience: float) -> float | None:
        """Take the next place and give the seconds until it; None when that is too long."""
        wait = max(self._next_at - at, 0.0)
        if wait > patience:
            return None
        self._next_at = at + wait + self._interval
        return wait
