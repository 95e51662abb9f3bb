"""What happens on one connection to RabbitMQ? It lives in a thread of its own, with its heartbeats.

Only that thread touches the connection. A batch is handed to it, and waited for outside; however
the connection ends, the batch under way ends too, with what had been confirmed by then.
"""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from service.core.messages import Message
from service.outbound.sink import CONTENT_TYPE, UNROUTABLE, Answer, Later, Sent

CLOSE_SECONDS = 2.0
NOT_FOUND = 404

Route = Callable[[Message], tuple[str, str]]


class Batch:
    """Messages of one call and what became of each; `ended` when nothing more will come."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages = messages
        self.answers: list[Answer | None] = [None] * len(messages)
        self.word = ""
        self.ended = threading.Event()


class Link:
    """One connection with one channel in confirm mode; `run` is its thread's work."""

    def __init__(self, pika: Any, parameters: Any, route: Route) -> None:
        self._pika, self._parameters, self._route = pika, parameters, route
        self._connection: Any = None
        self._channel: Any = None
        self._settled, self._over = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._batch: Batch | None = None
        # delivery tag → place in the batch, and the ids that no queue took
        self._places: dict[int, int] = {}
        self._returned: set[str] = set()
        self._tag = 0

    def run(self) -> None:
        """Connect and serve until the connection is closed."""
        try:
            self._connection = self._pika.SelectConnection(
                self._parameters,
                on_open_callback=self._on_connected,
                on_open_error_callback=self._on_lost,
                on_close_callback=self._on_lost,
            )
            self._connection.ioloop.start()
        except Exception:  # noqa: BLE001  whatever ends the thread, nobody may wait for it
            self._end("fault")
        finally:
            self._end("connect")
            with self._lock:
                if self._connection is not None:
                    self._connection.ioloop.close()

    def wait_until_open(self, seconds: float) -> bool:
        """Whether the channel confirms, within so many seconds."""
        return self._settled.wait(seconds) and self.is_open()

    def is_open(self) -> bool:
        """Whether it can be published to."""
        return self._settled.is_set() and not self._over.is_set()

    def publish(self, batch: Batch) -> None:
        """Send a batch; it ends by itself, or when the connection does."""
        self._batch = batch
        self._call(partial(self._publish, batch))
        if self._over.is_set():
            self._end("connect")

    def close(self) -> None:
        """Close it and wait a little for its thread."""
        self._call(self._leave)
        self._over.wait(CLOSE_SECONDS)

    def _call(self, work: Callable[[], None]) -> None:
        """Let the connection's thread do it, unless that has ended."""
        with self._lock:
            if self._connection is not None and not self._over.is_set():
                self._connection.ioloop.add_callback_threadsafe(work)

    def _leave(self) -> None:
        """What is still connecting, or closing already, ends by its own time limits."""
        if self._connection.is_open:
            self._connection.close()

    def _on_connected(self, connection: Any) -> None:
        connection.channel(on_open_callback=self._on_channel)

    def _on_channel(self, channel: Any) -> None:
        self._channel = channel
        channel.add_on_return_callback(self._on_return)
        channel.add_on_close_callback(self._on_channel_closed)
        channel.confirm_delivery(self._on_confirmation, callback=self._on_ready)

    def _on_ready(self, _frame: Any) -> None:
        self._settled.set()

    def _on_lost(self, connection: Any, _reason: Any) -> None:
        connection.ioloop.stop()

    def _on_channel_closed(self, _channel: Any, reason: Any) -> None:
        """The broker closes the channel over an exchange that is not there, or a right."""
        code = getattr(reason, "reply_code", None)
        self._end(UNROUTABLE if code == NOT_FOUND else "refused")
        self._leave()

    def _publish(self, batch: Batch) -> None:
        """Runs in the connection's thread, like everything below."""
        self._places.clear()
        self._returned.clear()
        for place, message in enumerate(batch.messages):
            self._tag += 1
            self._places[self._tag] = place
            exchange, routing_key = self._route(message)
            properties = self._pika.BasicProperties(
                content_type=CONTENT_TYPE,
                message_id=message.message_id,
                type=message.type,
                delivery_mode=2,
            )
            self._channel.basic_publish(
                exchange, routing_key, message.body, properties, mandatory=True
            )

    def _on_return(self, _channel: Any, _method: Any, properties: Any, _body: bytes) -> None:
        self._returned.add(properties.message_id)

    def _on_confirmation(self, frame: Any) -> None:
        method, batch = frame.method, self._batch
        tags = [method.delivery_tag]
        if method.multiple:
            tags = [tag for tag in self._places if tag <= method.delivery_tag]
        for tag in tags:
            place = self._places.pop(tag, None)
            if batch is not None and place is not None:
                batch.answers[place] = self._answer(batch.messages[place], method)
        if batch is not None and not self._places:
            batch.ended.set()

    def _answer(self, message: Message, method: Any) -> Answer:
        if not isinstance(method, self._pika.spec.Basic.Ack):
            return Later("refused")
        return Later(UNROUTABLE) if message.message_id in self._returned else Sent()

    def _end(self, word: str) -> None:
        self._over.set()
        self._settled.set()
        if self._batch is not None and not self._batch.ended.is_set():
            self._batch.word = word
            self._batch.ended.set()
