"""The other side of each sink, and the servers behind those that have one."""

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from service.ledger.engine import Ledger
from service.outbound.sink import Sink
from tests.outbound import brokers
from tests.outbound.sides import (
    AmqpSide,
    FileSide,
    HttpSide,
    KafkaSide,
    NatsSide,
    OtherSide,
    RedisSide,
    open_sink,
)

# What the databases do differently shows with the first two; the others take turns.
PAIRS = (
    ("sqlite", "jsonl"),
    ("postgres", "jsonl"),
    ("sqlite", "webhook"),
    ("postgres", "webhook"),
    ("sqlite", "redis"),
    ("postgres", "nats"),
    ("sqlite", "amqp"),
    ("postgres", "kafka"),
)


@pytest.fixture(scope="session")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    port = brokers.free_port()
    server = brokers.start_redis(tmp_path_factory.mktemp("redis"), port)
    yield port
    server.kill()


@pytest.fixture(scope="session")
def nats_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    port = brokers.free_port()
    server = brokers.start_nats(tmp_path_factory.mktemp("nats"), port)
    yield port
    server.kill()


@pytest.fixture(scope="session")
def rabbit_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    port = brokers.free_port()
    server = brokers.Rabbit(tmp_path_factory.mktemp("rabbit"), port)
    yield port
    server.end()


@pytest.fixture
def kafka(tmp_path: Path) -> Iterator[tuple[brokers.Server, str]]:
    """One cluster a test: it starts in no time, and its tests make it stand still."""
    folder = tmp_path / "kafka"
    folder.mkdir()
    server, address = brokers.start_kafka(folder)
    yield server, address
    server.kill()


@pytest.fixture
def side(
    pair: tuple[str, str], request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[OtherSide]:
    """Each kind of sink's other side in turn."""
    with closing(make_side(pair[1], request, tmp_path)) as made:
        yield made


def make_side(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> OtherSide:
    match kind:
        case "jsonl":
            return FileSide(tmp_path / "out")
        case "redis":
            return RedisSide(request.getfixturevalue("redis_port"))
        case "nats":
            return NatsSide(request.getfixturevalue("nats_port"))
        case "amqp":
            return AmqpSide(request.getfixturevalue("rabbit_port"))
        case "kafka":
            server, address = request.getfixturevalue("kafka")
            return KafkaSide(address, server.process)
        case _:
            return HttpSide()


@pytest.fixture
def sink(side: OtherSide) -> Iterator[Sink]:
    """One sink to the other side."""
    with closing(open_sink(side.kind, side.address, side.place)) as opened:
        yield opened


class Clock:
    """The ledger's clock, which a test can put forward."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return self._ledger.now() + self._ahead

    def advance(self, by: timedelta) -> None:
        self._ahead += by


@pytest.fixture
def clock(ledger: Ledger) -> Clock:
    return Clock(ledger)


def by_subject(bodies: list[bytes]) -> dict[str, list[int]]:
    """The sequences that arrived of each subject, in their order of arrival."""
    arrived: dict[str, list[int]] = defaultdict(list)
    for body in bodies:
        event = json.loads(body)
        arrived[event["subject"]].append(int(event["sequence"]))
    return dict(arrived)


def first_arrivals(sequences: list[int]) -> list[int]:
    """Without repeats: what a consumer that dedupes by id is left with."""
    return list(dict.fromkeys(sequences))
