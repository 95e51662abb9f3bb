"""How messages get to RabbitMQ: persistent, mandatory, and confirmed by the broker.

A message that no queue takes is returned before its confirmation, and counts as a failure: a
broker without `mandatory` would confirm and forget it.
"""

import ssl
import threading
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from service.core.errors import Misconfigured
from service.core.messages import Message
from service.outbound.amqp_link import Batch, Link
from service.outbound.extra import load_extra
from service.outbound.sink import UNROUTABLE, Later, Receipt, together

AT_ONCE = 500
CALL_SECONDS = 10.0
CONNECT_SECONDS = 5.0
HEARTBEAT_SECONDS = 30


class Amqp:
    """Publishes to `exchange` ("": straight to the queue that `routing_key` names).

    routing_key: empty takes each message's type. Raises Misconfigured for a URL that will never
    do, or without the library.
    """

    at_once = AT_ONCE
    one_by_one = True
    workers = 1

    def __init__(
        self,
        name: str,
        url: str,
        *,
        exchange: str = "",
        routing_key: str = "",
        ca_file: Path | None = None,
        call_seconds: float = CALL_SECONDS,
    ) -> None:
        self.name = name
        self._pika = load_extra("pika", "amqp", name)
        self._exchange, self._routing_key = exchange, routing_key
        self._call_seconds = call_seconds
        self._link: Link | None = None
        try:
            self._parameters: Any = self._pika.URLParameters(url)
        except (ValueError, TypeError, KeyError):
            raise Misconfigured(f"sinks.{name}.url", "is not an AMQP URL") from None
        self._parameters.heartbeat = HEARTBEAT_SECONDS
        self._parameters.socket_timeout = CONNECT_SECONDS
        self._parameters.stack_timeout = CONNECT_SECONDS
        self._parameters.blocked_connection_timeout = call_seconds
        if url.startswith("amqps://"):
            trust = ssl.create_default_context(cafile=ca_file)
            trust.minimum_version = ssl.TLSVersion.TLSv1_2
            self._parameters.ssl_options = self._pika.SSLOptions(trust, self._parameters.host)

    def send(self, messages: Sequence[Message], *, now: datetime) -> Receipt:
        """Publish all and wait for each confirmation, in `call_seconds` once connected."""
        del now
        link = self._opened()
        if link is None:
            return Later("connect", away=True)
        batch = Batch(messages)
        link.publish(batch)
        if not batch.ended.wait(self._call_seconds):
            self._drop()
        return _receipt(batch)

    def close(self) -> None:
        """Close the connection and its thread."""
        self._drop()

    def _opened(self) -> Link | None:
        """The link, made anew when it was lost; None when nobody is there."""
        if self._link is not None and self._link.is_open():
            return self._link
        self._drop()
        link = Link(
            self._pika, self._parameters, partial(_route, self._exchange, self._routing_key)
        )
        threading.Thread(target=link.run, name=f"amqp-{self.name}", daemon=True).start()
        self._link = link
        return link if link.wait_until_open(CONNECT_SECONDS) else None

    def _drop(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.close()


def _route(exchange: str, routing_key: str, message: Message) -> tuple[str, str]:
    return exchange, routing_key or message.type


def _receipt(batch: Batch) -> Receipt:
    """What the end of the connection left open was not judged; what came too late has failed."""
    if batch.word == UNROUTABLE or (batch.word and not any(batch.answers)):
        return Later(batch.word, away=True)
    if not batch.word:
        return together([answer or Later("timeout", away=True) for answer in batch.answers])
    return together(batch.answers)
