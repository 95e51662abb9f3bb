"""How messages get into a NATS JetStream stream: published with their id, and the ack awaited.

The subject is a prefix and the message's type; `Nats-Msg-Id` lets the stream drop a resend within
its window, which it acknowledges all the same. The library lives in an event loop: it gets one of
its own, in a thread of its own, and every wait on it has an end.
"""

import asyncio
import ssl
import threading
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from service.core.messages import Message
from service.outbound.extra import load_extra
from service.outbound.sink import CONTENT_TYPE, UNROUTABLE, Answer, Later, Receipt, Sent, together

AT_ONCE = 500
CALL_SECONDS = 10.0
CONNECT_SECONDS = 5.0
CLOSE_SECONDS = 2.0
HEADER_BYTES = 512


class JetStream:
    """Publishes below the subject `subject`. Raises Misconfigured without the library.

    url: nats:// or tls://, several parted by commas.
    """

    at_once = AT_ONCE
    one_by_one = True
    workers = 1

    def __init__(
        self,
        name: str,
        url: str,
        subject: str,
        *,
        credentials: Path | None = None,
        ca_file: Path | None = None,
        call_seconds: float = CALL_SECONDS,
    ) -> None:
        self.name = name
        self._library = load_extra("nats", "nats", name)
        self._errors = load_extra("nats.errors", "nats", name)
        self._js_errors = load_extra("nats.js.errors", "nats", name)
        self._subject, self._call_seconds = subject, call_seconds
        self._options: dict[str, Any] = {
            "servers": url.split(","),
            "connect_timeout": CONNECT_SECONDS,
            # whether and when to try again is not the library's to decide
            "allow_reconnect": False,
            "max_reconnect_attempts": 0,
            "error_cb": _ignore,
            "disconnected_cb": self._note_lost,
            "closed_cb": self._note_lost,
        }
        self._lost = asyncio.Event()
        if credentials is not None:
            self._options["user_credentials"] = str(credentials)
        if ca_file is not None:
            self._options["tls"] = ssl.create_default_context(cafile=ca_file)
        self._connection: Any = None
        self._stream: Any = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name=f"nats-{name}", daemon=True
        )
        self._thread.start()

    def send(self, messages: Sequence[Message], *, now: datetime) -> Receipt:
        """Publish all and await their acks, in `call_seconds` once connected."""
        del now
        try:
            return self._run(self._publish(messages), CONNECT_SECONDS + 2 * self._call_seconds)
        except (TimeoutError, OSError, self._errors.Error) as error:
            self._drop()
            return Later("timeout" if isinstance(error, TimeoutError) else "connect", away=True)

    def close(self) -> None:
        """Close the connection, and end the loop and its thread."""
        self._drop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CLOSE_SECONDS)
        if not self._loop.is_running():
            self._loop.close()

    def _run(self, work: Coroutine[Any, Any, Any], seconds: float) -> Any:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(seconds)
        except TimeoutError:
            future.cancel()
            raise

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(TimeoutError, OSError, self._errors.Error):
                self._run(connection.close(), CLOSE_SECONDS)

    async def _note_lost(self) -> None:
        self._lost.set()

    async def _publish(self, messages: Sequence[Message]) -> Receipt:
        if self._connection is None or not self._connection.is_connected:
            self._connection = await self._connect()
            self._lost.clear()
            self._stream = self._connection.jetstream(publish_async_max_pending=AT_ONCE)
        acks = [await self._start(message) for message in messages]
        waiting = [ack for ack in acks if not isinstance(ack, Later)]
        if waiting:
            await self._wait_for(waiting)
        return together([self._answer(ack) for ack in acks])

    async def _connect(self) -> Any:
        """A connection, or none at all: one that came to nothing is closed."""
        connection = self._library.NATS()
        try:
            await asyncio.wait_for(connection.connect(**self._options), CONNECT_SECONDS)
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _wait_for(self, acks: Sequence["asyncio.Future[Any]"]) -> None:
        """Until all are there, the connection is lost or the time is up."""
        lost = asyncio.ensure_future(self._lost.wait())
        done = asyncio.gather(*acks, return_exceptions=True)
        await asyncio.wait(
            {done, lost}, timeout=self._call_seconds, return_when=asyncio.FIRST_COMPLETED
        )
        lost.cancel()
        done.cancel()

    async def _start(self, message: Message) -> Any:
        """Hand one message over; what the server could never take is not sent at all."""
        if len(message.body) + HEADER_BYTES > self._connection.max_payload:
            return Later("too large")  # the library would keep a place for its ack for ever
        headers = {"Nats-Msg-Id": message.message_id, "Content-Type": CONTENT_TYPE}
        return await self._stream.publish_async(
            f"{self._subject}.{message.type}",
            message.body,
            wait_stall=self._call_seconds,
            headers=headers,
        )

    def _answer(self, ack: Any) -> Answer | None:
        """A repeat within the stream's window is acknowledged like any other."""
        if isinstance(ack, Later):
            return ack
        if not ack.done() or ack.cancelled():
            return None if self._lost.is_set() else Later("timeout", away=True)
        match ack.exception():
            case None:
                return Sent()
            case self._js_errors.NoStreamResponseError() | self._errors.NoRespondersError():
                return Later(UNROUTABLE)
            case self._js_errors.APIError():
                return Later("refused")
            case _:
                return None


async def _ignore(_error: Exception) -> None:
    """The library's own word on a lost connection; the call that meets it says it as well."""
