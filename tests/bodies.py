"""Wire bodies in the document's shapes, with ids and amounts of our own."""

from typing import Any

Fields = dict[str, Any]

APP = "app_T3stT3stT3stT3st"


def charge(**changed: Any) -> Fields:
    """An embedded charge of an order (L1347-1384)."""
    return {
        "id": "ch_101260101000000000000001",
        "object": "charge",
        "created": 1780000010,
        "livemode": True,
        "paid": True,
        "refunded": False,
        "reversed": False,
        "app": APP,
        "channel": "yepay_wx_pub",
        "order_no": "M0001",
        "client_ip": "192.0.2.1",
        "amount": 1200,
        "amount_settle": 1193,
        "currency": "cny",
        "subject": "商品",
        "body": "说明",
        "extra": {},
        "time_paid": 1780000050,
        "time_expire": 1780086410,
        "time_settle": None,
        "transaction_no": "1013202601010000000000000001",
        "refunds": None,
        "amount_refunded": 0,
        "failure_code": None,
        "failure_msg": None,
        "metadata": {},
        "credential": {},
        "description": None,
        **changed,
    }


def order(**changed: Any) -> Fields:
    """An order in the shape of L1199-1233."""
    return {
        "id": "2012601010000000001",
        "object": "order",
        "created": 1780000000,
        "livemode": True,
        "paid": True,
        "refunded": False,
        "status": "paid",
        "app": APP,
        "uid": "cus_1",
        "merchant_order_no": "M0001",
        "amount": 1200,
        "amount_refunded": 0,
        "amount_paid": 1200,
        "currency": "cny",
        "subject": "商品",
        "body": "说明",
        "client_ip": "192.0.2.1",
        "time_paid": 1780000050,
        "time_expire": 1780086400,
        "charge": "ch_101260101000000000000001",
        "description": None,
        "metadata": {},
        "charge_essentials": {"channel": "yepay_wx_pub", "failure_code": None},
        "receipt_app": APP,
        "available_methods": ["balance"],
        "charges": {
            "object": "list",
            "url": "/v1/charges",
            "has_more": False,
            "data": [charge()],
        },
        **changed,
    }


def order_refund(**changed: Any) -> Fields:
    """An order refund in the shape of L1436-1456."""
    return {
        "id": "211260101000000000000001",
        "object": "order_refund",
        "app": APP,
        "created": 1780000100,
        "livemode": True,
        "order_no": "TK0001",
        "amount": 300,
        "channel": "balance",
        "order": "2012601010000000001",
        "charge": "ch_101260101000000000000001",
        "refund": None,
        "transaction_no": None,
        "status": "success",
        "description": "退款",
        "extra": {},
        "metadata": {},
        "failure_msg": None,
        **changed,
    }


def refund(**changed: Any) -> Fields:
    """A refund of a charge (facts §6)."""
    return {
        "id": "re_T3stT3stT3stT3stT3stT3st",
        "object": "refund",
        "order_no": "T3stT3stT3stT3stT3stT3st",
        "amount": 300,
        "created": 1780000100,
        "succeed": True,
        "status": "succeeded",
        "time_succeed": 1780000120,
        "description": "退款",
        "failure_code": None,
        "failure_msg": None,
        "metadata": {},
        "charge": "ch_101260101000000000000001",
        **changed,
    }


def withdrawal(**changed: Any) -> Fields:
    """A withdrawal in the shape of L869-893."""
    return {
        "id": "1712601010000000001",
        "object": "withdrawal",
        "app": APP,
        "amount": 500,
        "channel": "yepay",
        "created": 1780000000,
        "description": None,
        "extra": {"return_url": "https://merchant.example"},
        "failure_msg": None,
        "fee": 2,
        "livemode": True,
        "metadata": {},
        "operation_url": None,
        "order_no": "TX0001",
        "source": None,
        "status": "created",
        "time_canceled": None,
        "time_succeeded": None,
        "user": "cus_1",
        "user_fee": 1,
        "settle_account": None,
        **changed,
    }


def allocation(**changed: Any) -> Fields:
    """An allocation in the shape of L1587-1619."""
    return {
        "id": "371260101000000000000001",
        "object": "allocation",
        "livemode": True,
        "app": APP,
        "order_no": "FZ0001",
        "recipients": [_share("u1", 700), _share("u2", 300)],
        "senders": [],
        "order": "2012601010000000001",
        "status": "succeed",
        "created": 1780000200,
        "time_succeeded": 1780000210,
        "metadata": {},
        "type": "allocation",
        "amount": 1000,
        "extra": {"charge": {"id": "ch_101260101000000000000001", "order_no": "M0001"}},
        **changed,
    }


def allocation_refund(**changed: Any) -> Fields:
    """A refund of an allocation in the shape of L1707-1736."""
    return {
        **allocation(),
        "id": "371260101000000000000002",
        "recipients": [],
        "senders": [_share("u1", 200)],
        "type": "allocation_refund",
        "amount": 200,
        "status": "processing",
        "extra": {
            "allocation": "371260101000000000000001",
            "charge": "ch_101260101000000000000001",
        },
        **changed,
    }


def allocation_complete(**changed: Any) -> Fields:
    """A completion in the shape of L1784-1797: pending, with a failure message."""
    return {
        "id": "6812601010000000001",
        "object": "allocation_complete",
        "livemode": True,
        "app": APP,
        "order_no": "FI0001",
        "order": "2012601010000000001",
        "status": "pending",
        "created": 1780000300,
        "time_succeeded": None,
        "extra": {},
        "failure_msg": "来自渠道的信息：OPR21040|可分账金额为0，不能进行完结分账",
        "metadata": {},
        **changed,
    }


def _share(user: str, amount: int) -> Fields:
    return {
        "user": user,
        "amount": amount,
        "description": None,
        "status": "succeed",
        "time_succeeded": None,
        "failure_code": None,
        "failure_msg": None,
    }


def event(inner: Fields, kind: str = "order.succeeded", **changed: Any) -> Fields:
    """An event around an object (facts §1.2)."""
    return {
        "id": "evt_401260101000000000000001",
        "object": "event",
        "type": kind,
        "livemode": True,
        "created": 1780000060,
        "data": {"object": inner},
        "pending_webhooks": 0,
        "request": "iar_T3stT3stT3st",
        **changed,
    }


def page(*items: Fields, has_more: bool = False) -> Fields:
    """A list object (facts §4.5)."""
    return {"object": "list", "url": "/v1/orders", "has_more": has_more, "data": list(items)}


SAMPLES = {
    "order": order,
    "charge": charge,
    "refund": refund,
    "order_refund": order_refund,
    "withdrawal": withdrawal,
    "allocation": allocation,
    "allocation_refund": allocation_refund,
    "allocation_complete": allocation_complete,
}
