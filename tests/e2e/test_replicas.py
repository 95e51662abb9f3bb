"""Three replicas on one PostgreSQL, one killed, one paused: each look once, messages in order."""

import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.ledger.engine import Ledger, open_ledger
from service.ledger.schema import looks, outbox
from tests import bodies
from tests.conftest import KeyPair, Postgres
from tests.e2e.daemons import (
    Daemon,
    Senders,
    Signed,
    free_port,
    signed,
    stop_when_all_is_told,
    write_config,
)
from tests.reused import Shelf
from tests.work.stories import TrueOrder, wire

WITHDRAWALS = 120
ORDERS = 60
SCALE = 12.0  # the first looks come 5, 25 and 75 seconds after each other
PAUSE_SECONDS = 40.0
SETTLE_SECONDS = 150.0
# Questions that one replica has under way at once: its account's concurrency.
IN_HAND = 4


class FakeApi:
    """Answers every question for a withdrawal with "processing", and remembers when."""

    def __init__(self) -> None:
        self.asked: dict[str, list[float]] = defaultdict(list)
        self._lock = threading.Lock()

    def note(self, object_id: str) -> None:
        with self._lock:
            self.asked[object_id].append(time.monotonic())


class FakeSink:
    """Takes every message, and remembers in which order."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def take(self, body: bytes) -> None:
        with self._lock:
            self.messages.append(json.loads(body))


@contextmanager
def serving(api: FakeApi, sink: FakeSink) -> Generator[int]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            place, _, object_id = self.path.rpartition("/")
            if place.endswith("/withdrawals"):
                api.note(object_id)
                self._answer(wire(bodies.withdrawal(id=object_id, status="processing")))
            else:
                self._answer(b'{"error":{"type":"invalid_request_error"}}', 404)

        def do_POST(self) -> None:
            sink.take(self.rfile.read(int(self.headers["Content-Length"] or "0")))
            self._answer(b"{}")

        def _answer(self, body: bytes, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


def withdrawal_id(number: int) -> str:
    return f"17126010100000{number:05}"


def events(key_pair: KeyPair) -> Iterator[Signed]:
    for number in range(WITHDRAWALS):
        pending = bodies.withdrawal(id=withdrawal_id(number), status="processing")
        yield signed(key_pair, bodies.event(pending, id=f"evt_w{number}"))
    orders = [TrueOrder(number) for number in range(1, ORDERS + 1)]
    for moment in range(4):
        for order in orders:
            yield signed(key_pair, bodies.event(order.truth, id=f"evt_{order.id}_{moment}"))
            order.advance(300)


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.timeout(600)
def test_each_due_object_is_asked_once_and_every_message_is_in_order(
    postgres: Postgres, postgres_shelf: Shelf, key_pair: KeyPair, tmp_path: Path
) -> None:
    postgres.run(f"CREATE DATABASE replicas TEMPLATE {postgres_shelf.template}")
    api, sink = FakeApi(), FakeSink()
    with serving(api, sink) as port:
        config = write_config(
            tmp_path, key_pair, postgres.url("replicas"), _more(port), _account(port)
        )
        replicas = [Daemon(tmp_path, config, free_port()) for _ in range(3)]
        try:
            for replica in replicas:
                replica.start()
            for replica in replicas:
                replica.wait_until_live()
            _live(replicas, key_pair)
            # what the killed one had claimed is read when its lease is over, and asked for then
            _wait_until_all_are_asked_for(api)
            with closing(open_ledger(postgres.url("replicas"))) as ledger:
                stop_when_all_is_told(ledger, replicas[1:], SETTLE_SECONDS)
                _each_look_was_one_question(ledger, api)
                _messages_came_in_order(ledger, sink)
        finally:
            for replica in replicas:
                replica.ensure_gone()


def _more(port: int) -> str:
    return f"""
[poll]
scale = {SCALE}

[sinks.web]
type = "webhook"
url = "http://127.0.0.1:{port}/told"
secret = "whsec_{"c2VjcmV0" * 4}"
allow_loopback_http = true
"""


def _account(port: int) -> str:
    return f"""
api_key = "sk_live_test"
api_base = "http://127.0.0.1:{port}"
rate = 100.0
"""


def _live(replicas: list[Daemon], key_pair: KeyPair) -> None:
    """Everything is told through all three; one dies and one stands still meanwhile."""
    senders = Senders(events(key_pair), [replica.port for replica in replicas])
    senders.start()
    time.sleep(1.0)
    replicas[0].kill()
    replicas[1].pause()
    time.sleep(PAUSE_SECONDS)
    replicas[1].resume()
    senders.join(60)


def _wait_until_all_are_asked_for(api: FakeApi) -> None:
    ends_at = time.monotonic() + SETTLE_SECONDS
    while len(api.asked) < WITHDRAWALS and time.monotonic() < ends_at:
        time.sleep(0.5)


def _each_look_was_one_question(ledger: Ledger, api: FakeApi) -> None:
    """A look is logged when its answer is applied: more questions than looks were asked in vain.

    Only what the killed and the paused replica had in their hands may be asked for twice.
    """
    with ledger.read() as connection:
        logged = Counter(
            connection.scalars(sa.select(looks.c.object_id).where(looks.c.kind == "withdrawal"))
        )
    asked = {object_id: len(times) for object_id, times in api.asked.items()}
    assert set(asked) == {withdrawal_id(number) for number in range(WITHDRAWALS)}
    assert all(asked[object_id] >= number for object_id, number in logged.items())
    in_vain = sum(asked.values()) - sum(logged.values())
    assert in_vain <= 2 * 2 * IN_HAND
    close = [
        later - earlier
        for times in api.asked.values()
        for earlier, later in pairwise(times)
        if later - earlier < 60 / SCALE * 0.8
    ]
    assert len(close) <= 2 * IN_HAND


def _messages_came_in_order(ledger: Ledger, sink: FakeSink) -> None:
    with ledger.read() as connection:
        made = {row.message_id: row for row in connection.execute(sa.select(outbox))}
    latest: dict[str, int] = defaultdict(int)
    seen: set[str] = set()
    for message in sink.messages:
        row = made[message["id"]]
        if message["id"] not in seen:
            assert row.seq == latest[row.stream] + 1, row.stream
            latest[row.stream] = row.seq
        seen.add(message["id"])
    assert seen == set(made)
