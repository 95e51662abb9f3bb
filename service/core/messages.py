"""What we tell others: the bytes of each message, made once and the same on every resend.

A message is a CloudEvents 1.0 document in JSON, thin on purpose: ids, kind, sequence, status and
amounts before and after, times. Never personal data, never the provider's raw object.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

import msgspec

_SEQUENCE_DIGITS = 20


class Message(msgspec.Struct, frozen=True):
    """One thing to tell: `stream` is what it is about, `seq` counts 1, 2, 3 … within the stream."""

    message_id: str
    stream: str
    seq: int
    account: str
    type: str
    body: bytes


def message_id(epoch: str, stream: str, seq: int) -> str:
    """Derive the id: the same on a resend, another for every other message."""
    return hashlib.sha256(f"{epoch}\n{stream}\n{seq}".encode()).hexdigest()


def change_message(
    epoch: str,
    account: str,
    kind: str,
    object_id: str,
    seq: int,
    *,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any],
    correction: bool,
    source: str,
    at: datetime,
) -> Message:
    """Tell a change of one object; `before` and `after` are published views, in minor units."""
    status = str(after["status"])
    word = "unknown" if status.startswith("unknown:") else status
    data = {
        "account": account,
        "kind": kind,
        "id": object_id,
        "sequence": seq,
        "before": before,
        "after": after,
        "correction": correction,
        "source": source,
    }
    return _envelope(
        epoch, account, f"{kind}/{object_id}", seq, f"pingpp.{kind}.{word}.v1", data, at
    )


def mismatch_message(
    epoch: str,
    account: str,
    subject: str,
    seq: int,
    *,
    state: str,
    data: Mapping[str, Any],
    at: datetime,
) -> Message:
    """Tell that a mismatch opened or settled; `subject` is rule/kind/id, seq its telling."""
    kind = f"pingledger.mismatch.{state}.v1"
    return _envelope(epoch, account, f"mismatch/{subject}", seq, kind, data, at)


def notice_message(
    epoch: str, account: str, cause: str, subject: str, *, data: Mapping[str, Any], at: datetime
) -> Message:
    """Tell once of something odd that has no object of its own."""
    stream = f"notice/{cause}/{subject}"
    return _envelope(epoch, account, stream, 1, "pingledger.notice.v1", data, at)


def closing_message(
    epoch: str, account: str, day: date, *, data: Mapping[str, Any], at: datetime
) -> Message:
    """Tell that a business day was closed: what an account moved on it."""
    return _envelope(epoch, account, f"closing/{day}", 1, "pingledger.closing.v1", data, at)


def alert_message(
    epoch: str,
    account: str,
    subject: str,
    seq: int,
    *,
    state: str,
    data: Mapping[str, Any],
    at: datetime,
) -> Message:
    """Tell that something about our own running is wrong, or no longer is; account may be empty."""
    kind = f"pingledger.alert.{state}.v1"
    return _envelope(epoch, account, f"alert/{subject}", seq, kind, data, at)


@lru_cache(maxsize=16)
def _shown(at: datetime) -> str:
    """RFC 3339 in UTC; all messages of a batch have the same time."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _envelope(
    epoch: str,
    account: str,
    subject: str,
    seq: int,
    kind: str,
    data: Mapping[str, Any],
    at: datetime,
) -> Message:
    stream = f"{account}/{subject}"
    identity = message_id(epoch, stream, seq)
    body = msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": identity,
            "source": f"/pingledger/{account}",
            "type": kind,
            "subject": subject,
            "time": _shown(at),
            "datacontenttype": "application/json",
            "sequence": f"{seq:0{_SEQUENCE_DIGITS}d}",
            "data": data,
        }
    )
    return Message(identity, stream, seq, account, kind, body)
