"""Is this the password? argon2id, at most two at a time, and nobody waits in an endless queue."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from secrets import token_bytes

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from service.core.errors import TryLater
from service.core.passwords import normal

AT_ONCE = 2
WAITING_LIMIT = 10
WAIT_SECONDS = 10.0
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)


class Hashing:
    """One process's share of memory and time for passwords: 19 MiB and some 30 ms each."""

    def __init__(self, hasher: PasswordHasher = HASHER, waiting: int = WAITING_LIMIT) -> None:
        self._hasher = hasher
        # of nobody's password: who is not known costs as much time as who is
        self._dummy = hasher.hash(token_bytes(16))
        self._running = threading.BoundedSemaphore(AT_ONCE)
        self._places = threading.BoundedSemaphore(AT_ONCE + waiting)

    def hash(self, password: str) -> str:
        """A new hash; raises TryLater when too many wait."""
        with self._turn():
            return self._hasher.hash(normal(password).encode("utf-8", "surrogatepass"))

    def is_right(self, password: str, kept: str | None) -> bool:
        """Whether it is the password of this hash; without one it takes as long and is not."""
        with self._turn():
            try:
                self._hasher.verify(
                    kept or self._dummy, normal(password).encode("utf-8", "surrogatepass")
                )
            except (VerificationError, InvalidHashError):
                return False
        return kept is not None

    def is_weak(self, kept: str) -> bool:
        """Whether it was made with less than we ask for today."""
        return self._hasher.check_needs_rehash(kept)

    @contextmanager
    def _turn(self) -> Generator[None]:
        if not self._places.acquire(blocking=False):
            raise TryLater("too many passwords are being checked")
        try:
            if not self._running.acquire(timeout=WAIT_SECONDS):
                raise TryLater("too many passwords are being checked")
            try:
                yield
            finally:
                self._running.release()
        finally:
            self._places.release()
