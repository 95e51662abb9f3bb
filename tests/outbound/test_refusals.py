"""What a sink's server does not take: nothing of it counts as sent, and it all comes in the end."""

import json
import socket
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from service.core.messages import Message, change_message
from service.ledger import letters, outbox
from service.ledger.engine import Ledger
from service.outbound.sink import Sink
from service.work.outlet import Outlet
from tests.outbound.conftest import Clock, by_subject
from tests.outbound.receiver import Taken, status
from tests.outbound.sides import AmqpSide, FileSide, HttpSide, NatsSide, OtherSide, RedisSide
from tests.outbound.test_contract import enqueue, run, states, wanted

# more than any server here takes of one message
TOO_LARGE = 2_000_000
MOMENT = timedelta(minutes=10)


@pytest.fixture
def dialect() -> str:
    """The database has no part in it."""
    return "sqlite"


@pytest.fixture
def pair(kind: str) -> tuple[str, str]:
    return ("sqlite", kind)


def nobody_takes_it(side: OtherSide) -> Callable[[], None]:
    """Take away the place that messages go to, not the server; gives what brings it back."""
    match side:
        case FileSide():
            Path(side.address).mkdir()
            return Path(side.address).rmdir
        case HttpSide():
            side.receiver.answer = status(404)
            return lambda: heal(side)
        case RedisSide():
            with redis.Redis(port=side.port) as client:
                client.set(side.place, "of another type")
            return lambda: forget(side)
        case NatsSide():
            side.ask(lambda stream: stream.delete_stream(side.place))
            return side.make
        case AmqpSide():
            side.remove()
            return side.make
        case _:
            raise ValueError(side.kind)


def arrived(side: OtherSide) -> list[bytes]:
    """Signatures are not verified here: of the time that the test puts forward nobody knows."""
    return side.receiver.bodies if isinstance(side, HttpSide) else side.bodies()


def heal(side: HttpSide) -> None:
    side.receiver.taken.clear()
    side.receiver.answer = status(204)


def forget(side: RedisSide) -> None:
    with redis.Redis(port=side.port) as client:
        client.delete(side.place)


@pytest.mark.parametrize("kind", ["jsonl", "webhook", "redis", "nats", "amqp"])
def test_a_place_that_is_gone_counts_nothing_as_sent(
    ledger: Ledger, side: OtherSide, sink: Sink, clock: Clock
) -> None:
    """Kafka's topic that is not there stands in test_broker_kills: its cluster has to begin so."""
    enqueue(ledger, objects=20, length=2)
    bring_back = nobody_takes_it(side)
    gone = run(ledger, Outlet(sink), clock)
    assert (gone.sent, gone.dead) == (0, 0)
    assert states(ledger) == {"waiting": 40}
    bring_back()
    while "waiting" in states(ledger):
        clock.advance(MOMENT)
        run(ledger, Outlet(sink), clock)
    assert states(ledger) == {"sent": 40}
    assert by_subject(arrived(side)) == wanted(20, 2)


@pytest.mark.parametrize("kind", ["webhook", "nats", "kafka"])
def test_a_message_that_is_never_taken_holds_up_its_own_object_only(
    ledger: Ledger, side: OtherSide, sink: Sink, clock: Clock
) -> None:
    if isinstance(side, HttpSide):
        side.receiver.answer = refuse_large
    enqueue(ledger, objects=10, length=2)
    poison = large(ledger)
    sent = 0
    while sent < 20:
        sent += run(ledger, Outlet(sink), clock).sent
        clock.advance(timedelta(seconds=1))
    assert states(ledger) == {"sent": 20, "waiting": 1}
    while "waiting" in states(ledger):
        clock.advance(timedelta(hours=30))
        run(ledger, Outlet(sink), clock)
    with ledger.read() as connection:
        (dead,) = letters.dead_letters(connection)
    assert (dead.message_id, dead.attempts) == (poison.message_id, 10)
    assert dead.last_error in ("status 413", "too large")
    taken = [body for body in arrived(side) if len(body) < TOO_LARGE]
    assert by_subject(taken) == wanted(10, 2)


def large(ledger: Ledger) -> Message:
    now = ledger.now()
    message = change_message(
        "epoch", "shop", "order", "9", 1, before=None, after={"status": "x" * TOO_LARGE},
        correction=False, source="poll", at=now,
    )  # fmt: skip
    with ledger.begin() as connection:
        outbox.enqueue(connection, [message], ("out",), now=now)
    return message


def refuse_large(taken: Taken, peer: socket.socket) -> bool:
    json.loads(taken.body)
    return status(413 if len(taken.body) > TOO_LARGE else 204)(taken, peer)
