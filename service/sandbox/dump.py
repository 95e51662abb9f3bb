"""What the truth is in the ledger's own words, so that the two can be compared line by line."""

from collections.abc import Mapping
from typing import Any

from service.core.kinds import KINDS
from service.core.kinds.kind import Kind, normalise
from service.core.observation import user_of
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
from service.sandbox.wire import Shown

# What a user has: goes up and down, and is compared all the same.
LEVELS = ("available_balance", "withdrawable_balance")
_TOTALS = ("amount_paid", "amount_refunded")

NAMES: dict[type[Record], str] = {
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
    return record.object if isinstance(record, Application) else NAMES[type(record)]


def kind_and_id(record: Record) -> tuple[str, str]:
    """Which kind of object it is to the ledger, and its id."""
    own = user_of(record.app, record.id) if isinstance(record, User) else record.id
    return kind_name(record), own


def objects(truth: Truth, shelf: Mapping[tuple[str, str], Shown]) -> list[dict[str, Any]]:
    """Every object: kind, id, status by its kind's table, amounts in minor units or null."""
    own = [(*kind_and_id(each), answers.show(each)) for each in truth.records.values()]
    put = [(kind, object_id, shown) for (kind, object_id), shown in shelf.items()]
    return [
        _normalised(KINDS[kind], object_id, shown)
        for kind, object_id, shown in (*own, *put)
        if kind in KINDS
    ]


def _normalised(kind: Kind, object_id: str, shown: Shown) -> dict[str, Any]:
    totals = {total.name for total in kind.totals}
    sums = {name: shown.get(name) if name in totals else None for name in _TOTALS}
    levels = {name: shown[name] for name in LEVELS if kind.name == "user"}
    return {
        "kind": kind.name,
        "id": object_id,
        "status": normalise(kind.words, kind.status(shown)),
        "amount": shown.get("amount") if _has_amount(kind) else None,
        **sums,
        **levels,
    }


def _has_amount(kind: Kind) -> bool:
    return any(fact.name == "amount" for fact in kind.facts)
