"""How requests are made without being the bottleneck: raw sockets, prebuilt bytes, one process.

python -m scripts.benchmarks.load '{"port": …}' prints one JSON line.
"""

import asyncio
import sys
import time
from pathlib import Path
from typing import cast

import msgspec
import uvloop

from scripts.benchmarks.events import read_events

_TICK_SECONDS = 0.01


class Order(msgspec.Struct, frozen=True):
    """What to send. `folder` empty: GET `paths[0]`. `rate` a second; 0: as fast as it goes.

    Every path gets every event, so that one set of signatures makes many distinct deliveries.
    """

    port: int
    paths: list[str]
    count: int
    folder: str = ""
    connections: int = 32
    rate: float = 0.0


class Figures(msgspec.Struct):
    """What came of it; `others` counts answers that were not 200."""

    count: int
    seconds: float
    rate: float
    p50_ms: float
    p99_ms: float
    others: int


class _Run:
    """The state all connections share."""

    def __init__(self, order: Order, requests: list[bytes]) -> None:
        self.order = order
        self.requests = requests
        self.sent = 0
        self.allowed = 0 if order.rate else order.count
        self.latencies: list[float] = []
        self.others = 0
        self.idle: list[_Client] = []
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def next(self) -> bytes | None:
        if self.sent >= self.allowed:
            return None
        number = self.sent
        self.sent += 1
        path, request = divmod(number, len(self.requests))
        return self.requests[request].replace(b"{path}", self.order.paths[path].encode(), 1)

    def answered(self, began: float, ok: bool) -> None:
        self.latencies.append(time.perf_counter() - began)
        self.others += not ok
        if len(self.latencies) == self.order.count:
            self.finished.set_result(None)

    async def pace(self) -> None:
        began = time.perf_counter()
        while self.allowed < self.order.count:
            due = int((time.perf_counter() - began) * self.order.rate)
            self.allowed = min(self.order.count, due)
            ready, self.idle = self.idle, []
            for client in ready:
                client.go()
            await asyncio.sleep(_TICK_SECONDS)


class _Client(asyncio.Protocol):
    """One connection: a request, its answer, the next."""

    def __init__(self, run: _Run) -> None:
        self.run = run
        self.buffer = b""
        self.began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's own class, which only looks like asyncio's
        self.transport = cast("asyncio.Transport", transport)
        self.go()

    def go(self) -> None:
        request = self.run.next()
        if request is None:
            self.run.idle.append(self)
            return
        self.began = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            return
        self.buffer = b""
        self.run.answered(self.began, head.startswith(b"HTTP/1.1 200"))
        self.go()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.run.finished.done():
            self.run.finished.set_exception(ConnectionError(f"closed: {exc!r}"))


def _length(head: bytes) -> int:
    lower = head.lower()
    start = lower.index(b"content-length:") + 15
    end = lower.find(b"\r", start)
    return int(lower[start : end if end > 0 else None])


def _requests(order: Order) -> list[bytes]:
    if not order.folder:
        return [b"GET {path} HTTP/1.1\r\nHost: here\r\n\r\n"] * order.count
    each = -(-order.count // len(order.paths))
    return [
        b"POST {path} HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
        b"X-Pingplusplus-Signature: %s\r\nContent-Length: %d\r\n\r\n%s"
        % (signature, len(body), body)
        for body, signature in read_events(Path(order.folder), each)
    ]


async def _send(order: Order) -> Figures:
    run = _Run(order, _requests(order))
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    for _ in range(order.connections):
        await loop.create_connection(lambda: _Client(run), "127.0.0.1", order.port)
    if order.rate:
        await run.pace()
    await run.finished
    seconds = time.perf_counter() - began
    ordered = sorted(run.latencies)
    count = len(ordered)
    return Figures(
        count,
        seconds,
        count / seconds,
        ordered[count // 2] * 1e3,
        ordered[count * 99 // 100] * 1e3,
        run.others,
    )


def main() -> None:
    order = msgspec.json.decode(sys.argv[1], type=Order)
    print(msgspec.json.encode(uvloop.run(_send(order))).decode())


if __name__ == "__main__":
    main()
