"""What the truth is in the ledger's own words, so that the two can be compared line by line."""

from typing import Any

from service.core.kinds import KINDS
from service.core.kinds.kind import normalise
from service.sandbox import answers
from service.sandbox.records import (
    Allocation,
    Application,
    Charge,
    Completion,
    Deposit,
    Order,
    OrderRefund,
    PersonApplication,
    Record,
    Refund,
    SettleAccount,
    SubApp,
    User,
    Withdrawal,
)
from service.sandbox.truth import Truth

_NAMES: dict[type[Record], str] = {
    Order: "order",
    Charge: "charge",
    Refund: "refund",
    OrderRefund: "order_refund",
    Withdrawal: "withdrawal",
    Completion: "allocation_complete",
    User: "user",
    SubApp: "sub_app",
    PersonApplication: "cus_application",
    SettleAccount: "settle_account",
    Deposit: "deposit",
}


def kind_name(record: Record) -> str:
    """Which kind of object it is, whatever it calls itself on the wire."""
    if isinstance(record, Allocation):
        return record.type
    return record.object if isinstance(record, Application) else _NAMES[type(record)]


def kind_and_id(record: Record) -> tuple[str, str]:
    """Which kind of object it is to the ledger, and its id."""
    return kind_name(record), record.id


def objects(truth: Truth) -> list[dict[str, Any]]:
    """Every object: kind, id, status by its kind's table, amounts in minor units or null."""
    known = [record for record in truth.records.values() if kind_name(record) in KINDS]
    return [_normalised(record) for record in known]


def _normalised(record: Record) -> dict[str, Any]:
    shown = answers.show(record)
    kind = KINDS[kind_name(record)]
    totals = {total.name for total in kind.totals}
    return {
        "kind": kind.name,
        "id": record.id,
        "status": normalise(kind.words, kind.status(shown)),
        "amount": shown.get("amount"),
        "amount_paid": shown["amount_paid"] if "amount_paid" in totals else None,
        "amount_refunded": shown["amount_refunded"] if "amount_refunded" in totals else None,
    }
