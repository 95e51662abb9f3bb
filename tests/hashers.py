"""A hasher of passwords that shows how many are in it, and can be held up."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Literal

from argon2 import PasswordHasher


class Held(PasswordHasher):
    """While `go_on` is not set, whoever comes in stays in; against: what was verified against."""

    def __init__(self) -> None:
        # as little as argon2 takes: its cost has tests of its own
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.go_on = threading.Event()
        self.go_on.set()
        self.inside = self.most = 0
        self.against: list[str] = []
        self.counting = threading.Condition()

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        with self._counted():
            return super().hash(password, salt=salt)

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        self.against.append(str(hash))
        with self._counted():
            return super().verify(hash, password)

    @contextmanager
    def _counted(self) -> Generator[None]:
        with self.counting:
            self.inside += 1
            self.most = max(self.most, self.inside)
            self.counting.notify_all()
        self.go_on.wait(20)
        try:
            yield
        finally:
            with self.counting:
                self.inside -= 1
