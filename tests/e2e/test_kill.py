"""`kill -9` at random moments under load: nothing acknowledged is lost, nothing is told twice."""

import json
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.ledger.engine import Connection, Ledger, open_ledger
from service.ledger.schema import beliefs, changes, deliveries, outbox
from tests import bodies
from tests.conftest import KeyPair
from tests.e2e.daemons import (
    Daemon,
    Senders,
    Signed,
    free_port,
    signed,
    stop_when_all_is_told,
    write_config,
)
from tests.work.stories import TrueOrder

SETTLE_SECONDS = 180.0
RANKS = {"created": 0, "paid": 1, "refunded": 2}


class Provider:
    """Makes orders with a life, and tells each moment of it out of order and more than once."""

    def __init__(self, key_pair: KeyPair, chance: random.Random) -> None:
        self._key_pair = key_pair
        self._chance = chance
        self._orders = count(1)
        self.told: dict[str, tuple[str, str, int]] = {}

    def events(self) -> Iterator[Signed]:
        numbers = count(1)
        while True:
            told = [moment for _ in range(5) for moment in self._life()]
            self._chance.shuffle(told)
            for moment in told:
                event_id = f"evt_{next(numbers):010}"
                self.told[event_id] = (moment["id"], moment["status"], moment["amount_refunded"])
                event = bodies.event(moment, id=event_id)
                yield signed(self._key_pair, event)
                if self._chance.random() < 0.2:
                    yield signed(self._key_pair, {**event, "pending_webhooks": 1})

    def _life(self) -> list[dict[str, Any]]:
        order = TrueOrder(next(self._orders))
        for refund in (0, 400, 800)[: self._chance.randint(1, 3)]:
            order.advance(refund)
        return order.snapshots


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_a_killed_daemon_loses_nothing_and_tells_nothing_twice(
    database_url: str, key_pair: KeyPair, tmp_path: Path, kill_rounds: int
) -> None:
    chance = random.Random(kill_rounds)
    provider = Provider(key_pair, chance)
    told = tmp_path / "told.jsonl"
    sink = f'[sinks.file]\ntype = "jsonl"\npath = {json.dumps(str(told))}'
    config = write_config(tmp_path, key_pair, database_url, sink)
    daemon = Daemon(tmp_path, config, free_port())
    senders = Senders(provider.events(), [daemon.port])
    try:
        daemon.start()
        daemon.wait_until_live()
        senders.start()
        for _ in range(kill_rounds):
            time.sleep(chance.uniform(0.05, 1.0))
            daemon.kill()
            daemon.start()
            daemon.wait_until_live()
        senders.halt()
        senders.join(120)
        with closing(open_ledger(database_url)) as ledger:
            stop_when_all_is_told(ledger, [daemon], SETTLE_SECONDS)
            _compare(ledger, provider, senders, told)
    finally:
        senders.halt()
        daemon.ensure_gone()


def _compare(ledger: Ledger, provider: Provider, senders: Senders, told: Path) -> None:
    assert senders.statuses <= {200, 0, 503}
    with ledger.read() as connection:
        stored = set(connection.scalars(sa.select(deliveries.c.dedup_key)))
        assert senders.acknowledged == set(provider.told) == stored
        ends = connection.execute(sa.select(deliveries.c.state, deliveries.c.reason).distinct())
        assert {(row.state, row.reason) for row in ends} == {("applied", None)}
        _beliefs_are_the_truth(connection, provider)
        _messages_are_the_changes(connection, told)
    if ledger.dialect == "sqlite":
        with closing(sqlite3.connect(str(ledger.writer.url.database))) as plain:
            assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def _beliefs_are_the_truth(connection: Connection, provider: Provider) -> None:
    """Each order stands at the furthest moment of it that was told."""
    rows = connection.execute(sa.select(beliefs).where(beliefs.c.kind == "order"))
    believed = {row.object_id: (row.status, row.amount_refunded, row.conflict) for row in rows}
    furthest: dict[str, tuple[int, str, int]] = {}
    for order_id, status, refunded in provider.told.values():
        moment = (RANKS[status], status, refunded)
        furthest[order_id] = max(moment, furthest.get(order_id, moment))
    assert believed == {
        order_id: (status, refunded, False) for order_id, (_, status, refunded) in furthest.items()
    }


def _messages_are_the_changes(connection: Connection, told: Path) -> None:
    """One message a change, its id and bytes the same on each resend, in order of its stream."""
    made = connection.execute(sa.select(changes.c.account, changes.c.id)).all()
    messages = connection.execute(sa.select(outbox)).all()
    by_id = {row.message_id: row for row in messages}
    assert len(by_id) == len(messages)
    assert sum(row.type.startswith("pingpp.") for row in messages) == len(made)
    seen: dict[str, bytes] = {}
    order: dict[str, int] = {}
    for line in told.read_bytes().splitlines():
        message_id = json.loads(line)["id"]
        assert seen.setdefault(message_id, line) == line == by_id[message_id].body
        row = by_id[message_id]
        if row.seq > order.get(row.stream, 0):
            assert row.seq == order.get(row.stream, 0) + 1
            order[row.stream] = row.seq
    assert set(seen) == set(by_id)
