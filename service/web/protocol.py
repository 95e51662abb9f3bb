"""How long and how much a connection may take: uvicorn bounds neither time nor head of a request.

One sweep over the open connections keeps the limits: no request pays for a timer of its own.
"""

import asyncio
import signal
import socket
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from types import FrameType
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import HANDLED_SIGNALS

_TOO_MANY = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\ncache-control: no-store\r\n"
    b"retry-after: 2\r\nconnection: close\r\n\r\n"
)
_TOO_LONG = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n"
    b"cache-control: no-store\r\nconnection: close\r\n\r\n"
)
# the ASGI extension by which an application grants a request more time
MORE_TIME = "pingledger.more_time"
_TICKS_A_SWEEP = 5
_BACKLOG = 1_024
_SWITCH_SECONDS = 0.0005


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """What one process grants its peers. Seconds, bytes and counts, as the names say."""

    header_seconds: float = 5.0
    request_seconds: float = 15.0
    keep_alive_seconds: int = 5
    # an answer that its peer does not take
    write_seconds: float = 15.0
    header_bytes: int = 32 * 1024
    header_count: int = 100
    url_bytes: int = 8 * 1024
    connections: int = 1_000
    # how long a stopping process still serves, for balancers to notice; then how long it finishes
    linger_seconds: float = 3.0
    finish_seconds: int = 10


DEFAULT_LIMITS = ServerLimits()


class BoundedConfig(uvicorn.Config):
    """uvicorn's settings, with ours beside them where the protocol can read them."""

    def __init__(self, app: ASGIApp, limits: ServerLimits, trusted_proxies: list[str]) -> None:
        super().__init__(
            app,
            http=BoundedProtocol,
            ws="none",
            loop="uvloop",
            lifespan="on",
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=bool(trusted_proxies),
            forwarded_allow_ips=trusted_proxies,
            timeout_keep_alive=limits.keep_alive_seconds,
            timeout_graceful_shutdown=limits.finish_seconds,
            workers=1,
        )
        self.limits = limits


class BoundedProtocol(HttpToolsProtocol):
    """A connection that knows by when its peer must have done its part (`due`, loop time)."""

    limits: ServerLimits
    due: float = inf

    def __init__(self, config: BoundedConfig, *args: Any, **kwargs: Any) -> None:
        super().__init__(config, *args, **kwargs)
        self.limits = config.limits
        self._head_bytes = 0
        self._in_head = True
        self._extensions: dict[str, dict[object, object]] = {MORE_TIME: {"grant": self._grant}}

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of what would hold this for the collector to find."""
        super().connection_lost(exc)
        self._extensions.clear()

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Start the clock; a connection too many is told so and closed."""
        super().connection_made(transport)
        self.due = self.loop.time() + self.limits.header_seconds
        if len(self.connections) > self.limits.connections:
            transport.write(_TOO_MANY)
            transport.close()

    def data_received(self, data: bytes) -> None:
        """Count what arrives until a head is complete; httptools itself would take any amount."""
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > self.limits.header_bytes and not self.transport.is_closing():
                self.transport.write(_TOO_LONG)
                self.transport.close()

    def on_message_begin(self) -> None:
        """A request begins: its head has its own limit."""
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0
        self._began = self.loop.time()
        self.due = self._began + self.limits.header_seconds

    def on_url(self, url: bytes) -> None:
        """Raising makes the parser fail: answered 400 and closed."""
        super().on_url(url)
        if len(self.url) > self.limits.url_bytes:
            raise ValueError("the URL is too long")

    def on_header(self, name: bytes, value: bytes) -> None:
        """As on_url."""
        super().on_header(name, value)
        if len(self.headers) > self.limits.header_count:
            raise ValueError("too many headers")

    def on_headers_complete(self) -> None:
        """The body may come until the whole request's limit."""
        self._in_head = False
        self.due = self._began + self.limits.request_seconds
        self.scope["extensions"] = self._extensions
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Now it is our turn."""
        self.due = inf
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The next request must begin soon; line ends between requests do not count as one."""
        if self.cycle.response_complete:
            self._in_head, self._head_bytes = True, 0
            self.due = self._idle_until()
        super().on_response_complete()

    def _grant(self, seconds: float) -> None:
        """The body that is still coming in may take so long, counted from the request's start."""
        if self.due != inf:
            self.due = max(self.due, self._began + seconds)

    def pause_writing(self) -> None:
        """The peer does not take what it asked for."""
        super().pause_writing()
        self.due = self.loop.time() + self.limits.write_seconds

    def resume_writing(self) -> None:
        """It does again."""
        super().resume_writing()
        self.due = self._idle_until() if self.cycle.response_complete else inf

    def _idle_until(self) -> float:
        return self.loop.time() + self.limits.keep_alive_seconds + self.limits.header_seconds


class BoundedServer(uvicorn.Server):
    """A server that sweeps out overdue connections and leaves in good order."""

    def __init__(self, config: BoundedConfig, on_stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._limits = config.limits
        self._on_stopping = on_stopping
        self._linger: float | None = None
        self._stop_at = inf

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second."""
        now = asyncio.get_running_loop().time()
        if counter % _TICKS_A_SWEEP == 0:
            sweep(self.server_state.connections, now)
        if self._linger is not None:
            self._stop_at = min(self._stop_at, now + self._linger)
            self.should_exit = self.should_exit or now >= self._stop_at
        return await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """First signal: not ready at once, serve on for the linger, finish. Second: leave now."""
        del frame
        if self._linger is not None:
            self.should_exit = self.force_exit = True
            return
        # a person at the keyboard has no balancer that must notice
        self._linger = 0 if sig == signal.SIGINT else self._limits.linger_seconds
        self._on_stopping()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Listen while serving; unlike uvicorn's, the caller goes on afterwards and cleans up."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {sig: signal.signal(sig, self.handle_exit) for sig in HANDLED_SIGNALS}
        try:
            yield
        finally:
            for sig, handler in before.items():
                signal.signal(sig, handler)


def sweep(connections: Iterable[Any], now: float) -> None:
    """Cut off every peer that has not done its part in time."""
    for connection in list(connections):
        if connection.due <= now:
            connection.transport.abort()


def listen(host: str, port: int) -> socket.socket:
    """Open the listening socket; port 0 takes a free one. Raises OSError when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=_BACKLOG)


def serve(
    app: ASGIApp,
    *listeners: socket.socket,
    limits: ServerLimits = DEFAULT_LIMITS,
    trusted_proxies: Sequence[str] = (),
    on_stopping: Callable[[], None] = lambda: None,
) -> None:
    """Serve until SIGTERM or SIGINT and come back when all requests are answered.

    trusted_proxies: addresses whose X-Forwarded-For is believed; none by default.
    on_stopping: called in the signal handler; must only set a flag. Exits with 3 when the app's own
    start fails.
    """
    # the event loop gets its turn beside busy job threads at once, not after Python's usual 5 ms
    sys.setswitchinterval(_SWITCH_SECONDS)
    config = BoundedConfig(app, limits, list(trusted_proxies))
    BoundedServer(config, on_stopping).run(sockets=list(listeners))
