"""How long a request may take in all: a transport whose sockets share one deadline per request.

A read timeout alone starts anew with every byte, so that a server which drips one byte at a time
holds its caller for ever (failure model A13).
"""

import math
import ssl
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore2
import httpx2

KEEPALIVE_SECONDS = 3.0

_ends_at: ContextVar[float] = ContextVar("ends_at", default=math.inf)


@contextmanager
def within(seconds: float) -> Generator[None]:
    """Everything that this thread reads or writes in the block must be done in `seconds`."""
    token = _ends_at.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends_at.reset(token)


def _left(timeout: float | None) -> float | None:
    ends_at = _ends_at.get()
    if ends_at == math.inf:
        return timeout
    left = ends_at - time.monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout("the whole request took too long")
    return left if timeout is None else min(timeout, left)


class _Stream(httpcore2.NetworkStream):
    """A socket that gives up at the deadline, whatever trickles in before."""

    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore2.NetworkBackend):
    def __init__(self) -> None:
        self._inner = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        inner = self._inner.connect_tcp(host, port, _left(timeout), local_address, socket_options)
        return _Stream(inner)


class DeadlineTransport(httpx2.HTTPTransport):
    """HTTP/1.1, no proxies, no retries, TLS 1.2 or newer against the host's trust store.

    context: another trust store.
    """

    def __init__(self, *, connections: int, context: ssl.SSLContext | None = None) -> None:
        context = context or httpx2.create_ssl_context(trust_env=False)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        super().__init__(verify=context, trust_env=False)
        # HTTPTransport takes no network backend; its pool, which nobody has used yet, is replaced
        self._pool = httpcore2.ConnectionPool(
            ssl_context=context,
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=KEEPALIVE_SECONDS,
            network_backend=_Backend(),
        )
