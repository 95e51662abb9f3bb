"""What the merchant has of the provider's other products: one object each, made up here."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from service.cli.demo.desk import APP
from service.core.kinds import KINDS
from service.pingpp.endpoints import OPERATIONS
from service.sandbox.api import SHELVED

_AMOUNT = 1_000
# How those say that they are done which do not say "succeeded" (facts §6).
_DONE = {"transfer": "paid", "red_envelope": "received"}
# What the provider documents an event for (facts §2).
_EVENTS = {
    "recharge": "recharge.succeeded",
    "transfer": "transfer.succeeded",
    "batch_transfer": "batch_transfer.succeeded",
    "batch_refund": "batch_refund.succeeded",
    "batch_withdrawal": "batch_withdrawal.succeeded",
    "red_envelope": "red_envelope.received",
    "royalty_settlement": "royalty_settlement.succeeded",
    "customs": "customs.succeeded",
    "agreement": "agreement.succeeded",
}


def others(now: datetime) -> Iterator[dict[str, Any]]:
    """For each such kind an object, and the event that tells of it, as the control takes them."""
    for place, name in enumerate(SHELVED, start=1):
        kind = OPERATIONS[name].answers
        if kind in KINDS:
            shown = _shown(kind, f"{place:04d}2611240000000003", int(now.timestamp()))
            yield {"object": shown, "event": _EVENTS.get(kind, "")}


def _shown(kind: str, object_id: str, created: int) -> dict[str, Any]:
    word = _DONE.get(kind, "succeeded")
    return {
        "id": object_id,
        "object": kind,
        "created": created,
        "livemode": True,
        "app": APP,
        "payer_app": APP,
        "amount": _AMOUNT,
        "amount_refunded": 0,
        "currency": "cny",
        "status": word,
        "succeeded": True,
        "time_succeeded": created,
    }
