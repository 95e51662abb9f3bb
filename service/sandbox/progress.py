"""What happens to each object when nobody does anything: its next step, and the way to its end."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from service.sandbox.paying import complete_charge, expire_order
from service.sandbox.records import (
    Allocation,
    Charge,
    Completion,
    Order,
    OrderRefund,
    Record,
    Refund,
    Withdrawal,
)
from service.sandbox.refunding import end_refund, send_refund
from service.sandbox.sharing import end_allocation
from service.sandbox.truth import Truth
from service.sandbox.withdrawing import decide_withdrawal, end_withdrawal

# Steps from creation to the end: no object takes more.
_MOST_STEPS = 3


def advance(truth: Truth, record: Record, now: datetime, *, succeeded: bool | None = None) -> None:
    """Take the object one step on; `succeeded` decides an end, else chance does."""
    good = not truth.declines() if succeeded is None else succeeded
    _STEPS[type(record)](truth, record, now, good)


def tick(truth: Truth, now: datetime) -> None:
    """Let everything go on that is due by now."""
    for record in truth.due(now):
        advance(truth, record, now)


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


def _refund(_truth: Truth, _record: Refund, _now: datetime, _good: bool) -> None:
    """A channel's refund ends with its order's."""


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
        ended = good and record.failure_msg is None
        at = int(now.timestamp()) if ended else None
        truth.change(record, status="succeed" if ended else "failed", time_succeeded=at)


_STEPS: dict[type[Record], Callable[[Truth, Any, datetime, bool], None]] = {
    Order: _order,
    Charge: _charge,
    Refund: _refund,
    OrderRefund: _order_refund,
    Withdrawal: _withdrawal,
    Allocation: _allocation,
    Completion: _completion,
}
