"""How long may a request take in all? Sockets that share one deadline per request.

A timeout per read alone starts anew with every byte, so that a peer which drips one byte at a time
holds its caller for ever (failure model A13, S13).
"""

import math
import ssl
import time
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Self

import httpcore2

_ends_at: ContextVar[float] = ContextVar("ends_at", default=math.inf)


@contextmanager
def within(seconds: float) -> Generator[None]:
    """Whatever this thread connects, reads and writes in the block must be done in `seconds`."""
    token = _ends_at.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends_at.reset(token)


def seconds_left(timeout: float | None = None) -> float | None:
    """What is left until the deadline, or `timeout` if that is less; None: there is no limit.

    Raises ReadTimeout when nothing is left.
    """
    ends_at = _ends_at.get()
    if ends_at == math.inf:
        return timeout
    left = ends_at - time.monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout("the whole request took too long")
    return left if timeout is None else min(timeout, left)


class Bounded(httpcore2.NetworkStream):
    """A socket that gives up at the deadline, whatever trickles in before."""

    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what is there, up to so many bytes."""
        return self._inner.read(max_bytes, seconds_left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of it."""
        self._inner.write(buffer, seconds_left(timeout))

    def close(self) -> None:
        """Close the socket."""
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> Self:
        """Agree on TLS; the deadline holds for that as well."""
        inner = self._inner.start_tls(ssl_context, server_hostname, seconds_left(timeout))
        return type(self)(inner)

    def get_extra_info(self, info: str) -> Any:
        """What the socket knows of itself."""
        return self._inner.get_extra_info(info)
