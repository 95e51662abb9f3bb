"""A provider that answers in process as a test says, and a clock that only the test moves."""

import json
import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx2

from service.pingpp.access import Access, Host
from service.pingpp.client import Client
from tests import bodies

Answering = Callable[[httpx2.Request], httpx2.Response]


class Provider:
    """Bodies by path; what has none is 404. Rules answer before, by path or by account."""

    def __init__(self, now: datetime) -> None:
        self.at = now
        self.bodies: dict[str, Any] = {}
        self.rules: dict[str, Answering] = {}
        self.asked: list[tuple[str, str]] = []
        self._lock = threading.Lock()

    def clock(self) -> datetime:
        return self.at

    def pass_time(self, seconds: float) -> None:
        with self._lock:
            self.at += timedelta(seconds=seconds)

    def show(self, body: Any, path: str) -> None:
        self.bodies[path] = body

    def client(self, account: str = "shop", *, host: Host | None = None) -> Client:
        """A client whose API key is its account's name."""
        return Client(
            Access("https://api.test", account, rate=10_000.0),
            host or Host(),
            clock=self.clock,
            chance=lambda: 0.5,
            ticks=lambda: self.at.timestamp(),
            sleep=self.pass_time,
            transport=httpx2.MockTransport(self._answer),
        )

    def paths(self) -> list[str]:
        return [path for _, path in self.asked]

    def requests_by_account(self) -> Counter[str]:
        return Counter(account for account, _ in self.asked)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        account = request.headers["Authorization"].removeprefix("Bearer ")
        with self._lock:
            self.asked.append((account, request.url.path))
        rule = self.rules.get(account) or self.rules.get(request.url.path)
        if rule is not None:
            return rule(request)
        body = self.bodies.get(request.url.path)
        return answer(404 if body is None else 200, body)


def answer(status: int, body: Any = None, **headers: str) -> httpx2.Response:
    """A response whose body is still to be read, as from a socket."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.Response(status, headers=named, stream=httpx2.ByteStream(content))


def listing(
    items: list[bodies.Fields], *, style: str, size: int, filters: bool = True
) -> Callable[[httpx2.Request], httpx2.Response]:
    """A list as the provider cuts it into pages, newest first."""

    def show(request: httpx2.Request) -> httpx2.Response:
        query = request.url.params
        low, high = (int(query.get(f"created[{w}]", d)) for w, d in (("gte", 0), ("lte", 2**40)))
        kept = [item for item in items if not filters or low <= item["created"] <= high]
        kept.sort(key=lambda item: -item["created"])
        ids = [item["id"] for item in kept]
        start = (int(query.get("page", 1)) - 1) * size
        if style == "A":
            start = ids.index(query["starting_after"]) + 1 if "starting_after" in query else 0
        some = kept[start : start + size]
        return answer(200, bodies.page(*some, has_more=start + size < len(kept)))

    return show
