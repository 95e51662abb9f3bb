"""A real server on loopback, and a plain socket to speak to it."""

import asyncio
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import pytest
import sqlalchemy as sa

from service.ledger.engine import Connection, Ledger
from service.ledger.intake import Arrival
from service.ledger.schema import deliveries
from service.ledger.vault import of_delivery
from service.pingpp.signature import KeyRing, load_public_key, sign_body
from service.web.app import App, create_app
from service.web.protocol import (
    DEFAULT_LIMITS,
    BoundedConfig,
    BoundedServer,
    ServerLimits,
    listen,
)
from tests.days import RULES

ACCOUNT = "shop"
TOKEN = "t0ken"
READ_SECONDS = 60


class Pair(Protocol):
    """The session's key pair."""

    private_key: Any
    public_pem: bytes


@dataclass
class Served:
    """A running receiver, its ledger and what it told."""

    app: App
    ledger: Ledger
    port: int
    private_key: Any
    server: BoundedServer
    told: list[str] = field(default_factory=list[str])

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=READ_SECONDS)

    def raw(self, *pieces: bytes) -> bytes:
        """Send bytes and give everything that comes back until the other side ends."""
        with self.connect() as wire:
            try:
                for piece in pieces:
                    wire.sendall(piece)
            except OSError:
                pass
            return drain(wire)

    def sign(self, body: bytes) -> bytes:
        return sign_body(self.private_key, body).encode()

    def request(
        self,
        body: bytes = b"",
        *headers: tuple[bytes, bytes],
        method: bytes = b"POST",
        path: bytes = b"/webhooks/shop",
    ) -> bytes:
        """One whole request as bytes, closing afterwards; no signature but what headers say."""
        lines = [method + b" " + path + b" HTTP/1.1", b"Host: here", b"Connection: close"]
        lines += [name + b": " + value for name, value in headers]
        if body or method == b"POST":
            lines.append(b"Content-Length: %d" % len(body))
        return b"\r\n".join(lines) + b"\r\n\r\n" + body

    def signed(
        self, body: bytes, *headers: tuple[bytes, bytes], path: bytes = b"/webhooks/shop"
    ) -> bytes:
        signature = (b"X-Pingplusplus-Signature", self.sign(body))
        return self.request(body, signature, *headers, path=path)

    def post(self, body: bytes, *headers: tuple[bytes, bytes]) -> int:
        return status(self.raw(self.signed(body, *headers)))

    def get(self, path: str, *headers: tuple[bytes, bytes]) -> bytes:
        return self.raw(self.request(b"", *headers, method=b"GET", path=path.encode()))

    def rows(self, *columns: str) -> list[tuple[Any, ...]]:
        """Some columns of every delivery, its body opened."""
        chosen = [deliveries.c[name] for name in columns or ("dedup_key",)]
        statement = sa.select(deliveries).order_by(*chosen)
        with self.ledger.read() as connection:
            found = [dict(row) for row in connection.execute(statement).mappings()]
        for row in found:
            about = of_delivery(row["account"], row["dedup_key"])
            row["body"] = self.ledger.vault.open(row["body"], about)
        return [tuple(row[column.name] for column in chosen) for row in found]


def drain(wire: socket.socket) -> bytes:
    """Everything until the other side ends; a reset ends it as well."""
    received = b""
    try:
        while piece := wire.recv(65536):
            received += piece
    except ConnectionError:
        pass
    return received


def status(answer: bytes) -> int:
    """The status of the first answer; 0 when there was none."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


Serve = Callable[..., Any]


@contextmanager
def running(ledger: Ledger, pair: Pair, now: datetime, **options: Any) -> Generator[Served]:
    """Serve one account until the block ends."""
    told: list[str] = []

    def tell(_connection: Connection, arrival: Arrival) -> None:
        told.append(arrival.dedup_key)

    limits: ServerLimits = options.pop("server_limits", DEFAULT_LIMITS)
    app = create_app(
        ledger=ledger,
        rings={ACCOUNT: KeyRing([load_public_key(pair.public_pem)])},
        tell=tell,
        clock=options.pop("clock", lambda: now),
        closing=RULES,
        token=TOKEN,
        **options,
    )
    listener = listen("127.0.0.1", 0)
    server = BoundedServer(BoundedConfig(app, limits, []), app.stop)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    port = listener.getsockname()[1]
    try:
        yield Served(app, ledger, port, pair.private_key, server, told)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture
def serve(ledger: Ledger, key_pair: Pair, now: datetime) -> Serve:
    """Start a receiver with options of one's own; a context manager."""

    def start(**options: Any) -> Any:
        return running(options.pop("ledger", ledger), key_pair, now, **options)

    return start


@pytest.fixture
def served(serve: Serve) -> Generator[Served]:
    """A running receiver with the usual limits."""
    with serve() as running_one:
        yield running_one


def run(work: Any) -> Any:
    """Run a coroutine, bounded."""

    async def bounded() -> Any:
        async with asyncio.timeout(60):
            return await work

    return asyncio.run(bounded())
