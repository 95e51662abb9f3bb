"""How money goes back: refunds of orders and, under them, of channel charges (L1386-1526)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from service.sandbox.paying import receiver_of
from service.sandbox.records import Charge, Order, OrderRefund, Refund
from service.sandbox.refusal import Refusal, amount, text
from service.sandbox.sharing import is_shared, left
from service.sandbox.truth import Truth
from service.sandbox.wallets import BALANCE, covers, credit

# Both names stand in Ping++'s own documents for the same event (facts §2).
_EVENT_NAMES = ("order_refund.succeeded", "order.refund.succeeded")


def refund_order(
    truth: Truth, order: Order, fields: Mapping[str, Any], now: datetime
) -> OrderRefund:
    """Ask for a refund of a paid charge; it is created, then pending, then success or failed."""
    number = text(fields, "order_no")
    charge = truth.get(Charge, text(fields, "charge"))
    wanted = amount(fields)
    if charge.order != order.id or not charge.paid:
        raise Refusal(400, "charge 未支付或不属于该订单", param="charge")
    asked = sum(
        r.amount for r in truth.all(OrderRefund) if r.charge == charge.id and r.status != "failed"
    )
    if asked + wanted > charge.amount:
        raise Refusal(400, "退款金额大于可退金额", code="refund_amount_exceeded", param="amount")
    if is_shared(truth, order) and wanted > left(truth, order):
        raise Refusal(400, "退款金额大于未分账金额，请先退分账", param="amount")
    known = truth.add(
        OrderRefund(
            id=truth.ids.draw("order_refund", now),
            app=order.app,
            order=order.id,
            charge=charge.id,
            order_no=truth.reserve("order_refund", number),
            amount=wanted,
            channel=charge.channel,
            created=int(now.timestamp()),
            description=text(fields, "description"),
            livemode=truth.livemode,
        )
    )
    truth.change(order, refunded=True)
    truth.change(charge, refunded=True)
    truth.plan(known, now)
    return known


def send_refund(truth: Truth, known: OrderRefund, now: datetime) -> None:
    """Hand the refund to the channel; a balance needs none and keeps `refund` null (L1447)."""
    through = None if known.channel == BALANCE else _channel_refund(truth, known, now).id
    truth.change(known, refund=through, status="pending")
    truth.plan(known, now)


def refund_charge(truth: Truth, charge: Charge, fields: Mapping[str, Any], now: datetime) -> Refund:
    """Refund a charge that no order has, as the SDKs do: all that is left unless it says less."""
    if charge.order:
        raise Refusal(400, "该 charge 由订单创建，请使用订单退款", param="id")
    asked = sum(refund.amount for refund in charge.refunds if refund.status != "failed")
    wanted = amount(fields) if "amount" in fields else charge.amount - asked
    if not charge.paid or not 0 < wanted <= charge.amount - asked:
        raise Refusal(400, "退款金额大于可退金额", code="refund_amount_exceeded", param="amount")
    number = fields.get("order_no") or f"{charge.order_no}{len(charge.refunds) + 1}"
    refund = _add_refund(truth, charge, str(number), wanted, text(fields, "description"), now)
    truth.change(charge, refunded=True)
    truth.plan(refund, now)
    return refund


def end_charge_refund(truth: Truth, refund: Refund, now: datetime, *, succeeded: bool) -> None:
    """The channel has paid back or refused a refund that no order asked for."""
    charge = truth.get(Charge, refund.charge)
    if charge.order or refund.status != "pending":
        return
    _end_channel_refund(truth, refund, now, succeeded=succeeded)
    if succeeded:
        truth.change(charge, amount_refunded=charge.amount_refunded + refund.amount)


def _channel_refund(truth: Truth, known: OrderRefund, now: datetime) -> Refund:
    charge = truth.get(Charge, known.charge)
    return _add_refund(truth, charge, known.order_no, known.amount, known.description, now)


def _add_refund(
    truth: Truth, charge: Charge, number: str, wanted: int, why: str, now: datetime
) -> Refund:
    refund = truth.add(
        Refund(
            id=truth.ids.draw("refund", now),
            app=charge.app,
            charge=charge.id,
            charge_order_no=charge.order_no,
            order_no=number,
            amount=wanted,
            created=int(now.timestamp()),
            description=why,
            livemode=truth.livemode,
        )
    )
    truth.change(charge, refunds=[*charge.refunds, refund])
    return refund


def end_refund(truth: Truth, known: OrderRefund, now: datetime, *, succeeded: bool) -> None:
    """The channel has paid back or refused; a failed order_refund has no event of its own."""
    order = truth.get(Order, known.order)
    succeeded = succeeded and _pay_back(truth, order, known)
    if known.refund is not None:
        _end_channel_refund(truth, truth.get(Refund, known.refund), now, succeeded=succeeded)
    if not succeeded:
        truth.change(known, status="failed", failure_msg="来自渠道的信息：REFUND|渠道拒绝退款")
        return
    charge = truth.get(Charge, known.charge)
    truth.change(known, status="success")
    truth.change(charge, amount_refunded=charge.amount_refunded + known.amount)
    status = "refunded" if order.status == "paid" else order.status
    truth.change(order, amount_refunded=order.amount_refunded + known.amount, status=status)
    truth.tell(truth.chance.choice(_EVENT_NAMES), known, now)
    truth.tell("order.refunded", order, now)


def _pay_back(truth: Truth, order: Order, known: OrderRefund) -> bool:
    """Move the money: from the receiver, or what is not shared yet, and into the payer's wallet."""
    receiver = receiver_of(truth, order)
    if is_shared(truth, order):
        if known.amount > left(truth, order):
            return False
    elif receiver is not None:
        if not covers(receiver, known.amount):
            return False
        credit(truth, receiver, -known.amount)
    if known.channel == BALANCE:
        credit(truth, truth.user(order.app, order.uid), known.amount)
    return True


def _end_channel_refund(truth: Truth, refund: Refund, now: datetime, *, succeeded: bool) -> None:
    if succeeded:
        truth.change(refund, status="succeeded", time_succeed=int(now.timestamp()))
        truth.tell("refund.succeeded", refund, now)
        return
    truth.change(
        refund,
        status="failed",
        failure_code="refund_refused_msg",
        failure_msg="退款已被支付渠道拒绝。来自渠道的信息：余额不足",
    )
    truth.tell("refund.failed", refund, now)
