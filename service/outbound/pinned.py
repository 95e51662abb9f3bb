"""How a connection is made: to an address that was looked at, and within one deadline per request.

The name is resolved here and nowhere else, so that what was checked is what is connected to (DNS
rebinding, failure S06); TLS still asks for the name. A timeout per read alone would start anew
with every byte, and a peer that drips one byte at a time would hold its sender for ever (S13).
"""

import math
import ssl
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore2

from service.outbound.address import Resolve, addresses, resolve

CONNECTS_LIMIT = 3

_ends_at: ContextVar[float] = ContextVar("ends_at", default=math.inf)


class NotResolved(httpcore2.ConnectError):
    """The name has no address, or nobody said so in time."""


class NotTrusted(httpcore2.ConnectError):
    """TLS could not be agreed on: certificate, name or version."""


@contextmanager
def within(seconds: float) -> Generator[None]:
    """Whatever this thread connects, writes and reads in the block ends in `seconds`."""
    token = _ends_at.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends_at.reset(token)


def _left() -> float:
    left = _ends_at.get() - time.monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout("the whole request took too long")
    return left


class Pinned(httpcore2.NetworkBackend):
    """Opens sockets to addresses that passed; here: to this machine itself, on purpose."""

    def __init__(self, *, here: bool, ask: Resolve = resolve) -> None:
        self._here = here
        self._ask = ask
        self._sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Try the first few addresses in turn. Raises AddressRefused, or httpcore2's errors."""
        del timeout
        try:
            found = addresses(host, port, seconds=_left(), here=self._here, ask=self._ask)
        except OSError as error:
            raise NotResolved("the name was not resolved") from error
        failure: Exception = httpcore2.ConnectError("no address")
        for address in found[:CONNECTS_LIMIT]:
            try:
                inner = self._sockets.connect_tcp(
                    address, port, _left(), local_address, socket_options
                )
            except httpcore2.ConnectError as error:
                failure = error
            else:
                return _Bounded(inner)
        raise failure


class _Bounded(httpcore2.NetworkStream):
    """A socket that gives up at the deadline, whatever trickles in before."""

    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        del timeout
        return self._inner.read(max_bytes, _left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        del timeout
        self._inner.write(buffer, _left())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        del timeout
        try:
            return _Bounded(self._inner.start_tls(ssl_context, server_hostname, _left()))
        except httpcore2.ConnectError as error:
            raise NotTrusted("TLS failed") from error

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
