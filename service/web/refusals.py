"""Which deliveries were refused of late: a sample, so that a wrong key is found in a minute."""

from collections import deque
from datetime import datetime, timedelta
from typing import Any

from service.core.masking import mask_body, mask_text

KEPT = 200
BODY_LIMIT = 4_096
PAUSE = timedelta(seconds=1)


class Refusals:
    """The last 200, at most one a second, each cut at 4 kB; in memory only, never in the ledger.

    They are masked when they are shown: a flood of them should cost next to nothing.
    """

    def __init__(self) -> None:
        self._sample: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._next: datetime | None = None

    def note(
        self,
        account: str,
        reason: str,
        *,
        signature: bytes = b"",
        body: bytes = b"",
        peer: str = "",
        now: datetime,
    ) -> None:
        """Keep it when the last one is a second old or the clock ran back."""
        if self._next is not None and self._next - PAUSE <= now < self._next:
            return
        self._next = now + PAUSE
        self._sample.append(
            {
                "at": now.isoformat(),
                "account": account,
                "reason": reason,
                "peer": peer,
                "signature": signature[:512].decode("ascii", "backslashreplace"),
                "body": _cut(body),
            }
        )

    def latest(self) -> list[dict[str, Any]]:
        """The sample, oldest first, without personal data."""
        return [_shown(one) for one in list(self._sample)]


def _cut(body: bytes) -> bytes:
    """Half a number would not be known for one: it goes too."""
    return body if len(body) <= BODY_LIMIT else body[:BODY_LIMIT].rstrip(b"0123456789 -")


def _shown(one: dict[str, Any]) -> dict[str, Any]:
    return {**one, "signature": mask_text(one["signature"]), "body": mask_body(one["body"])}
