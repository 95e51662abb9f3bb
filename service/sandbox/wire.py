"""How an answer is written: the bytes, and a list around its items."""

import json
from collections.abc import Sequence
from typing import Any

Shown = dict[str, Any]


def encode(shown: Any) -> bytes:
    """The bytes on the wire: compact, UTF-8 as it is, no newline at the end (facts 1.1)."""
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode()


def listed(url: str, items: Sequence[Shown], *, has_more: bool = False, **more: Any) -> Shown:
    """A list object (L1229, L1501); `more` goes before the data (L1050)."""
    return {"object": "list", "url": url, "has_more": has_more, **more, "data": list(items)}
