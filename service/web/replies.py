"""What the receiver says: short, fixed answers that echo nothing, prebuilt as ASGI messages."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.types import Message, Send

RETRY_AFTER_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Reply:
    """One whole answer; the same two messages are sent every time."""

    status: int
    start: Message
    body: Message

    async def send(self, send: Send) -> None:
        """Send it all."""
        await send(self.start)
        await send(self.body)


def reply(status: int, text: str, *headers: tuple[bytes, bytes]) -> Reply:
    """Build an answer of one line of text."""
    body = f"{text}\n".encode()
    return Reply(
        status,
        {"type": "http.response.start", "status": status, "headers": _head(body, headers)},
        {"type": "http.response.body", "body": body},
    )


def _head(body: bytes, headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        *headers,
    ]


_CLOSE = (b"connection", b"close")
_RETRY = (b"retry-after", b"%d" % RETRY_AFTER_SECONDS)

ACCEPTED = reply(200, "accepted")
REFUSED = reply(401, "the signature is not good")
# what was not read to its end cannot be followed by another request
REFUSED_UNREAD = reply(401, "the signature is not good", _CLOSE)
NOT_FOUND = reply(404, "not found", _CLOSE)
NOT_ALLOWED = reply(405, "only POST is taken here", (b"allow", b"POST"), _CLOSE)
TOO_LARGE = reply(413, "the body is too large", _CLOSE)
ENCODED = reply(415, "the body must not be encoded")
TRY_LATER = reply(503, "try again later", _RETRY)
TRY_LATER_UNREAD = reply(503, "try again later", _RETRY, _CLOSE)
