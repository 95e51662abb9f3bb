"""What the provider's API document says, as facts: its request and response examples.

The responses are in answers.json. Three do not parse as they stand in the document and are
repaired: a string cut off at L747, braces out of order at L1333, quotes within quotes at L1452.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

ANSWERS: dict[str, dict[str, Any]] = json.loads(
    Path(__file__).with_name("answers.json").read_text(encoding="utf-8")
)

APP = "app_aTyD009mv5mTj1yD"


class Example(NamedTuple):
    """A request example: the operation that it is of, its line, and its values by name."""

    operation: str
    line: int
    values: dict[str, Any]


REQUESTS = (
    Example("upload_pic", 25, {"app_id": APP, "pic": "/9j/4AAQSkZJRgABAgEAA"}),
    Example("card_bin", 60, {"app_id": APP, "account": "6214850213609784"}),
    Example("user.create", 106, {"app_id": APP, "id": "test_001"}),
    Example("user.retrieve", 181, {"app_id": APP, "user_id": "test_001"}),
    Example(
        "cus_application.create",
        214,
        {
            "app_id": APP,
            "user": "cus_003",
            "order_no": "CUS202208250000003",
            "cert_type": "1",
            "cert_name": "张三",
            "cert_number": "420381199206062220",
            "mobile": "13000000000",
        },
    ),
    Example("cus_application.retrieve", 269, {"app_id": APP, "cus_id": "1112209026603366403"}),
    Example(
        "user.settle_accounts",
        297,
        {"app_id": APP, "user_id": "cus_003", "return_url": "https://www.pingxx.com"},
    ),
    Example(
        "sub_app.create",
        340,
        {"app_id": APP, "display_name": "简米旗舰店", "user": {"id": "biz_003"}},
    ),
    Example("sub_app.retrieve", 419, {"app_id": APP, "sub_app_id": "app_fDizzTlSabD05K4a"}),
    Example("mch_application.retrieve", 548, {"app_id": APP, "mch_id": "1212209145401600003"}),
    Example("micro_application.retrieve", 609, {"app_id": APP, "mch_id": "1212209145401600003"}),
    Example(
        "settle_account.create",
        640,
        {
            "app_id": APP,
            "channel": "bank_account",
            "recipient": {"account": "112233445566", "type": "b2b", "open_bank": "ICBC"},
        },
    ),
    Example(
        "deposit.create",
        703,
        {
            "app_id": APP,
            "user": "cus_003",
            "order_no": "CZ1663573797",
            "amount": 1,
            "extra": {"return_url": "https://www.baidu.com"},
        },
    ),
    Example(
        "withdrawal.create_personal",
        772,
        {
            "app_id": APP,
            "user": "cus_003",
            "channel": "yeepay",
            "amount": 1,
            "order_no": "TX1663574434",
            "extra": {"return_url": "https://www.pingxx.com"},
        },
    ),
    Example(
        "withdrawal.confirm",
        857,
        {"app_id": APP, "withdrawal_id": "1712209195901619203", "status": "pending"},
    ),
    Example(
        "withdrawal.create_enterprise",
        916,
        {
            "app_id": APP,
            "user": "WHDR",
            "channel": "yepay",
            "amount": 1,
            "order_no": "TX1663577593",
            "settle_account": "320220919582071500800001",
        },
    ),
    Example(
        "withdrawal.retrieve",
        1019,
        {"app_id": "app_1Gqj58ynP0mHeX1q", "withdrawal_id": "1701611150302360654"},
    ),
    Example("withdrawal.list", 1042, {"app_id": "app_1Gqj58ynP0mHeX1q"}),
    Example(
        "order.create",
        1122,
        {
            "app": APP,
            "merchant_order_no": "912111663674639",
            "amount": 1,
            "currency": "cny",
            "client_ip": "24.168.179.226",
            "subject": "旺仔牛奶",
            "body": "旺仔商城",
            "uid": "cus_003",
            "allocation": True,
        },
    ),
    Example("order.retrieve", 1249, {"order_id": "2001608270000004428"}),
    Example(
        "order.pay",
        1280,
        {
            "order_id": "2012209207919411203",
            "charge_amount": 1,
            "channel": "balance",
            "extra": {"return_url": "https://www.pingxx.com"},
        },
    ),
    Example(
        "order_refund.create",
        1404,
        {
            "order_id": "2012209207919411203",
            "order_no": "TK1663681066",
            "amount": 1,
            "charge": "ch_101220920792043878400003",
            "description": "测试退款",
        },
    ),
    Example("order_refund.list", 1494, {"order_id": "2012209207919411203"}),
    Example(
        "allocation.create",
        1548,
        {
            "app": APP,
            "order": "2012209203889561603",
            "order_no": "912111663682407",
            "recipients": [{"user": "WHDR", "amount": 1}],
        },
    ),
    Example("allocation.retrieve", 1635, {"id": "371220920811101255680003"}),
    Example(
        "allocation_refund.create",
        1665,
        {
            "app": APP,
            "order": "2012209203889561603",
            "order_no": "912111663683020",
            "senders": [{"user": "WHDR", "amount": 1}],
            "extra": {"allocation": "371220920423436564480003"},
        },
    ),
    Example(
        "allocation_complete.create",
        1758,
        {
            "app": APP,
            "order_no": "FI1663683333",
            "order": "2012209203889561603",
            "description": "完结分账",
        },
    ),
    Example("allocation_complete.retrieve", 1813, {"id": "6812209208205824003"}),
)
