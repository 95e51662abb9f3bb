"""What happens to each object when nobody does anything: its next step, and the way to its end."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from service.sandbox import answers
from service.sandbox.applying import review
from service.sandbox.depositing import pay_deposit
from service.sandbox.paying import complete_charge, expire_order
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
from service.sandbox.refunding import end_charge_refund, end_refund, send_refund
from service.sandbox.refusal import Refusal
from service.sandbox.sharing import end_allocation, end_completion
from service.sandbox.truth import Truth
from service.sandbox.withdrawing import decide_withdrawal, end_withdrawal

# Steps from creation to the end: no object takes more.
_MOST_STEPS = 3


def advance(truth: Truth, record: Record, now: datetime, *, succeeded: bool | None = None) -> None:
    """Take the object one step on; `succeeded` decides an end, else chance does."""
    good = not truth.declines() if succeeded is None else succeeded
    _STEPS[type(record)](truth, record, now, good)


def finish(truth: Truth, record: Record, now: datetime, *, succeeded: bool) -> None:
    """Take the object to its end; Refusal when it is there, or when nothing can move it."""
    before = answers.show(record)
    for _ in range(_MOST_STEPS):
        advance(truth, record, now, succeeded=succeeded)
    if answers.show(record) == before:
        raise Refusal(400, f"没有可推进的步骤：{record.id}", param="id")


def tick(truth: Truth, now: datetime) -> None:
    """Let everything go on that is due by now, each at its own time."""
    for due, record in truth.due(now):
        advance(truth, record, due)


def settle(truth: Truth, now: datetime) -> None:
    """Bring every open object to its end at once: charges are paid, abandoned orders canceled."""
    for _ in range(_MOST_STEPS):
        for record in list(truth.records.values()):
            if isinstance(record, Withdrawal) and record.status == "created":
                decide_withdrawal(truth, record, "canceled", now)
            elif isinstance(record, Order):
                _close(truth, record, now)
            else:
                advance(truth, record, now)


def _close(truth: Truth, order: Order, now: datetime) -> None:
    if order.status == "created" and not order.charges:
        truth.change(order, time_expire=min(order.time_expire, int(now.timestamp())))
        expire_order(truth, order, now)


def _charge(truth: Truth, record: Charge, now: datetime, _good: bool) -> None:
    complete_charge(truth, record, now)


def _order(truth: Truth, record: Order, now: datetime, _good: bool) -> None:
    expire_order(truth, record, now)


def _order_refund(truth: Truth, record: OrderRefund, now: datetime, good: bool) -> None:
    if record.status == "created":
        send_refund(truth, record, now)
    elif record.status == "pending":
        end_refund(truth, record, now, succeeded=good)


def _refund(truth: Truth, record: Refund, now: datetime, good: bool) -> None:
    """An order's refund ends with its order_refund."""
    end_charge_refund(truth, record, now, succeeded=good)


def _withdrawal(truth: Truth, record: Withdrawal, now: datetime, good: bool) -> None:
    if record.status == "processing":
        end_withdrawal(truth, record, now, succeeded=good)


def _allocation(truth: Truth, record: Allocation, now: datetime, good: bool) -> None:
    if record.status == "created":
        truth.change(record, status="processing")
        truth.plan(record, now)
    elif record.status == "processing":
        end_allocation(truth, record, now, succeeded=good)


def _completion(truth: Truth, record: Completion, now: datetime, good: bool) -> None:
    if record.status == "created":
        truth.change(record, status="pending")
        truth.plan(record, now)
    elif record.status == "pending":
        end_completion(truth, record, now, succeeded=good)


def _review(
    truth: Truth, record: PersonApplication | Application, now: datetime, good: bool
) -> None:
    review(truth, record, now, approved=good)


def _deposit(truth: Truth, record: Deposit, now: datetime, good: bool) -> None:
    pay_deposit(truth, record, now, paid=good)


def _standing(_truth: Truth, _record: Record, _now: datetime, _good: bool) -> None:
    """Users, sub-merchants and bank accounts go nowhere by themselves."""


_STEPS: dict[type[Record], Callable[[Truth, Any, datetime, bool], None]] = {
    Order: _order,
    Charge: _charge,
    Refund: _refund,
    OrderRefund: _order_refund,
    Withdrawal: _withdrawal,
    Allocation: _allocation,
    Completion: _completion,
    PersonApplication: _review,
    Application: _review,
    Deposit: _deposit,
    User: _standing,
    SubApp: _standing,
    SettleAccount: _standing,
}
