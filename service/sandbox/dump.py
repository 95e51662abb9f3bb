"""What the truth is in the ledger's own words, so that the two can be compared line by line."""

from typing import Any

from service.core.kinds import BY_WIRE
from service.core.kinds.kind import Kind, normalise
from service.sandbox import answers
from service.sandbox.records import Record
from service.sandbox.truth import Truth


def objects(truth: Truth) -> list[dict[str, Any]]:
    """Every object: kind, id, status by its kind's table, amounts in minor units or null."""
    return [_normalised(record) for record in truth.records.values()]


def kind_and_id(record: Record) -> tuple[str, str]:
    """Which kind of object it is to the ledger, and its id."""
    return _kind(answers.show(record)).name, record.id


def _kind(shown: dict[str, Any]) -> Kind:
    return BY_WIRE[shown["object"], shown.get("type")]


def _normalised(record: Record) -> dict[str, Any]:
    shown = answers.show(record)
    kind = _kind(shown)
    totals = {total.name for total in kind.totals}
    return {
        "kind": kind.name,
        "id": record.id,
        "status": normalise(kind.words, kind.status(shown)),
        "amount": shown.get("amount"),
        "amount_paid": shown["amount_paid"] if "amount_paid" in totals else None,
        "amount_refunded": shown["amount_refunded"] if "amount_refunded" in totals else None,
    }
