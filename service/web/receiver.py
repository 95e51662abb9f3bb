"""How a notification comes in: raw bytes, bounded, verified and durable before the 200.

A plain ASGI endpoint without middleware; the connection's time limits are in service.web.protocol.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from prometheus_client import Counter
from starlette.types import Receive, Scope, Send

from service import telemetry, traces
from service.core.errors import TryLater
from service.pingpp.signature import Refused
from service.traces import Tracing
from service.web import replies
from service.web.refusals import Refusals
from service.web.replies import Reply
from service.work.accept import Acceptor

PREFIX = "/webhooks/"
_SIGNATURE = b"x-pingplusplus-signature"


@dataclass(frozen=True, slots=True)
class ReceiverLimits:
    """body_bytes: of one delivery. held_bytes: of all bodies that are still coming in."""

    body_bytes: int = 1024 * 1024
    held_bytes: int = 32 * 1024 * 1024


DEFAULT_LIMITS = ReceiverLimits()


class _Ended(Exception):
    """The answer is clear before the body is read to its end; None: nobody is there to hear it."""

    def __init__(self, reply: Reply | None) -> None:
        super().__init__()
        self.reply = reply


class Receiver:
    """The ASGI endpoint of POST /webhooks/{account}."""

    def __init__(
        self,
        acceptor: Acceptor,
        refusals: Refusals,
        clock: Callable[[], datetime],
        limits: ReceiverLimits = DEFAULT_LIMITS,
    ) -> None:
        self._acceptor = acceptor
        self._refusals = refusals
        self._clock = clock
        self._limits = limits
        self._held = 0
        self._counters: dict[tuple[str, int], Counter] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        account = scope["path"][len(PREFIX) :]
        if account not in self._acceptor.rings:
            return await replies.NOT_FOUND.send(send)
        if scope["method"] != "POST":
            return await replies.NOT_ALLOWED.send(send)
        reply = await self._take(account, scope, receive)
        if reply is not None:
            self._count(account, reply.status)
            await reply.send(send)
        return None

    def _count(self, account: str, status: int) -> None:
        """Finding a counter by its labels costs more than counting: each is found once."""
        counter = self._counters.get((account, status))
        if counter is None:
            counter = telemetry.DELIVERIES.labels(account, str(status))
            self._counters[account, status] = counter
        counter.inc()

    async def _take(self, account: str, scope: Scope, receive: Receive) -> Reply | None:
        """Decide the answer; nothing is parsed or stored before the signature was found good."""
        signature, encoded, length = _read_head(scope["headers"])
        if not signature:
            self._refuse(account, "missing", scope)
            return replies.REFUSED_UNREAD
        if length > self._limits.body_bytes:
            return replies.TOO_LARGE
        try:
            body = await self._read(receive)
        except _Ended as ended:
            return ended.reply
        return await self._judge(account, body, signature, encoded, scope)

    async def _judge(
        self, account: str, body: bytes, signature: bytes, encoded: bool, scope: Scope
    ) -> Reply:
        try:
            if encoded:
                self._acceptor.verify(account, body, signature)
                return replies.ENCODED
            began = monotonic()
            if traces.tracing is None:
                await self._acceptor.accept(account, body, signature)
            else:
                await self._accept_traced(traces.tracing, account, body, signature)
            telemetry.ACCEPT_SECONDS.observe(monotonic() - began)
        except Refused as refused:
            self._refuse(account, refused.reason, scope, signature, body)
            return replies.REFUSED
        except TryLater:
            return replies.TRY_LATER
        return replies.ACCEPTED

    async def _accept_traced(
        self, tracing: Tracing, account: str, body: bytes, signature: bytes
    ) -> None:
        """A trace begins here; what a sender says of one is not asked for."""
        span, failed = tracing.begin("accept", account=account, size=len(body)), True
        try:
            await self._acceptor.accept(account, body, signature, span.traceparent)
            failed = False
        finally:
            span.end(failed=failed)

    async def _read(self, receive: Receive) -> bytes:
        body = bytearray()
        try:
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise _Ended(None)
                chunk = message.get("body", b"")
                if len(body) + len(chunk) > self._limits.body_bytes:
                    raise _Ended(replies.TOO_LARGE)
                if self._held + len(chunk) > self._limits.held_bytes:
                    raise _Ended(replies.TRY_LATER_UNREAD)
                body += chunk
                self._held += len(chunk)
                if not message.get("more_body", False):
                    return bytes(body)
        finally:
            self._held -= len(body)

    def _refuse(
        self, account: str, reason: str, scope: Scope, signature: bytes = b"", body: bytes = b""
    ) -> None:
        telemetry.REFUSALS.labels(account, reason).inc()
        peer = scope.get("client") or ("",)
        self._refusals.note(
            account, reason, signature=signature, body=body, peer=peer[0], now=self._clock()
        )


def _read_head(headers: Iterable[tuple[bytes, bytes]]) -> tuple[bytes, bool, int]:
    """The signature (empty when missing or ambiguous), whether the body is encoded, its length."""
    signatures: list[bytes] = []
    encoded, length = False, 0
    for name, value in headers:
        if name == _SIGNATURE:
            signatures.append(value)
        elif name == b"content-length":
            length = int(value) if value.isdigit() else 0
        elif name == b"content-encoding":
            encoded = value.strip().lower() not in (b"", b"identity")
    return (signatures[0].strip() if len(signatures) == 1 else b""), encoded, length
