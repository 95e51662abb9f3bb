"""How each object is shown: the API document's shapes, key order and contradictory spellings."""

import json
from collections.abc import Callable
from typing import Any, cast

from service.sandbox.member_answers import (
    application,
    deposit,
    person_application,
    settle_account,
    sub_app,
    user,
)
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
    Share,
    SubApp,
    User,
    Withdrawal,
)
from service.sandbox.wire import Shown, listed

_WALLET = "https://member.yeepay.com/yeepay-std-wallet/wallet.html#/wallet?token="
# Facts §7 row 37: one token, cut off at two lengths.
_ESSENTIAL_TOKEN = 36
_CHARGE_TOKEN = 28


def order(known: Order) -> Shown:
    """L1199-1233, and after a payment was tried L1297-1383; `service_app` appears only then."""
    tried = known.charges[-1] if known.charges else None
    service = {} if tried is None else {"service_app": known.app}
    return {
        "id": known.id,
        "object": "order",
        "created": known.created,
        "livemode": known.livemode,
        "paid": known.paid,
        "refunded": known.refunded,
        "status": known.status,
        "app": known.app,
        "uid": known.uid,
        "merchant_order_no": known.merchant_order_no,
        "amount": known.amount,
        "amount_refunded": known.amount_refunded,
        "amount_paid": known.amount_paid,
        "currency": known.currency,
        "subject": known.subject,
        "body": known.body,
        "client_ip": known.client_ip,
        "time_paid": known.time_paid,
        "time_expire": known.time_expire,
        "charge": None if tried is None else tried.id,
        "description": known.description,
        "metadata": known.metadata,
        "charge_essentials": {} if tried is None else _essentials(tried),
        "receipt_app": known.receipt_app,
        **service,
        "available_methods": known.available_methods,
        "charges": listed("/v1/charges", [_embedded(each) for each in known.charges]),
    }


def _essentials(known: Charge) -> Shown:
    return {
        "channel": known.channel,
        "transaction_no": known.transaction_no,
        "failure_code": known.failure_code,
        "failure_msg": known.failure_msg,
        "extra": known.extra,
        "credential": _credential(known, _ESSENTIAL_TOKEN),
    }


def _credential(known: Charge, length: int) -> Shown:
    return {} if known.paid else {known.channel: (_WALLET + known.token)[: len(_WALLET) + length]}


def _embedded(known: Charge) -> Shown:
    """A charge inside its order shows no refunds (L1182, L1372)."""
    return {**charge(known), "refunds": None}


def charge(known: Charge) -> Shown:
    """L1347-1384; asked for by itself it lists its refunds, as in the signed bodies."""
    refunds = [refund(each) for each in known.refunds]
    return {
        "id": known.id,
        "object": "charge",
        "created": known.created,
        "livemode": known.livemode,
        "paid": known.paid,
        "refunded": known.refunded,
        "reversed": False,
        "app": known.app,
        "channel": known.channel,
        "order_no": known.order_no,
        "client_ip": known.client_ip,
        "amount": known.amount,
        "amount_settle": known.amount,
        "currency": known.currency,
        "subject": known.subject,
        "body": known.body,
        "extra": known.extra,
        "time_paid": known.time_paid,
        "time_expire": known.time_expire,
        "time_settle": None,
        "transaction_no": known.transaction_no,
        "refunds": listed(f"/v1/charges/{known.id}/refunds", refunds),
        "amount_refunded": known.amount_refunded,
        "failure_code": known.failure_code,
        "failure_msg": known.failure_msg,
        "metadata": {},
        "credential": _credential(known, _CHARGE_TOKEN),
        "description": None,
    }


def refund(known: Refund) -> Shown:
    """The recorded answer's shape (facts §3), with the `app` that came in 2026 (facts 4.4)."""
    return {
        "id": known.id,
        "object": "refund",
        "order_no": known.order_no,
        "amount": known.amount,
        "created": known.created,
        "succeed": known.status == "succeeded",
        "status": known.status,
        "time_succeed": known.time_succeed,
        "description": known.description,
        "failure_code": known.failure_code,
        "failure_msg": known.failure_msg,
        "metadata": {},
        "charge": known.charge,
        "charge_order_no": known.charge_order_no,
        "transaction_no": known.transaction_no,
        "app": known.app,
    }


def order_refund(known: OrderRefund) -> Shown:
    """L1436-1456: by itself it repeats its id as transaction_no and explains its sources."""
    detail = [{"accountType": "FEE_ACCOUNT", "debitAmount": 0}]
    return {
        "id": known.id,
        "object": "order_refund",
        "app": known.app,
        "created": known.created,
        "livemode": known.livemode,
        "order_no": known.order_no,
        "amount": known.amount,
        "channel": known.channel,
        "order": known.order,
        "charge": known.charge,
        "refund": known.refund,
        "transaction_no": known.id,
        "status": known.status,
        "description": known.description,
        "extra": {"detail": json.dumps(detail, separators=(",", ":"))},
        "metadata": {},
        "failure_msg": known.failure_msg,
    }


def order_refund_in_list(known: OrderRefund) -> Shown:
    """L1501-1526: in the list the same refund has neither (facts §7 row 17)."""
    return {**order_refund(known), "transaction_no": None, "extra": {}}


def withdrawal(known: Withdrawal) -> Shown:
    """L812-836 and L951-973; the channel is spelt "yepay" in answers (facts §7 row 3)."""
    return {
        "id": known.id,
        "object": "withdrawal",
        "app": known.app,
        "amount": known.amount,
        "channel": "yepay",
        "created": known.created,
        "description": None,
        "extra": known.extra,
        "failure_msg": known.failure_msg,
        "fee": known.fee,
        "livemode": known.livemode,
        "metadata": {},
        "operation_url": known.operation_url,
        "order_no": known.order_no,
        "source": None,
        "status": known.status,
        "time_canceled": known.time_canceled,
        "time_succeeded": known.time_succeeded,
        "user": known.user,
        "user_fee": known.user_fee,
        "settle_account": known.settle_account,
    }


def allocation(known: Allocation) -> Shown:
    """L1587-1619, and L1707-1736 for a refund: the same object, told apart by its type."""
    shares = [_share(each) for each in known.shares]
    back = known.type == "allocation_refund"
    return {
        "id": known.id,
        "object": "allocation",
        "livemode": known.livemode,
        "app": known.app,
        "order_no": known.order_no,
        "recipients": [] if back else shares,
        "senders": shares if back else [],
        "order": known.order,
        "status": known.status,
        "created": known.created,
        "time_succeeded": known.time_succeeded,
        "metadata": {},
        "type": known.type,
        "amount": known.amount,
        "extra": known.extra,
    }


def _share(known: Share) -> Shown:
    return {
        "user": known.user,
        "amount": known.amount,
        "description": known.description,
        "status": known.status,
        "time_succeeded": known.time_succeeded,
        "failure_code": known.failure_code,
        "failure_msg": known.failure_msg,
    }


def completion(known: Completion) -> Shown:
    """L1784-1797."""
    return {
        "id": known.id,
        "object": "allocation_complete",
        "livemode": known.livemode,
        "app": known.app,
        "order_no": known.order_no,
        "order": known.order,
        "status": known.status,
        "created": known.created,
        "time_succeeded": known.time_succeeded,
        "extra": {},
        "failure_msg": known.failure_msg,
        "metadata": {},
    }


_SHOW: dict[type[Record], Callable[[Any], Shown]] = {
    Order: order,
    Charge: charge,
    Refund: refund,
    OrderRefund: order_refund,
    Withdrawal: withdrawal,
    Allocation: allocation,
    Completion: completion,
    User: user,
    SubApp: sub_app,
    PersonApplication: person_application,
    Application: application,
    SettleAccount: settle_account,
    Deposit: deposit,
}


def show(known: Record) -> Shown:
    """One object as a query shows it."""
    return cast("Callable[[Record], Shown]", _SHOW[type(known)])(known)
