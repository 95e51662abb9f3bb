"""Wire bodies of people, merchants, wallets and payouts, with ids and amounts of our own.

`PRIVATE` stands wherever the provider shows something personal: none of it may ever be read.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from tests import bodies
from tests.bodies import APP, Fields

PRIVATE = "私人-PRIVATE-13800138000"
_CREATED = 1780000000


def user(**changed: Any) -> Fields:
    """A user in the shape of L134-161."""
    return {
        "id": "cus_1",
        "object": "user",
        "app": APP,
        "address": PRIVATE,
        "available_balance": 900,
        "available_coupons": 0,
        "avatar": f"https://pic.example/{PRIVATE}",
        "withdrawable_balance": 700,
        "created": _CREATED,
        "disabled": False,
        "email": PRIVATE,
        "gender": "MALE",
        "identified": True,
        "livemode": True,
        "metadata": {},
        "mobile": PRIVATE,
        "name": PRIVATE,
        "type": "customer",
        "related_app": None,
        "settle_accounts": [],
        "identity_info": {"cert_number": PRIVATE},
        "extra": {},
        "parent_user_id": None,
        **changed,
    }


def settle_account(**changed: Any) -> Fields:
    """A settle account in the shape of L662-678."""
    return {
        "id": "320260101000000000000001",
        "object": "settle_account",
        "created": _CREATED,
        "livemode": True,
        "channel": "bank_account",
        "recipient": {
            "account": PRIVATE,
            "name": PRIVATE,
            "type": "b2b",
            "open_bank": "ICBC",
            "extra": {"card_id": PRIVATE, "bank_card_status": "succeeded"},
        },
        **changed,
    }


def sub_app(**changed: Any) -> Fields:
    """A sub app in the shape of L367-404, its user in full."""
    return {
        "id": "app_Sub1Sub1Sub1Sub1",
        "object": "sub_app",
        "created": _CREATED,
        "display_name": PRIVATE,
        "account": "acct_T3stT3stT3stT3st",
        "description": None,
        "metadata": {},
        "available_methods": [],
        "user": user(id="biz_1", type="business", settle_accounts=None),
        "parent_app": APP,
        **changed,
    }


def cus_application(**changed: Any) -> Fields:
    """A person's application in the shape of L240-253."""
    return {
        "id": "1112601010000000001",
        "object": "cus_application",
        "app": APP,
        "user": "cus_1",
        "order_no": "CUS0001",
        "cert_name": PRIVATE,
        "cert_number": PRIVATE,
        "transaction_no": "c0c3b7b0f1a64b20",
        "status": "succeeded",
        "created": _CREATED,
        **changed,
    }


def mch_application(**changed: Any) -> Fields:
    """A merchant's application in the shape of L499-528."""
    return {
        "id": "1212601010000000001",
        "object": "mch_application",
        "app": APP,
        "user": "biz_1",
        "order_no": "MCH0001",
        "extra": {"legal_name": PRIVATE},
        "transaction_no": "TYSHRW0001",
        "mch_id": "10088792350",
        "status": "completed",
        "failure_msg": None,
        "created": _CREATED,
        "time_finished": None,
        "products": ["yepay_wx_pub_qr"],
        **changed,
    }


def deposit(**changed: Any) -> Fields:
    """A deposit in the shape of L733-749."""
    return {
        "id": "6012601010000000001",
        "object": "deposit",
        "app": APP,
        "livemode": True,
        "user": "cus_1",
        "amount": 100,
        "order_no": "CZ0001",
        "status": "created",
        "created": _CREATED,
        "time_succeeded": None,
        "extra": {"return_url": f"https://{PRIVATE}", "credential": f"https://pay/{PRIVATE}"},
        "metadata": {},
        **changed,
    }


def recharge(**changed: Any) -> Fields:
    """A recharge with its charge in full (facts §2)."""
    return {
        "id": "220260101000000000000001",
        "object": "recharge",
        "app": APP,
        "amount": 1200,
        "amount_refunded": 0,
        "created": _CREATED,
        "livemode": True,
        "refunded": False,
        "succeeded": True,
        "time_succeeded": 1780000050,
        "user": "cus_1",
        "user_fee": 0,
        "charge": bodies.charge(),
        "metadata": {},
        **changed,
    }


def payout(kind: str, **changed: Any) -> Fields:
    """A transfer, a red envelope or a batch: their fields that are read, and private ones."""
    return {
        "id": f"{kind}_1",
        "object": kind,
        "app": APP,
        "amount": 500,
        "currency": "cny",
        "order_no": "P0001",
        "channel": "alipay",
        "created": _CREATED,
        "livemode": True,
        "recipient": PRIVATE,
        "recipients": [{"account": PRIVATE, "name": PRIVATE, "amount": 500}],
        "extra": {"user_name": PRIVATE, "card_number": PRIVATE},
        "description": PRIVATE,
        "status": "succeeded",
        "failure_msg": None,
        **changed,
    }


def royalty(**changed: Any) -> Fields:
    """A royalty (facts §6)."""
    return {
        "id": "411260101000001",
        "object": "royalty",
        "payer_app": APP,
        "amount": 40,
        "created": _CREATED,
        "status": "waiting",
        "time_settled": None,
        "user": "cus_1",
        "description": PRIVATE,
        **changed,
    }


def royalty_settlement(**changed: Any) -> Fields:
    """A settlement of royalties, part of which failed (facts §2)."""
    fields = royalty(id="431260101000001", object="royalty_settlement")
    return {**fields, "status": "partially_succeeded", **changed}


def customs(**changed: Any) -> Fields:
    """A customs declaration (facts §2)."""
    return {
        "id": "cu_T3stT3stT3st",
        "object": "customs",
        "app": APP,
        "charge": "ch_101260101000000000000001",
        "channel": "alipay",
        "trade_no": "T0001",
        "pay_amount": 800,
        "created": _CREATED,
        "status": "succeeded",
        "time_succeeded": 1780000050,
        "extra": {"name": PRIVATE},
        **changed,
    }


def agreement(**changed: Any) -> Fields:
    """An agreement (facts §6)."""
    return {
        "id": "agr_T3stT3stT3st",
        "object": "agreement",
        "livemode": False,
        "app": APP,
        "created": _CREATED,
        "channel": "qpay",
        "contract_no": "C0001",
        "contract_id": PRIVATE,
        "credential": {"url": PRIVATE},
        "status": "succeeded",
        "time_succeeded": 1780000050,
        "time_canceled": None,
        "failure_code": None,
        "failure_msg": None,
        "extra": {"display_account": PRIVATE},
        "metadata": {},
        **changed,
    }


def summary(kind: str, **changed: Any) -> Fields:
    """A summary: without an id (facts §2)."""
    owner = "app" if kind.startswith("app") else "acct"
    return {
        f"{owner}_id": APP if owner == "app" else "acct_T3stT3stT3stT3st",
        "object": kind,
        f"{owner}_display_name": PRIVATE,
        "created": _CREATED,
        "summary_from": 1779900000,
        "summary_to": 1779986399,
        "charges_amount": 2000,
        "charges_count": 20,
        **changed,
    }


def micro_application(**changed: Any) -> Fields:
    """A small merchant's application: the same shape (L611)."""
    return mch_application(
        **{"id": "1312601010000000001", "object": "micro_application", **changed}
    )


_PAYOUTS = ("transfer", "batch_transfer", "batch_refund", "batch_withdrawal", "red_envelope")
_SUMMARIES = tuple(
    f"{owner}_{span}_summary"
    for owner in ("app", "account")
    for span in ("daily", "weekly", "monthly")
)

SAMPLES: dict[str, Callable[..., Fields]] = {
    **bodies.SAMPLES,
    "user": user,
    "settle_account": settle_account,
    "sub_app": sub_app,
    "cus_application": cus_application,
    "mch_application": mch_application,
    "micro_application": micro_application,
    "deposit": deposit,
    "recharge": recharge,
    **{kind: partial(payout, kind) for kind in _PAYOUTS},
    "royalty": royalty,
    "royalty_settlement": royalty_settlement,
    "customs": customs,
    "agreement": agreement,
    **{kind: partial(summary, kind) for kind in _SUMMARIES},
}
