"""What does the ledger hold that most commands are asked about?"""

import json
from contextlib import closing
from datetime import datetime
from typing import Any

from service.ledger.engine import Ledger
from service.ledger.intake import Arrival, Intake, seal

ORDER = "2001708220000221911"
BODY = {
    "id": "evt_400240816160755820469807",
    "object": "event",
    "type": "charge.succeeded",
    "created": 1_700_000_000,
    "livemode": True,
    "pending_webhooks": 0,
    "data": {
        "object": {
            "id": "ch_1",
            "object": "charge",
            "created": 1_700_000_000,
            "livemode": True,
            "paid": True,
            "refunded": False,
            "app": "app_1",
            "channel": "wx",
            "order_no": "n1",
            "amount": 100,
            "amount_settle": 100,
            "currency": "cny",
            "time_paid": 1_700_000_001,
            "amount_refunded": 0,
        }
    },
}


def arrival(event: str, body: bytes, now: datetime) -> Arrival:
    return Arrival("main", event, "0" * 64, body, "c2ln", "f" * 64, now, "charge.succeeded")


def insert(ledger: Ledger, arrived: list[Arrival]) -> None:
    with closing(Intake(ledger)) as intake:
        intake.insert([seal(ledger.vault, one) for one in arrived])


def rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]
