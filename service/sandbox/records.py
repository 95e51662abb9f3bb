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
class User:
    """A user of the merchant's: a person, or (business) a sub-merchant's. Its id is the merchant's.

    Balances are what may be spent and what may be withdrawn. `identified`: its account is open.
    """

    id: str
    app: str
    created: int
    livemode: bool
    type: str = "customer"
    related_app: str | None = None
    address: str | None = None
    avatar: str | None = None
    email: str | None = None
    gender: str | None = None
    mobile: str | None = None
    name: str | None = None
    metadata: dict[str, Any] = field(default_factory=_nothing)
    available_balance: int = 0
    withdrawable_balance: int = 0
    disabled: bool = False
    identified: bool = False
    settle_accounts: list["SettleAccount"] = field(default_factory=list["SettleAccount"])


@dataclass(slots=True, kw_only=True)
class SubApp:
    """A sub-merchant: an app of its own under the merchant's, for one business user."""

    id: str
    parent_app: str
    account: str
    display_name: str
    description: str | None
    metadata: dict[str, Any]
    user: User | None
    created: int
    livemode: bool
    available_methods: list[str] = field(default_factory=list[str])


@dataclass(slots=True, kw_only=True)
class PersonApplication:
    """A person's application for a wallet; `digest` tells a repetition from another application.

    cert_number is kept masked, and nothing else of the person but the name that the answer shows.
    """

    id: str
    app: str
    user: str
    order_no: str
    cert_name: str
    cert_number: str
    digest: str
    transaction_no: str
    created: int
    livemode: bool
    status: str = "created"


@dataclass(slots=True, kw_only=True)
class Application:
    """A sub-merchant's application, of an enterprise (mch) or of a small one (micro)."""

    id: str
    object: str
    app: str
    user: str
    order_no: str
    transaction_no: str
    products: list[str]
    created: int
    livemode: bool
    status: str = "created"
    mch_id: str | None = None
    failure_msg: str | None = None


@dataclass(slots=True, kw_only=True)
class SettleAccount:
    """A bank account that a sub-merchant withdraws to; `user` is "" for the merchant's own.

    account is kept masked.
    """

    id: str
    app: str
    user: str
    channel: str
    account: str
    type: str
    bank: dict[str, Any]
    card_id: str
    created: int
    livemode: bool
    status: str = "succeeded"


@dataclass(slots=True, kw_only=True)
class Deposit:
    """Money that a person puts into the wallet; dead: its page was not used in time."""

    id: str
    app: str
    user: str
    amount: int
    order_no: str
    return_url: str
    credential: str
    metadata: dict[str, Any]
    created: int
    expires: int
    livemode: bool
    status: str = "created"
    dead: bool = False
    time_succeeded: int | None = None


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
    available_methods: list[str]
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
    fee: int = 0
    user_fee: int = 0
    status: str = "created"
    operation_url: str | None = None
    expires: int | None = None
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
    """The completion of an order's allocations; `settled` is what it gave to the merchant."""

    id: str
    app: str
    order: str
    order_no: str
    created: int
    livemode: bool
    status: str = "created"
    failure_msg: str | None = None
    time_succeeded: int | None = None
    settled: int = 0


Record = (
    Order
    | Charge
    | Refund
    | OrderRefund
    | Withdrawal
    | Allocation
    | Completion
    | User
    | SubApp
    | PersonApplication
    | Application
    | SettleAccount
    | Deposit
)


def key_of(record: Record) -> str:
    """What a record is found by: its id, and a user's app too, for the merchant names users."""
    return user_key(record.app, record.id) if isinstance(record, User) else record.id


def user_key(app: str, user_id: str) -> str:
    """A user's key; no other id holds a slash."""
    return f"{app}/{user_id}"
