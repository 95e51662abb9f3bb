"""How orders are created, paid by their charges, and canceled when time is over (L1094-1384)."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from service.sandbox.records import Charge, Order
from service.sandbox.refusal import Refusal, amount, text
from service.sandbox.truth import Truth

# L1161-1179: from a minute to seven days after creation, a day unless said otherwise.
_EXPIRES_LEAST = 60.0
_EXPIRES = timedelta(days=1)
_EXPIRES_MOST = timedelta(days=7)

_ORDER_NO = re.compile(r"[0-9A-Za-z_]{1,64}")

# L1271
CHANNELS = frozenset(
    {
        "balance",
        "yeepay_alipay_lite",
        "yeepay_alipay_pub",
        "yeepay_alipay_qr",
        "yeepay_alipay_scan",
        "yeepay_upacp_qr",
        "yeepay_upacp_scan",
        "yeepay_wx_lite",
        "yeepay_wx_lite_ofl",
        "yeepay_wx_pub",
        "yeepay_wx_pub_ofl",
        "yeepay_wx_pub_qr",
        "yeepay_wx_pub_scan",
        "yeepay_wx_pub_scan_ofl",
    }
)


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
            receipt_app=str(fields.get("receipt_app") or app),
            description=fields.get("description"),
            metadata=fields.get("metadata") or {},
            created=int(now.timestamp()),
            time_expire=_expiry(truth, fields.get("time_expire"), now),
            allocation=fields.get("allocation") is True,
            livemode=truth.livemode,
        )
    )
    truth.plan_at(order, datetime.fromtimestamp(order.time_expire, UTC))
    return order


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
    if channel not in CHANNELS:
        raise Refusal(400, "不支持的支付渠道", param="channel")
    if channel == "balance" and order.uid == "0":
        raise Refusal(400, "balance 渠道不支持 uid 为 0", param="uid")
    created = int(now.timestamp())
    charge = truth.add(
        Charge(
            id=truth.ids.draw("charge", now),
            order=order.id,
            app=order.app,
            channel=channel,
            order_no=str(fields.get("charge_order_no") or order.merchant_order_no),
            client_ip=order.client_ip,
            amount=amount(fields, "charge_amount"),
            currency=order.currency,
            subject=order.subject,
            body=order.body,
            extra={"user": order.uid} if channel == "balance" else {},
            created=created,
            # L1317, L1369: as long as its order's life, from its own creation on
            time_expire=created + order.time_expire - order.created,
            transaction_no=truth.ids.draw("transaction", now),
            token=truth.ids.token(),
            livemode=truth.livemode,
        )
    )
    truth.change(order, charges=[*order.charges, charge])
    truth.plan(charge, now)
    return charge


def complete_charge(truth: Truth, charge: Charge, now: datetime) -> None:
    """The payer pays: the charge, and with it its order, even if that was canceled (facts §6)."""
    at = int(now.timestamp())
    if charge.paid or at > charge.time_expire:
        return
    order = truth.get(Order, charge.order)
    truth.change(charge, paid=True, time_paid=at)
    received = order.amount_paid + charge.amount
    status = _paid_status(truth, order) if received >= order.amount else order.status
    truth.change(order, amount_paid=received, time_paid=order.time_paid or at, status=status)
    truth.tell("charge.succeeded", charge, now)
    if received >= order.amount:
        truth.tell("order.succeeded", order, now)


def _paid_status(truth: Truth, order: Order) -> str:
    if order.status == "canceled":
        return truth.pace.late_paid_status
    return "paid" if order.status == "created" else order.status


def expire_order(truth: Truth, order: Order, now: datetime) -> None:
    """Cancel an order that nobody paid in time; Ping++ documents no event for it."""
    if order.status == "created" and int(now.timestamp()) >= order.time_expire:
        truth.change(order, status="canceled")
