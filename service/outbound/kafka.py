"""How messages get into a Kafka topic: by an idempotent producer, each delivery report awaited.

The key is the message's stream (account, kind and id), so that all messages of an object lie in one
partition, in order. Only a report without an error settles a message; acks=all is what it says.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from service.core.errors import Misconfigured
from service.core.messages import Message
from service.outbound.extra import load_extra
from service.outbound.sink import CONTENT_TYPE, UNROUTABLE, Answer, Later, Receipt, Sent, together

AT_ONCE = 1000
CALL_SECONDS = 10.0
# the library reports each message by `CALL_SECONDS`; a report that is later than this never comes
REPORT_SECONDS = 3.0
POLL_SECONDS = 0.1
LINGER_MS = 2
_HEADERS = [("content-type", CONTENT_TYPE.encode())]


class Kafka:
    """Produces to `topic`. options: of the library, for TLS and passwords.

    Raises Misconfigured for options that will never do, or without the library.
    """

    at_once = AT_ONCE
    one_by_one = True
    workers = 1

    def __init__(
        self,
        name: str,
        brokers: str,
        topic: str,
        *,
        options: Mapping[str, str] | None = None,
        call_seconds: float = CALL_SECONDS,
    ) -> None:
        self.name = name
        self._library = load_extra("confluent_kafka", "kafka", name)
        self._topic, self._call_seconds = topic, call_seconds
        milliseconds = int(call_seconds * 1000)
        self._options: dict[str, Any] = {
            "bootstrap.servers": brokers,
            "enable.idempotence": True,
            "acks": "all",
            "delivery.timeout.ms": milliseconds,
            "request.timeout.ms": min(milliseconds, 5_000),
            "socket.timeout.ms": min(milliseconds, 5_000),
            "reconnect.backoff.max.ms": 1_000,
            # a topic that is not there is said so before the messages time out
            "topic.metadata.propagation.max.ms": milliseconds // 2,
            "linger.ms": LINGER_MS,
            # it would write to stderr, past our log
            "log_level": 0,
            **(options or {}),
        }
        try:
            self._producer: Any = self._library.Producer(self._options)
        except self._library.KafkaException:
            raise Misconfigured(f"sinks.{name}", "the options are none that Kafka knows") from None

    def send(self, messages: Sequence[Message], *, now: datetime) -> Receipt:
        """Produce all and await the report of each."""
        del now
        answers: list[Answer | None] = [None] * len(messages)
        left = [0]
        for place, message in enumerate(messages):
            refused = self._produce(message, partial(self._note, answers, left, place))
            if refused is None:
                left[0] += 1
            else:
                answers[place] = refused
        ends_at = time.monotonic() + self._call_seconds + REPORT_SECONDS
        while left[0] and time.monotonic() < ends_at:
            self._producer.poll(POLL_SECONDS)
        if left[0] or self._is_broken(answers):
            self._renew()
        return together([answer or Later("timeout", away=True) for answer in answers])

    def close(self) -> None:
        """Let go of what was not reported, and close the connections."""
        self._producer.purge()
        self._producer.flush(1)

    def _produce(self, message: Message, note: Any) -> Answer | None:
        try:
            self._producer.produce(
                self._topic,
                value=message.body,
                key=message.stream.encode(),
                headers=_HEADERS,
                on_delivery=note,
            )
        except BufferError:
            return Later("full", away=True)
        except self._library.KafkaException as error:
            return self._answer(error.args[0])
        return None

    def _note(
        self, answers: list[Answer | None], left: list[int], place: int, error: Any, _message: Any
    ) -> None:
        left[0] -= 1
        answers[place] = Sent() if error is None else self._answer(error)

    def _answer(self, error: Any) -> Answer:
        known = self._library.KafkaError
        match error.code():
            case known.MSG_SIZE_TOO_LARGE | known.RECORD_LIST_TOO_LARGE:
                return Later("too large")
            case known.UNKNOWN_TOPIC_OR_PART | known._UNKNOWN_TOPIC:  # noqa: SLF001
                return Later(UNROUTABLE)
            case known._MSG_TIMED_OUT | known._TRANSPORT | known._ALL_BROKERS_DOWN:  # noqa: SLF001
                return Later("timeout", away=True)
            case known._FATAL | known._STATE:  # noqa: SLF001
                return Later("fatal", away=True)
            case _:
                return Later("refused")

    def _is_broken(self, answers: Sequence[Answer | None]) -> bool:
        """An idempotent producer that has lost its place says so for ever after."""
        return Later("fatal", away=True) in answers

    def _renew(self) -> None:
        self.close()
        self._producer = self._library.Producer(self._options)
