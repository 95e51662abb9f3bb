"""What the fake provider keeps of each object; how it is shown is said in `answers`.

Amounts are whole minor units, times whole seconds since 1970, as on the wire. Totals are kept
beside the objects that they sum up, so that a plant can make them disagree.
"""

from dataclasses import dataclass, field
from typing import Any


def _nothing() -> dict[str, Any]:
    return {}


@dataclass(slots=True, kw_only=True)
class Refund:
    """A refund of a charge that went through a channel (re_…)."""

    id: str
    app: str
    charge: str
    charge_order_no: str
    order_no: str
    amount: int
    created: int
    description: str
    livemode: bool
    status: str = "pending"
    time_succeed: int | None = None
    failure_code: str | None = None
    failure_msg: str | None = None
    transaction_no: str | None = None


@dataclass(slots=True, kw_only=True)
class Charge:
    """One attempt to pay an order."""

    id: str
    order: str
    app: str
    channel: str
    order_no: str
    client_ip: str
    amount: int
    currency: str
    subject: str
    body: str
    extra: dict[str, Any]
    created: int
    time_expire: int
    transaction_no: str
    token: str
    livemode: bool
    paid: bool = False
    refunded: bool = False
    amount_refunded: int = 0
    time_paid: int | None = None
    failure_code: str | None = None
    failure_msg: str | None = None
    refunds: list[Refund] = field(default_factory=list[Refund])


@dataclass(slots=True, kw_only=True)
class Order:
    """One consumer order; `allocation` is asked for but never shown (facts §6)."""

    id: str
    app: str
    uid: str
    merchant_order_no: str
    amount: int
    currency: str
    subject: str
    body: str
    client_ip: str
    receipt_app: str
    description: str | None
    metadata: dict[str, Any]
    created: int
    time_expire: int
    allocation: bool
    livemode: bool
    status: str = "created"
    refunded: bool = False
    amount_paid: int = 0
    amount_refunded: int = 0
    time_paid: int | None = None
    charges: list[Charge] = field(default_factory=list[Charge])

    @property
    def paid(self) -> bool:
        """Whether paid less refunded covers the amount: false again after a refund (L1149)."""
        return self.amount_paid > 0 and self.amount_paid - self.amount_refunded >= self.amount


@dataclass(slots=True, kw_only=True)
class OrderRefund:
    """A refund asked for on an order; `refund` names the channel's, none for a balance."""

    id: str
    app: str
    order: str
    charge: str
    order_no: str
    amount: int
    channel: str
    created: int
    description: str
    livemode: bool
    refund: str | None = None
    status: str = "created"
    failure_msg: str | None = None


@dataclass(slots=True, kw_only=True)
class Withdrawal:
    """A withdrawal: personal, or of an enterprise when it names a settle_account."""

    id: str
    app: str
    user: str
    amount: int
    order_no: str
    created: int
    extra: dict[str, Any]
    settle_account: str | None
    livemode: bool
    status: str = "created"
    operation_url: str | None = None
    failure_msg: str | None = None
    time_canceled: int | None = None
    time_succeeded: int | None = None


@dataclass(slots=True, kw_only=True)
class Share:
    """One recipient or sender of an allocation."""

    user: str
    amount: int
    description: str | None
    status: str = "created"
    time_succeeded: int | None = None
    failure_code: str | None = None
    failure_msg: str | None = None


@dataclass(slots=True, kw_only=True)
class Allocation:
    """An allocation, or (type "allocation_refund") the refund of one: one object on the wire."""

    id: str
    type: str
    app: str
    order: str
    order_no: str
    shares: list[Share]
    amount: int
    created: int
    extra: dict[str, Any] = field(default_factory=_nothing)
    livemode: bool
    status: str = "created"
    time_succeeded: int | None = None


@dataclass(slots=True, kw_only=True)
class Completion:
    """The completion of an order's allocations."""

    id: str
    app: str
    order: str
    order_no: str
    created: int
    livemode: bool
    status: str = "created"
    failure_msg: str | None = None
    time_succeeded: int | None = None


Record = Order | Charge | Refund | OrderRefund | Withdrawal | Allocation | Completion
