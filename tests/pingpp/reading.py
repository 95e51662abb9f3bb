"""How is an object read as a delivery shows it?"""

import json
from datetime import UTC, datetime
from typing import Any

from service.core.observation import Key, Observation, Source
from service.pingpp.reader import Sighting, read_object

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def read(fields: dict[str, Any]) -> Observation:
    return sight(fields).observations[0]


def sight(fields: dict[str, Any]) -> Sighting:
    return read_object(fields, account="shop", source=Source.WEBHOOK, seen_at=NOW)


def wire(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


KEY = Key("shop", "order", "2012601010000000001")
