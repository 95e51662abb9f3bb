"""A broker that is killed has kept what it confirmed, and the rest comes when it is back."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.ledger.engine import Ledger
from service.ledger.schema import dispatches
from service.work.outlet import Outlet
from service.work.publish import Published, publish
from tests.outbound import brokers
from tests.outbound.sides import AmqpSide, BrokerSide, KafkaSide, NatsSide, RedisSide, open_sink
from tests.outbound.test_contract import enqueue, states

KILLS = 4
STARTS: dict[str, tuple[Callable[[Path, int], Any], Callable[[int], BrokerSide]]] = {
    "redis": (brokers.start_redis, RedisSide),
    "nats": (brokers.start_nats, NatsSide),
    "amqp": (brokers.Rabbit, AmqpSide),
}
# it takes seconds to recover
TIMES = {"amqp": 1}
KINDS = ["redis", "nats", "amqp"]


@pytest.fixture
def dialect() -> str:
    """The database has no part in it."""
    return "sqlite"


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_killed_broker_confirmed_is_there_and_the_rest_follows(
    ledger: Ledger, tmp_path: Path, kind: str
) -> None:
    start, side_of = STARTS[kind]
    folder = tmp_path / kind
    folder.mkdir()
    server = start(folder, port := brokers.free_port())
    made: dict[str, bytes] = {}
    with closing(side_of(port)) as side, closing(open_sink(kind, side.address, side.place)) as sink:
        for _ in range(TIMES.get(kind, KILLS)):
            made |= enqueue_more(ledger, len(made))
            assert run(ledger, sink).sent > 0
            confirmed = states(ledger)["sent"]
            server.kill()
            made |= enqueue_more(ledger, len(made))
            assert run(ledger, sink).sent == 0
            server.start()
            assert len(set(side.bodies())) >= confirmed
        while "waiting" in states(ledger):
            run(ledger, sink)
        assert set(side.bodies()) == set(made.values())
    getattr(server, "end", server.kill)()


def enqueue_more(ledger: Ledger, start: int) -> dict[str, bytes]:
    return enqueue(ledger, objects=20, length=1, first=start)


def run(ledger: Ledger, sink: Any) -> Published:
    return publish(ledger, Outlet(sink), chance=lambda: 0.5)


def test_an_amqp_queue_that_is_gone_counts_nothing(ledger: Ledger, rabbit_port: int) -> None:
    with (
        closing(AmqpSide(rabbit_port)) as side,
        closing(open_sink("amqp", side.address, side.place)) as sink,
    ):
        made = enqueue(ledger, objects=20, length=1)
        side.remove()
        assert run(ledger, sink).sent == 0
        assert states(ledger) == {"waiting": 20}
        side.make()
        while "waiting" in states(ledger):
            run(ledger, sink)
        assert set(side.bodies()) == set(made.values())


def test_a_topic_that_nobody_made_counts_nothing_as_sent(ledger: Ledger, tmp_path: Path) -> None:
    server, address = brokers.start_kafka(tmp_path, "nobody-made-it")
    with closing(open_sink("kafka", address, "nobody-made-it")) as sink:
        made = enqueue(ledger, objects=5, length=1)
        assert run(ledger, sink).sent == 0
        assert states(ledger) == {"waiting": 5}
        with ledger.read() as connection:
            found = connection.scalars(sa.select(dispatches.c.last_error)).all()
    assert "away: unroutable" in found
    assert set(found) <= {"away: unroutable", None}
    # a topic that is there takes them, as far as they are due
    with closing(open_sink("kafka", address, "made")) as sink:
        while "waiting" in states(ledger):
            run(ledger, sink)
        with closing(KafkaSide(address, server.process)) as side:
            side.place = "made"
            assert set(side.bodies()) == set(made.values())
    server.kill()
