"""How orders are created, paid by their charges, and canceled when time is over (L1094-1384)."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from service.pingpp.endpoints.trade import CHANNELS
from service.sandbox.records import Charge, Order, SubApp, User
from service.sandbox.refusal import Refusal, amount, inner, metadata, optional_text, text
from service.sandbox.truth import Truth
from service.sandbox.wallets import BALANCE, check, covers, credit, opened

# L1161-1179: from a minute to seven days after creation, a day unless said otherwise.
_EXPIRES_LEAST = 60.0
_EXPIRES = timedelta(days=1)
_EXPIRES_MOST = timedelta(days=7)

_POOR = "来自渠道的信息：BAL0001|账户余额不足"
_ORDER_NO = re.compile(r"[0-9A-Za-z_]{1,64}")


def create_order(
    truth: Truth, fields: Mapping[str, Any], now: datetime, *, repeated: bool = False
) -> Order:
    """Create an order; `repeated` lets its merchant_order_no be one that was used before."""
    number = text(fields, "merchant_order_no")
    if not _ORDER_NO.fullmatch(number):
        raise Refusal(400, "商户订单号仅支持字母数字下划线", param="merchant_order_no")
    app = text(fields, "app")
    if text(fields, "currency") != "cny":
        raise Refusal(400, "仅支持 cny", param="currency")
    receiver = _receiver(truth, app, fields.get("receipt_app"))
    order = truth.add(
        Order(
            id=truth.ids.draw("order", now),
            app=app,
            uid=str(fields.get("uid") or "0"),
            merchant_order_no=truth.reserve("order", number, repeated=repeated),
            amount=amount(fields),
            currency="cny",
            subject=text(fields, "subject"),
            body=text(fields, "body"),
            client_ip=text(fields, "client_ip"),
            receipt_app=app if receiver is None else receiver.id,
            description=optional_text(fields, "description"),
            metadata=metadata(fields),
            created=int(now.timestamp()),
            time_expire=_expiry(truth, fields.get("time_expire"), now),
            allocation=fields.get("allocation") is True,
            available_methods=[BALANCE, *([] if receiver is None else receiver.available_methods)],
            livemode=truth.livemode,
        )
    )
    truth.plan_at(order, datetime.fromtimestamp(order.time_expire, UTC))
    return order


def _receiver(truth: Truth, app: str, wanted: object) -> SubApp | None:
    """The sub-merchant that gets the money; None is the app itself (L1114)."""
    if wanted is None or wanted == app:
        return None
    known = truth.records.get(str(wanted))
    if not isinstance(known, SubApp) or known.parent_app != app:
        raise Refusal(404, f"未找到 app : {wanted}", param="receipt_app")
    return known


def _expiry(truth: Truth, wanted: object, now: datetime) -> int:
    if wanted is None:
        return int((now + _EXPIRES).timestamp())
    earliest = int((now + truth.pace.seconds(_EXPIRES_LEAST)).timestamp())
    latest = int((now + _EXPIRES_MOST).timestamp())
    if type(wanted) is not int or not earliest <= wanted <= latest:
        raise Refusal(400, "订单过期时间须在创建后的 1 分钟到 7 天内", param="time_expire")
    return wanted


def pay_order(truth: Truth, order: Order, fields: Mapping[str, Any], now: datetime) -> Charge:
    """Start a payment: a new charge, which is paid later. A second charge may be paid too."""
    if order.status != "created":
        raise Refusal(400, f"订单状态为 {order.status}，不能支付", param="id")
    channel = text(fields, "channel")
    wanted = amount(fields, "charge_amount")
    _check_channel(truth, order, channel, wanted)
    created = int(now.timestamp())
    charge = _add_charge(
        truth,
        now,
        order=order.id,
        app=order.app,
        channel=channel,
        order_no=str(fields.get("charge_order_no") or order.merchant_order_no),
        client_ip=order.client_ip,
        amount=wanted,
        subject=order.subject,
        body=order.body,
        extra={"user": order.uid} if channel == BALANCE else {},
        # L1317, L1369: as long as its order's life, from its own creation on
        time_expire=created + order.time_expire - order.created,
    )
    truth.change(order, charges=[*order.charges, charge])
    return charge


def create_charge(truth: Truth, fields: Mapping[str, Any], now: datetime) -> Charge:
    """A charge without an order, as the SDKs create one; its app is an object with an id."""
    channel = text(fields, "channel")
    if channel not in CHANNELS or channel == BALANCE:
        raise Refusal(400, "不支持的支付渠道", param="channel")
    if text(fields, "currency") != "cny":
        raise Refusal(400, "仅支持 cny", param="currency")
    return _add_charge(
        truth,
        now,
        order="",
        app=text(inner(fields, "app"), "id"),
        channel=channel,
        client_ip=text(fields, "client_ip"),
        amount=amount(fields),
        subject=text(fields, "subject"),
        body=text(fields, "body"),
        extra=dict(inner(fields, "extra")),
        order_no=truth.reserve("charge", text(fields, "order_no")),
        time_expire=_expiry(truth, fields.get("time_expire"), now),
    )


def _add_charge(truth: Truth, now: datetime, **values: Any) -> Charge:
    charge = truth.add(
        Charge(
            id=truth.ids.draw("charge", now),
            currency="cny",
            created=int(now.timestamp()),
            transaction_no=truth.ids.draw("transaction", now),
            token=truth.ids.token(),
            livemode=truth.livemode,
            **values,
        )
    )
    truth.plan(charge, now)
    return charge


def _check_channel(truth: Truth, order: Order, channel: str, wanted: int) -> None:
    """A channel that the receiver has; a wallet that is open and holds enough (L1112, L1182)."""
    if channel not in CHANNELS:
        raise Refusal(400, "不支持的支付渠道", param="channel")
    if order.receipt_app != order.app and channel not in order.available_methods:
        raise Refusal(400, "收款方未开通此支付渠道", param="channel")
    if channel == BALANCE:
        if order.uid == "0":
            raise Refusal(400, "balance 渠道不支持 uid 为 0", param="uid")
        check(opened(truth.user(order.app, order.uid, "uid"), "uid"), wanted, "charge_amount")


def complete_charge(truth: Truth, charge: Charge, now: datetime) -> None:
    """The payer pays: the charge, and with it its order, even if that was canceled (facts §6)."""
    at = int(now.timestamp())
    if charge.paid or at > charge.time_expire:
        return
    if not charge.order:
        truth.change(charge, paid=True, time_paid=at)
        truth.tell("charge.succeeded", charge, now)
        return
    order = truth.get(Order, charge.order)
    if not _collect(truth, order, charge):
        return
    truth.change(charge, paid=True, time_paid=at)
    received = order.amount_paid + charge.amount
    status = _paid_status(truth, order) if received >= order.amount else order.status
    truth.change(order, amount_paid=received, time_paid=order.time_paid or at, status=status)
    truth.tell("charge.succeeded", charge, now)
    if received >= order.amount:
        truth.tell("order.succeeded", order, now)


def _collect(truth: Truth, order: Order, charge: Charge) -> bool:
    """Move the money: out of the payer's wallet, and to the receiver unless it is to be shared."""
    if charge.channel == BALANCE:
        payer = truth.user(order.app, order.uid)
        if not covers(payer, charge.amount):
            truth.change(charge, failure_code="insufficient_balance", failure_msg=_POOR)
            return False
        credit(truth, payer, -charge.amount)
    receiver = receiver_of(truth, order)
    if receiver is not None and not order.allocation:
        credit(truth, receiver, charge.amount)
    return True


def receiver_of(truth: Truth, order: Order) -> User | None:
    """The user whose balance the order's money goes to; none when it is the merchant's own."""
    return None if order.receipt_app == order.app else truth.get(SubApp, order.receipt_app).user


def _paid_status(truth: Truth, order: Order) -> str:
    if order.status == "canceled":
        return truth.pace.late_paid_status
    return "paid" if order.status == "created" else order.status


def cancel_order(truth: Truth, order: Order) -> None:
    """The merchant cancels what is not paid; a charge of it may still be paid (facts §6)."""
    if order.status != "created":
        raise Refusal(400, f"订单状态为 {order.status}，不能取消", param="status")
    truth.change(order, status="canceled")


def expire_order(truth: Truth, order: Order, now: datetime) -> None:
    """Cancel an order that nobody paid in time; Ping++ documents no event for it."""
    if order.status == "created" and int(now.timestamp()) >= order.time_expire:
        truth.change(order, status="canceled")
