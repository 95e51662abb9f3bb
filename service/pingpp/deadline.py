"""How Ping++ is reached: a transport whose sockets share one deadline per request."""

import ssl
from collections.abc import Iterable
from typing import Any

import httpcore2
import httpx2

from service.sockets import Bounded, seconds_left

KEEPALIVE_SECONDS = 3.0


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
        seconds = seconds_left(timeout)
        return Bounded(self._inner.connect_tcp(host, port, seconds, local_address, socket_options))


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
