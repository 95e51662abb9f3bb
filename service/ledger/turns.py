"""Who of this process may write to an SQLite file next? SQLite's own waiting is a sleep and a hope.

Writers queue here before they take the file's lock, and are woken in order. The inbox goes to the
front: a notification waits for the transaction that runs, never for those that wait beside it.
"""

import threading
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager

from service.core.errors import TryLater


class Turns:
    """A lock that is handed on in order."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return len(self._waiting)

    @contextmanager
    def take(self, *, wait_seconds: float, first: bool = False) -> Generator[None]:
        """Hold the turn for the block; raises TryLater when it does not come in time."""
        self._acquire(wait_seconds, first)
        try:
            yield
        finally:
            self._hand_on()

    def _acquire(self, wait_seconds: float, first: bool) -> None:
        with self._guard:
            if not self._taken:
                self._taken = True
                return
            mine = threading.Lock()
            mine.acquire()
            (self._waiting.appendleft if first else self._waiting.append)(mine)
        if not mine.acquire(timeout=wait_seconds) and self._left(mine):
            raise TryLater("the ledger is busy: another writer holds it")

    def _left(self, mine: threading.Lock) -> bool:
        """Whether we left the queue; False: the turn was handed to us at the last moment."""
        with self._guard:
            if mine not in self._waiting:
                return False
            self._waiting.remove(mine)
            return True

    def _hand_on(self) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False
