"""Which errors about money can be planted, and which rule should find each.

Each plant is a small story about objects of its own, with events as usual; nothing else is
disturbed. A later query answers as wrongly as the notification did: the error is the provider's.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import count
from typing import Any

from service.sandbox.dump import kind_and_id
from service.sandbox.members import create_user
from service.sandbox.paying import complete_charge, create_order, expire_order, pay_order
from service.sandbox.records import (
    Allocation,
    Charge,
    Order,
    OrderRefund,
    Record,
    User,
    Withdrawal,
)
from service.sandbox.refunding import end_refund, refund_order, send_refund
from service.sandbox.refusal import Refusal
from service.sandbox.sharing import create_allocation, end_allocation
from service.sandbox.truth import Truth
from service.sandbox.wallets import covers, credit
from service.sandbox.withdrawing import end_withdrawal

_AMOUNT = 1000
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Planted:
    """What was planted: `rule` should find it on one of `found_on` (ids).

    made: (kind, id) of every object that the story made or spoiled.
    """

    name: str
    rule: str
    found_on: tuple[str, ...]
    made: tuple[tuple[str, str], ...]

    def shown(self) -> dict[str, Any]:
        """As the control API lists it."""
        return asdict(self)


def plant(truth: Truth, name: str, app: str, now: datetime) -> Planted:
    """Plant one error by its name; Refusal when there is no such plant."""
    if name not in PLANTS:
        raise Refusal(400, f"there is no plant {name!r}", param="name")
    rule, story = PLANTS[name]
    known = len(truth.records)
    spoiled = [kind_and_id(record) for record in story(truth, app, now)]
    made = [kind_and_id(record) for record in list(truth.records.values())[known:]]
    found_on = tuple(object_id for _, object_id in spoiled)
    return Planted(name, rule, found_on, tuple(dict.fromkeys([*made, *spoiled])))


def _order(truth: Truth, app: str, now: datetime, **more: Any) -> Order:
    fields = {
        "app": app,
        "merchant_order_no": f"plant{next(_numbers):06d}{truth.ids.token(8)}",
        "amount": _AMOUNT,
        "currency": "cny",
        "client_ip": "127.0.0.1",
        "subject": "对账演示",
        "body": "种下的差错",
        **more,
    }
    return create_order(truth, fields, now, repeated="merchant_order_no" in more)


def _charge(truth: Truth, order: Order, now: datetime) -> Charge:
    fields = {"charge_amount": order.amount, "channel": "yeepay_wx_pub_qr"}
    return pay_order(truth, order, fields, now)


def _refund(
    truth: Truth, order: Order, amount: int, now: datetime, *, above: int = 0
) -> OrderRefund:
    fields = {
        "order_no": f"refund{order.merchant_order_no}",
        "amount": amount,
        "charge": order.charges[0].id,
        "description": "退款",
    }
    refund = refund_order(truth, order, fields, now)
    refund.amount += above
    send_refund(truth, refund, now)
    return refund


def _amount_paid(truth: Truth, app: str, now: datetime) -> list[Order]:
    """The order says one fen less than its charge brought."""
    order = _order(truth, app, now)
    charge = _charge(truth, order, now)
    order.amount_paid = -1
    order.amount = _AMOUNT - 1
    complete_charge(truth, charge, now)
    return [order]


def _amount_refunded(truth: Truth, app: str, now: datetime) -> list[Order]:
    """The order says ten fen more were refunded than its refund gave."""
    order = _order(truth, app, now)
    complete_charge(truth, _charge(truth, order, now), now)
    refund = _refund(truth, order, _AMOUNT // 2, now)
    order.amount_refunded = 10
    end_refund(truth, refund, now, succeeded=True)
    return [order]


def _refunded_exceeds_paid(truth: Truth, app: str, now: datetime) -> list[Order]:
    """More goes back than came in."""
    order = _order(truth, app, now)
    complete_charge(truth, _charge(truth, order, now), now)
    refund = _refund(truth, order, _AMOUNT, now, above=1)
    end_refund(truth, refund, now, succeeded=True)
    return [order]


def _canceled_but_paid(truth: Truth, app: str, now: datetime) -> list[Order]:
    """The charge is paid some seconds after its order expired (facts §6)."""
    order = _order(truth, app, now)
    charge = _charge(truth, order, now)
    truth.change(order, time_expire=int(now.timestamp()))
    expire_order(truth, order, now)
    complete_charge(truth, charge, now)
    return [order]


def _overpaid(truth: Truth, app: str, now: datetime) -> list[Order]:
    """Two charges of one order are both paid."""
    order = _order(truth, app, now)
    first, second = _charge(truth, order, now), _charge(truth, order, now)
    complete_charge(truth, first, now)
    complete_charge(truth, second, now)
    return [order]


def _amount_changed(truth: Truth, app: str, now: datetime) -> list[Order]:
    """The order's own amount is another in its last notification than in its first."""
    order = _order(truth, app, now)
    complete_charge(truth, _charge(truth, order, now), now)
    refund = _refund(truth, order, _AMOUNT // 2, now)
    truth.change(order, amount=_AMOUNT - 100)
    end_refund(truth, refund, now, succeeded=True)
    return [order]


def _same_order_no(truth: Truth, app: str, now: datetime) -> list[Order]:
    """Two orders under one number of the merchant's."""
    first = _order(truth, app, now)
    second = _order(truth, app, now, merchant_order_no=first.merchant_order_no)
    for order in (first, second):
        complete_charge(truth, _charge(truth, order, now), now)
    return [first, second]


def _overallocated(truth: Truth, app: str, now: datetime) -> list[Order]:
    """More is shared out than the order has."""
    order = _order(truth, app, now, allocation=True)
    complete_charge(truth, _charge(truth, order, now), now)
    fields = {
        "app": app,
        "order": order.id,
        "order_no": f"share{order.merchant_order_no}",
        "recipients": [{"user": "WHDR", "amount": _AMOUNT + 1}],
    }
    made = create_allocation(truth, fields, now, unchecked=True)
    end_allocation(truth, made, now, succeeded=True)
    return [order]


def _recipients(truth: Truth, app: str, now: datetime) -> list[Allocation]:
    """What the recipients get is one fen more than the allocation says."""
    order = _order(truth, app, now, allocation=True)
    complete_charge(truth, _charge(truth, order, now), now)
    fields = {
        "app": app,
        "order": order.id,
        "order_no": f"share{order.merchant_order_no}",
        "recipients": [{"user": "WHDR", "amount": _AMOUNT // 2}],
    }
    made = create_allocation(truth, fields, now, unchecked=True)
    made.amount -= 1
    end_allocation(truth, made, now, succeeded=True)
    return [made]


def _person(truth: Truth, app: str, now: datetime) -> User:
    """Somebody with money in the wallet: the newest of those who are there, if any is."""
    for user in reversed(list(truth.all(User))):
        if user.app == app and user.identified and covers(user, 2 * _AMOUNT):
            return user
    fields = {"id": f"plant{next(_numbers):06d}{truth.ids.token(8)}"}
    user = create_user(truth, app, fields, now)
    truth.change(user, identified=True)
    credit(truth, user, 2 * _AMOUNT)
    return user


def _user_fee(truth: Truth, app: str, now: datetime) -> list[Withdrawal]:
    """The user bears more of the withdrawal's fee than there is."""
    user = _person(truth, app, now)
    made = truth.add(
        Withdrawal(
            id=truth.ids.draw("withdrawal", now),
            app=app,
            user=user.id,
            amount=_AMOUNT,
            order_no=f"plant{next(_numbers):06d}{truth.ids.token(8)}",
            created=int(now.timestamp()),
            extra={},
            settle_account=None,
            livemode=truth.livemode,
            fee=10,
            user_fee=11,
            status="processing",
        )
    )
    credit(truth, user, -_AMOUNT - made.user_fee)
    end_withdrawal(truth, made, now, succeeded=True)
    return [made]


def _wallet(truth: Truth, app: str, _now: datetime) -> list[User]:
    """A fen is gone from the oldest wallet with money in it, and nothing tells why.

    Its balance must have been asked for before: what is stated first is believed.
    """
    for user in truth.all(User):
        if user.app == app and user.identified and covers(user, 1):
            truth.change(user, available_balance=user.available_balance - 1)
            return [user]
    raise Refusal(400, "there is no money in any wallet yet", param="name")


Story = Callable[[Truth, str, datetime], Sequence[Record]]

# By name: the code of the rule that should find it, and its story.
PLANTS: Mapping[str, tuple[str, Story]] = {
    "amount_paid": ("paid_sum", _amount_paid),
    "amount_refunded": ("refunded_sum_charges", _amount_refunded),
    "refunded_exceeds_paid": ("refunded_over_paid", _refunded_exceeds_paid),
    "canceled_but_paid": ("canceled_but_paid", _canceled_but_paid),
    "overpaid": ("overpaid", _overpaid),
    "amount_changed": ("fact_changed", _amount_changed),
    "same_order_no": ("order_no_twice", _same_order_no),
    "overallocated": ("allocated_over_paid", _overallocated),
    "recipients": ("recipients_sum", _recipients),
    "user_fee": ("withdrawal_fee", _user_fee),
    "wallet": ("wallet_differs", _wallet),
}
