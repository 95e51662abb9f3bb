"""The other side of each sink, real: somewhere that messages arrive, and that can go away."""

import asyncio
import base64
import json
import os
import signal
import subprocess
from collections.abc import Callable, Coroutine
from itertools import count, islice
from pathlib import Path
from typing import Any, Protocol

import confluent_kafka
import nats
import pika
import redis
from nats.js.api import ConsumerConfig
from standardwebhooks import Webhook as Verifier

from service.outbound.amqp import Amqp
from service.outbound.jsonl import Jsonl
from service.outbound.kafka import Kafka
from service.outbound.nats import JetStream
from service.outbound.redis import RedisStream
from service.outbound.sink import Sink
from service.outbound.webhook import Webhook
from tests.outbound.proxy import Proxy
from tests.outbound.receiver import Receiver

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
CALL_SECONDS = 5.0
_names = count(1)


def open_sink(kind: str, address: str, place: str) -> Sink:
    """A sink of that kind, as the tests want it: quick to find that nobody is there."""
    match kind:
        case "jsonl":
            return Jsonl("out", Path(address))
        case "webhook":
            return Webhook("out", address, [SECRET], loopback=True, request_seconds=CALL_SECONDS)
        case "redis":
            return RedisStream("out", address, place, call_seconds=CALL_SECONDS)
        case "nats":
            return JetStream("out", address, place, call_seconds=CALL_SECONDS)
        case "amqp":
            return Amqp("out", address, routing_key=place, call_seconds=CALL_SECONDS)
        case "kafka":
            return Kafka("out", address, place, call_seconds=CALL_SECONDS / 2)
        case _:
            raise ValueError(kind)


class OtherSide(Protocol):
    """kind, address and place: what `open_sink` wants. drops_repeats: by itself, by their id."""

    kind: str
    place: str
    drops_repeats: bool

    @property
    def address(self) -> str: ...

    def bodies(self) -> list[bytes]: ...

    def go_away(self) -> None: ...

    def come_back(self) -> None: ...

    def close(self) -> None: ...


class FileSide:
    """A file; away when its folder is."""

    kind, place, drops_repeats = "jsonl", "", False

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        self._path = folder / "messages.jsonl"

    @property
    def address(self) -> str:
        return str(self._path)

    def bodies(self) -> list[bytes]:
        data = self._path.read_bytes() if self._path.exists() else b""
        # a line that a crash has torn has not arrived
        return data[: data.rfind(b"\n") + 1].splitlines()

    def go_away(self) -> None:
        self._folder.rename(self._folder.with_suffix(".away"))

    def come_back(self) -> None:
        self._folder.with_suffix(".away").rename(self._folder)

    def close(self) -> None:
        return


class HttpSide:
    """A receiver that verifies what it takes; away when nobody listens."""

    kind, place, drops_repeats = "webhook", "", False

    def __init__(self) -> None:
        self.receiver = Receiver()
        self.receiver.start()

    @property
    def address(self) -> str:
        return self.receiver.url

    def bodies(self) -> list[bytes]:
        for taken in list(self.receiver.taken):
            verified = Verifier(SECRET).verify(taken.body, taken.headers)
            assert verified["id"] == taken.headers["webhook-id"]
        return self.receiver.bodies

    def go_away(self) -> None:
        self.receiver.stop()

    def come_back(self) -> None:
        self.receiver.start()

    def close(self) -> None:
        self.receiver.stop()


class BrokerSide:
    """A place of its own at a server that others use too; away when the line to it is cut."""

    kind, drops_repeats, scheme = "", False, ""

    def __init__(self, port: int) -> None:
        self.port = port
        self.place = f"out{os.getpid()}x{next(_names)}"
        self._proxy = Proxy(port)
        self.make()

    @property
    def address(self) -> str:
        return self.scheme.format(self._proxy.port)

    def make(self) -> None:
        """Make the place."""

    def bodies(self) -> list[bytes]:
        raise NotImplementedError

    def go_away(self) -> None:
        self._proxy.stop()

    def come_back(self) -> None:
        self._proxy.start()

    def close(self) -> None:
        self._proxy.stop()


class RedisSide(BrokerSide):
    kind, scheme = "redis", "redis://127.0.0.1:{}/0"

    def bodies(self) -> list[bytes]:
        with redis.Redis(port=self.port) as client:
            entries: Any = client.xrange(self.place)
        for _, entry in entries:
            assert json.loads(entry[b"event"])["id"].encode() == entry[b"id"]
        return [entry[b"event"] for _, entry in entries]


class NatsSide(BrokerSide):
    kind, scheme, drops_repeats = "nats", "nats://127.0.0.1:{}", True

    def make(self) -> None:
        async def add(stream: Any) -> None:
            await stream.add_stream(name=self.place, subjects=[f"{self.place}.>"])

        self.ask(add)

    def ask(self, work: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
        async def asking() -> Any:
            library: Any = nats
            connection = await library.connect(f"nats://127.0.0.1:{self.port}")
            try:
                return await work(connection.jetstream())
            finally:
                await connection.close()

        return asyncio.run(asking())

    def bodies(self) -> list[bytes]:
        async def read(stream: Any) -> list[bytes]:
            last = (await stream.stream_info(self.place)).state.last_seq
            # none is acknowledged: it shows them all again the next time, and not before
            config = ConsumerConfig(max_ack_pending=1_000_000, ack_wait=3_600)
            reader = await stream.pull_subscribe(
                f"{self.place}.>", stream=self.place, config=config
            )
            found: list[bytes] = []
            while len(found) < last:
                found += [one.data for one in await reader.fetch(min(500, last - len(found)))]
            return found

        return self.ask(read)


class AmqpSide(BrokerSide):
    kind, scheme = "amqp", "amqp://guest:guest@127.0.0.1:{}/%2F"

    def make(self) -> None:
        self._taken: list[bytes] = []
        with self._connected() as connection:
            connection.channel().queue_declare(self.place, durable=True)

    def _connected(self) -> Any:
        library: Any = pika
        return library.BlockingConnection(library.URLParameters(self.scheme.format(self.port)))

    def bodies(self) -> list[bytes]:
        with self._connected() as connection:
            channel = connection.channel()
            waiting = channel.queue_declare(self.place, passive=True).method.message_count
            taking = channel.consume(self.place, auto_ack=True)
            self._taken += [body for _, _, body in islice(taking, waiting)]
            channel.cancel()
        return self._taken

    def remove(self) -> None:
        """Delete the queue: what is sent to it cannot be routed."""
        with self._connected() as connection:
            connection.channel().queue_delete(self.place)


class KafkaSide:
    """A topic of a cluster that is a process; away when that process stands still."""

    kind, drops_repeats = "kafka", False

    def __init__(self, brokers: str, process: "subprocess.Popen[bytes]") -> None:
        self.address = brokers
        self.place = f"out{os.getpid()}x{next(_names)}"
        self._process = process

    def bodies(self) -> list[bytes]:
        library: Any = confluent_kafka
        consumer = library.Consumer(
            {
                "bootstrap.servers": self.address,
                "group.id": "test",
                "enable.partition.eof": True,
                "log_level": 0,
            }
        )
        known = consumer.list_topics(self.place, timeout=10).topics[self.place].partitions
        parts = [library.TopicPartition(self.place, number, 0) for number in known]
        consumer.assign(parts)
        found: list[bytes] = []
        ended: set[int] = set()
        while len(ended) < len(parts):
            for one in consumer.consume(500, 0.1):
                if one.error() is None:
                    found.append(one.value())
                elif one.error().code() == library.KafkaError._PARTITION_EOF:
                    ended.add(one.partition())
        consumer.close()
        return found

    def go_away(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def come_back(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        self.come_back()
