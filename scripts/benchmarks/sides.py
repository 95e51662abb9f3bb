"""The other side of each sink, away at first: what a bare loop does there, and what arrives there.

A bare loop is the client library and nothing of ours: send one message, wait for its confirmation,
send the next. The servers are the tests' own, killed and started again without a line between.
"""

import asyncio
import json
import os
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast
from urllib.request import urlopen

from service.core.messages import Message
from service.outbound.sink import CONTENT_TYPE, Sink
from tests.outbound import brokers, sides


class Arrived(NamedTuple):
    """Bodies that arrived; distinct ids; those that came after a later one of their object."""

    bodies: int
    distinct: int
    turned: int


def tally(bodies: Sequence[bytes]) -> Arrived:
    """Count them; repeats of what had arrived are no disorder."""
    last: dict[str, int] = {}
    seen: set[str] = set()
    turned = 0
    for body in bodies:
        event = json.loads(body)
        if event["id"] not in seen:
            seen.add(event["id"])
            sequence = int(event["sequence"])
            turned += sequence < last.get(event["subject"], 0)
            last[event["subject"]] = max(sequence, last.get(event["subject"], 0))
    return Arrived(len(bodies), len(seen), turned)


class Side(Protocol):
    """Where messages go. `come` starts it anew, `end` ends it for good."""

    def come(self) -> None: ...

    def sink(self) -> Sink: ...

    def bare(self, messages: Sequence[Message]) -> None: ...

    def arrived(self) -> Arrived: ...

    def end(self) -> None: ...


class Lines:
    """A file whose folder is missing at first; a bare loop syncs each line."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "lines"
        self._folder.mkdir()
        self._path = self._folder / "messages.jsonl"
        self._sink = sides.open_sink("jsonl", str(self._path), "")
        self._folder.rmdir()

    def come(self) -> None:
        self._folder.mkdir()

    def sink(self) -> Sink:
        return self._sink

    def bare(self, messages: Sequence[Message]) -> None:
        with (self._folder / "bare.jsonl").open("wb", buffering=0) as file:
            for message in messages:
                file.write(message.body + b"\n")
                os.fsync(file.fileno())

    def arrived(self) -> Arrived:
        return tally(self._path.read_bytes().splitlines())

    def end(self) -> None:
        return


class Hook:
    """A receiver in a process of its own; a bare loop posts signed messages, one at a time."""

    def __init__(self, folder: Path) -> None:
        del folder
        self._port = brokers.free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def come(self) -> None:
        command = [sys.executable, "-m", "scripts.benchmarks.taking", str(self._port)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def sink(self) -> Sink:
        return sides.open_sink("webhook", f"http://127.0.0.1:{self._port}/", "")

    def bare(self, messages: Sequence[Message]) -> None:
        import httpcore2

        url, now = f"http://127.0.0.1:{self._port}/", datetime.now(UTC)
        # another receiver, so that the one of the sink counts what is the sink's
        with closing(self.sink()) as sink, httpcore2.ConnectionPool() as pool:
            head = cast("Any", sink).headers
            for message in messages:
                answer = pool.request("POST", url, headers=head(message, now), content=message.body)
                if answer.status != 204:
                    raise RuntimeError(f"answered {answer.status}")

    def arrived(self) -> Arrived:
        with urlopen(f"http://127.0.0.1:{self._port}/") as answer:
            return Arrived(**json.load(answer))

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


class _Broker(ABC):
    """A server that is killed as soon as its place is made, and started when it shall be there."""

    kind = ""

    def __init__(self, folder: Path) -> None:
        self._port = brokers.free_port()
        self._server = self.start(folder, self._port)
        self._side = self.side(self._port)
        self._bare = self.side(self._port)
        self._server.kill()

    @abstractmethod
    def start(self, folder: Path, port: int) -> Any: ...

    @abstractmethod
    def side(self, port: int) -> Any: ...

    def come(self) -> None:
        self._server.start()

    def sink(self) -> Sink:
        address = self._side.scheme.format(self._port)
        return sides.open_sink(self.kind, address, self._side.place)

    def arrived(self) -> Arrived:
        return tally(self._side.bodies())

    def end(self) -> None:
        self._side.close()
        self._bare.close()
        getattr(self._server, "end", self._server.kill)()


class Redis(_Broker):
    kind = "redis"

    def start(self, folder: Path, port: int) -> Any:
        return brokers.start_redis(folder, port)

    def side(self, port: int) -> Any:
        return sides.RedisSide(port)

    def bare(self, messages: Sequence[Message]) -> None:
        import redis

        with redis.Redis(port=self._port) as client:
            for message in messages:
                client.xadd(self._bare.place, {"id": message.message_id, "event": message.body})


class Nats(_Broker):
    kind = "nats"

    def start(self, folder: Path, port: int) -> Any:
        return brokers.start_nats(folder, port)

    def side(self, port: int) -> Any:
        return sides.NatsSide(port)

    def bare(self, messages: Sequence[Message]) -> None:
        import nats

        async def publish() -> None:
            library: Any = nats
            connection = await library.connect(f"nats://127.0.0.1:{self._port}")
            stream = connection.jetstream()
            for message in messages:
                headers = {"Nats-Msg-Id": message.message_id, "Content-Type": CONTENT_TYPE}
                subject = f"{self._bare.place}.{message.type}"
                await stream.publish(subject, message.body, headers=headers)
            await connection.close()

        asyncio.run(publish())


class Amqp(_Broker):
    kind = "amqp"

    def start(self, folder: Path, port: int) -> Any:
        return brokers.Rabbit(folder, port)

    def side(self, port: int) -> Any:
        return sides.AmqpSide(port)

    def bare(self, messages: Sequence[Message]) -> None:
        import pika

        library: Any = pika
        url = sides.AmqpSide.scheme.format(self._port)
        with closing(library.BlockingConnection(library.URLParameters(url))) as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            for message in messages:
                properties = library.BasicProperties(
                    content_type=CONTENT_TYPE, message_id=message.message_id, delivery_mode=2
                )
                channel.basic_publish(
                    "", self._bare.place, message.body, properties, mandatory=True
                )


class Kafka:
    """The library's mock cluster; it keeps all in memory, so that it stands still instead.

    Of each partition it keeps five megabytes: so many of them hold 100,000 messages.
    """

    topic, partitions = "measured", 32

    def __init__(self, folder: Path) -> None:
        asked = f"{self.topic}={self.partitions}"
        self._server, self._brokers = brokers.start_kafka(folder, asked)
        self._side = sides.KafkaSide(self._brokers, self._server.process)
        self._side.place = self.topic
        self._side.go_away()

    def come(self) -> None:
        self._side.come_back()

    def sink(self) -> Sink:
        return sides.open_sink("kafka", self._brokers, self._side.place)

    def bare(self, messages: Sequence[Message]) -> None:
        import confluent_kafka

        options: dict[str, Any] = {
            "bootstrap.servers": self._brokers,
            "enable.idempotence": True,
            "acks": "all",
            "linger.ms": 0,
            "log_level": 0,
        }
        producer: Any = confluent_kafka.Producer(options)
        for message in messages:
            producer.produce("bare", message.body, message.stream.encode())
            if producer.flush(30):
                raise RuntimeError("a message was not confirmed")

    def arrived(self) -> Arrived:
        return tally(self._side.bodies())

    def end(self) -> None:
        self._side.close()
        self._server.kill()


SIDES: dict[str, Any] = {
    "redis": Redis,
    "nats": Nats,
    "amqp": Amqp,
    "kafka": Kafka,
    "webhook": Hook,
    "jsonl": Lines,
}
