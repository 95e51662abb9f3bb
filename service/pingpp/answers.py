"""What an answer of Ping++ is, how there can be none, and what its bytes and headers may be."""

import re
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx2

from service.core.errors import GiveUp, TryLater

BODY_BYTES_LIMIT = 1024 * 1024
RETRY_AFTER_SECONDS_LIMIT = 15 * 60

_SECONDS = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Answer:
    """A 200 and its body, decompressed; started_at: our clock before the question was sent."""

    status: int
    body: bytes
    started_at: datetime
    date: datetime | None


class Unanswered(TryLater):
    """No answer now. `word` says why, out of a fixed few; `sent`: whether it was asked at all."""

    def __init__(self, word: str, *, after: float = 0.0, sent: bool = True) -> None:
        super().__init__(f"Ping++ did not answer: {word}", after=timedelta(seconds=after))
        self.word, self.sent = word, sent


class Rejected(GiveUp):
    """An answer that is of no use; `word` says why, out of a fixed few."""

    def __init__(self, word: str) -> None:
        super().__init__(f"Ping++ answered, but not usably: {word}")
        self.word = word


class NotThere(Rejected):
    """404: not a state of any object, and no proof that there is none (failure F27)."""

    def __init__(self) -> None:
        super().__init__("http_404")


def bounded_body(response: httpx2.Response) -> bytes:
    """Read the body, never more than the limit of it in memory, whatever it is packed into (A20).

    Raises Rejected: too_large, or encoding for anything but plain bytes and one whole gzip.
    """
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip"):
        raise Rejected("encoding")
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 16) if encoding == "gzip" else None
    body = bytearray()
    for chunk in response.iter_raw():
        room = BODY_BYTES_LIMIT + 1 - len(body)
        try:
            body += inflate.decompress(chunk, room) if inflate else chunk[:room]
        except zlib.error:
            raise Rejected("encoding") from None
        if len(body) > BODY_BYTES_LIMIT:
            raise Rejected("too_large")
    if inflate and (not inflate.eof or inflate.unused_data):
        raise Rejected("encoding")
    return bytes(body)


def http_date(value: str) -> datetime | None:
    """Read an HTTP date; None for anything else."""
    try:
        date = parsedate_to_datetime(value)
        return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def retry_after(value: str, now: datetime) -> float:
    """Seconds to wait: a number or a date, at most 15 minutes; 0 for nonsense (A01-A06)."""
    if _SECONDS.fullmatch(value.strip()):
        seconds = float(value)
    else:
        date = http_date(value)
        seconds = (date - now).total_seconds() if date else 0.0
    return min(max(seconds, 0.0), RETRY_AFTER_SECONDS_LIMIT)
