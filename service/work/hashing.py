"""Is this the password? argon2id, at most two at a time, and nobody waits in an endless queue."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from secrets import token_bytes
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from service.core.errors import TryLater
from service.core.passwords import normal

AT_ONCE = 2
WAITING_LIMIT = 10
WAIT_SECONDS = 10.0
# how far its threads give way to others of the process: a notification does not wait for a hash
NICE = 10
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)

_Made = TypeVar("_Made")


class Hashing:
    """One process's share of memory and time for passwords: 19 MiB and some 30 ms each."""

    def __init__(self, hasher: PasswordHasher = HASHER, waiting: int = WAITING_LIMIT) -> None:
        self._hasher = hasher
        # of nobody's password: who is not known costs as much time as who is
        self._dummy = hasher.hash(token_bytes(16))
        self._threads = ThreadPoolExecutor(AT_ONCE, "hash", _give_way)
        self._places = threading.BoundedSemaphore(AT_ONCE + waiting)

    def hash(self, password: str) -> str:
        """A new hash; raises TryLater when too many wait."""
        given = _bytes_of(password)
        return self._run(lambda: self._hasher.hash(given))

    def is_right(self, password: str, kept: str | None) -> bool:
        """Whether it is the password of this hash; without one it takes as long and is not."""
        given = _bytes_of(password)
        try:
            self._run(lambda: self._hasher.verify(kept or self._dummy, given))
        except (VerificationError, InvalidHashError):
            return False
        return kept is not None

    def is_weak(self, kept: str) -> bool:
        """Whether it was made with less than we ask for today."""
        return self._hasher.check_needs_rehash(kept)

    def _run(self, work: Callable[[], _Made]) -> _Made:
        if not self._places.acquire(blocking=False):
            raise TryLater("too many passwords are being checked")
        try:
            asked = self._threads.submit(work)
            try:
                return asked.result(WAIT_SECONDS)
            except TimeoutError:
                asked.cancel()
                raise TryLater("too many passwords are being checked") from None
        finally:
            self._places.release()


def _bytes_of(password: str) -> bytes:
    return normal(password).encode("utf-8", "surrogatepass")


def _give_way() -> None:
    """Of the thread alone, which Linux allows; elsewhere there is nothing to do."""
    with suppress(OSError, AttributeError):
        me = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, me, max(os.getpriority(os.PRIO_PROCESS, me), NICE))
