"""Does the fake provider do and answer what the API document says?"""

import base64
from datetime import datetime

from service.sandbox.keys import new_key, sign
from tests.sandbox.conftest import API_KEY, APP, KEY, Merchant, make_merchant, verify

ORDER_KEYS = [
    "id",
    "object",
    "created",
    "livemode",
    "paid",
    "refunded",
    "status",
    "app",
    "uid",
    "merchant_order_no",
    "amount",
    "amount_refunded",
    "amount_paid",
    "currency",
    "subject",
    "body",
    "client_ip",
    "time_paid",
    "time_expire",
    "charge",
    "description",
    "metadata",
    "charge_essentials",
    "receipt_app",
    "available_methods",
    "charges",
]
CHARGE_KEYS = [
    "id",
    "object",
    "created",
    "livemode",
    "paid",
    "refunded",
    "reversed",
    "app",
    "channel",
    "order_no",
    "client_ip",
    "amount",
    "amount_settle",
    "currency",
    "subject",
    "body",
    "extra",
    "time_paid",
    "time_expire",
    "time_settle",
    "transaction_no",
    "refunds",
    "amount_refunded",
    "failure_code",
    "failure_msg",
    "metadata",
    "credential",
    "description",
]
REFUND_KEYS = [
    "id",
    "object",
    "app",
    "created",
    "livemode",
    "order_no",
    "amount",
    "channel",
    "order",
    "charge",
    "refund",
    "transaction_no",
    "status",
    "description",
    "extra",
    "metadata",
    "failure_msg",
]
WITHDRAWAL_KEYS = [
    "id",
    "object",
    "app",
    "amount",
    "channel",
    "created",
    "description",
    "extra",
    "failure_msg",
    "fee",
    "livemode",
    "metadata",
    "operation_url",
    "order_no",
    "source",
    "status",
    "time_canceled",
    "time_succeeded",
    "user",
    "user_fee",
    "settle_account",
]
ALLOCATION_KEYS = [
    "id",
    "object",
    "livemode",
    "app",
    "order_no",
    "recipients",
    "senders",
    "order",
    "status",
    "created",
    "time_succeeded",
    "metadata",
    "type",
    "amount",
    "extra",
]
COMPLETION_KEYS = [
    "id",
    "object",
    "livemode",
    "app",
    "order_no",
    "order",
    "status",
    "created",
    "time_succeeded",
    "extra",
    "failure_msg",
    "metadata",
]


def test_a_new_order_is_shown_as_in_the_document(merchant: Merchant) -> None:
    order = merchant.order(allocation=True)
    assert list(order) == ORDER_KEYS
    assert len(order["id"]) == 19
    assert order["time_expire"] == order["created"] + 86400
    assert order["charges"] == {
        "object": "list",
        "url": "/v1/charges",
        "has_more": False,
        "data": [],
    }
    assert merchant.call("GET", f"/v1/orders/{order['id']}") == order


def test_a_payment_brings_a_charge_that_lives_as_long_as_its_order_from_its_own_birth(
    merchant: Merchant,
) -> None:
    order = merchant.order()
    merchant.clock.pass_seconds(10)
    tried = merchant.pay(order["id"])
    charge = tried["charges"]["data"][0]
    assert list(tried) == [*ORDER_KEYS[:24], "service_app", *ORDER_KEYS[24:]]
    assert list(charge) == CHARGE_KEYS
    assert charge["refunds"] is None
    assert charge["id"].startswith("ch_")
    assert charge["id"][3:].isdigit()
    assert len(charge["id"]) == 27
    assert tried["charge"] == charge["id"]
    assert charge["time_expire"] == order["time_expire"] + 10
    assert tried["charge_essentials"]["credential"] != charge["credential"]


def test_paid_turns_false_again_after_a_refund_while_the_amounts_only_grow(
    merchant: Merchant,
) -> None:
    order = merchant.paid_order()
    assert (order["status"], order["paid"], order["amount_paid"]) == ("paid", True, 100)
    refund = merchant.refund(order, 40)
    asked = merchant.call("GET", f"/v1/orders/{order['id']}")
    assert (asked["refunded"], asked["amount_refunded"], asked["status"]) == (True, 0, "paid")
    merchant.advance(refund["id"])
    merchant.advance(refund["id"], succeeded=True)
    after = merchant.call("GET", f"/v1/orders/{order['id']}")
    assert (after["status"], after["paid"], after["amount_refunded"]) == ("refunded", False, 40)


def test_a_refund_explains_itself_alone_but_not_in_the_list(merchant: Merchant) -> None:
    order = merchant.paid_order()
    refund = merchant.refund(order, 100)
    assert list(refund) == REFUND_KEYS
    assert refund["transaction_no"] == refund["id"]
    assert len(refund["id"]) == 24
    listed = merchant.call("GET", f"/v1/orders/{order['id']}/refunds/")["data"][0]
    assert listed["transaction_no"] is None
    assert listed["extra"] == {}
    assert listed["status"] == "created"


def test_a_refund_of_a_channel_charge_shows_the_channels_refund_in_the_charge(
    merchant: Merchant,
) -> None:
    order = merchant.paid_order(channel="yeepay_wx_pub_qr")
    asked = merchant.refund(order, 100)
    merchant.advance(asked["id"])
    merchant.advance(asked["id"], succeeded=False)
    charge = merchant.call("GET", f"/v1/charges/{order['charge']}")
    refund = charge["refunds"]["data"][0]
    assert refund["id"].startswith("re_")
    assert (refund["status"], refund["succeed"]) == ("failed", False)
    path = f"/v1/charges/{order['charge']}/refunds/{refund['id']}"
    assert merchant.call("GET", path) == refund
    assert merchant.truth()[asked["id"]]["status"] == "failed"


def test_a_confirmed_withdrawal_is_processing_and_has_a_page_only_for_a_person(
    merchant: Merchant,
) -> None:
    person = merchant.withdraw()
    assert list(person) == WITHDRAWAL_KEYS
    assert (person["channel"], person["status"]) == ("yepay", "created")
    confirmed = merchant.decide(person["id"], "pending")
    assert confirmed["status"] == "processing"
    assert confirmed["operation_url"].startswith("https://member.yepay.com/")
    merchant.share(merchant.paid_order(allocation=True)["id"], 1)
    account = merchant.bank_account()
    enterprise = merchant.withdraw(user="WHDR", settle_account=account, extra=None)
    assert merchant.decide(enterprise["id"], "canceled")["operation_url"] is None
    path = f"/v1/apps/{APP}/withdrawals"
    canceled = merchant.call("GET", f"{path}/{enterprise['id']}")
    assert canceled["status"] == "canceled"
    assert canceled["time_canceled"] is not None
    assert merchant.call("GET", path)["total_withdrawals_amount"] == 2


def test_sharing_answers_in_its_own_spellings_and_sends_no_event(merchant: Merchant) -> None:
    order = merchant.paid_order(allocation=True)
    events = len(merchant.box.press.events)
    share = {"app": APP, "order": order["id"], "order_no": "A1"}
    recipients = [{"user": "WHDR", "amount": 60}]
    made = merchant.call("POST", "/v1/allocations", {**share, "recipients": recipients})
    assert list(made) == ALLOCATION_KEYS
    for _ in range(2):
        merchant.advance(made["id"], succeeded=True)
    assert merchant.call("GET", f"/v1/allocations/{made['id']}")["status"] == "succeed"
    back = merchant.call(
        "POST",
        "/v1/allocation_refunds",
        {
            **share,
            "order_no": "A2",
            "senders": {"user": "WHDR", "amount": 10},
            "extra": {"allocation": made["id"]},
        },
    )
    assert (back["object"], back["type"]) == ("allocation", "allocation_refund")
    assert back["recipients"] == []
    complete = merchant.call("POST", "/v1/allocation_completes", {**share, "order_no": "F1"})
    assert list(complete) == COMPLETION_KEYS
    assert len(merchant.box.press.events) == events


def test_a_completion_with_nothing_left_hangs_with_its_reason(merchant: Merchant) -> None:
    order = merchant.paid_order(allocation=True)
    share = {"app": APP, "order": order["id"], "order_no": "A1"}
    recipients = [{"user": "WHDR", "amount": 100}]
    merchant.call("POST", "/v1/allocations", {**share, "recipients": recipients})
    complete = merchant.call("POST", "/v1/allocation_completes", {**share, "order_no": "F1"})
    assert complete["status"] == "pending"
    assert "OPR21040" in complete["failure_msg"]


def test_nobody_paying_in_time_cancels_the_order_and_a_late_charge_is_still_paid(
    merchant: Merchant,
) -> None:
    now = merchant.clock.now
    order = merchant.order(time_expire=int(now.timestamp()) + 60)
    merchant.clock.pass_seconds(10)
    merchant.pay(order["id"])
    merchant.clock.pass_seconds(55)
    merchant.box.tick(merchant.clock.now)
    assert merchant.truth()[order["id"]]["status"] == "canceled"
    merchant.call("POST", "/sandbox/pay", {"id": order["id"]})
    late = merchant.truth()[order["id"]]
    assert (late["status"], late["amount_paid"]) == ("canceled", 100)


def test_both_ways_to_say_the_key_are_understood_and_no_other(merchant: Merchant) -> None:
    basic = base64.b64encode(f"{API_KEY}:".encode()).decode()
    order = merchant.order()
    path = f"/v1/orders/{order['id']}"
    for header, status in (
        (f"Basic {basic}", 200),
        (f"Bearer {API_KEY}", 200),
        ("Bearer sk_live_other", 401),
        ("Basic ???", 401),
        ("", 401),
    ):
        answer = merchant.client.get(path, headers={"Authorization": header})
        assert answer.status_code == status
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_requests_must_be_signed_once_the_merchants_key_is_known(now: datetime) -> None:
    key = new_key()
    merchant = make_merchant(now, merchant_key=key.public_key())
    target = f"/v1/orders?app={APP}&created%5Bgte%5D=1"
    stamp = str(int(now.timestamp()))
    unsigned = merchant.client.get(target)
    assert unsigned.status_code == 401
    assert unsigned.json()["error"]["message"] == "没有提供签名串"
    for said, status in ((target + stamp, 200), (target + "1" + stamp, 401)):
        headers = {
            "Pingplusplus-Signature": sign(key, said.encode()),
            "Pingplusplus-Request-Timestamp": stamp,
        }
        assert merchant.client.get(target, headers=headers).status_code == status


def test_answers_are_signed_and_dated_errors_too(merchant: Merchant) -> None:
    for path in ("/v1/orders/2010000000000000000", "/v1/nothing", f"/v1/orders?app={APP}"):
        answer = merchant.client.get(path)
        verify(KEY.public_key(), answer.headers["X-Pingplusplus-Signature"], answer.content)
        assert answer.headers["Date"] == "Mon, 23 Nov 2026 12:00:00 GMT"


def test_refunds_answer_on_either_path_as_it_is_switched(merchant: Merchant) -> None:
    order = merchant.paid_order()
    refund = merchant.refund(order, 1)
    merchant.call("POST", "/sandbox/manners", {"refund_paths": ["order_refunds"]})
    base = f"/v1/orders/{order['id']}"
    assert merchant.client.get(f"{base}/refunds/{refund['id']}").status_code == 404
    assert merchant.call("GET", f"{base}/order_refunds/{refund['id']}") == refund


def test_lists_come_in_pages_newest_first_and_within_bounds(merchant: Merchant) -> None:
    ids = [merchant.order()["id"] for _ in range(5)]
    first = merchant.call("GET", f"/v1/orders?app={APP}&per_page=2")
    last = merchant.call("GET", f"/v1/orders?app={APP}&per_page=2&page=3")
    assert [o["id"] for o in first["data"]] == [ids[4], ids[3]]
    assert first["has_more"] is True
    assert ([o["id"] for o in last["data"]], last["has_more"]) == ([ids[0]], False)
    for order in ids:
        merchant.pay(order)
    charges = merchant.call("GET", f"/v1/charges?app[id]={APP}&limit=3")
    cursor = charges["data"][-1]["id"]
    rest = merchant.call("GET", f"/v1/charges?app[id]={APP}&limit=3&starting_after={cursor}")
    assert (len(rest["data"]), rest["has_more"]) == (2, False)
    none = merchant.call("GET", f"/v1/orders?app={APP}&created[gt]={int(4e9)}")
    assert none["data"] == []
    for query in ("per_page=0", "per_page=101", "page=x"):
        assert merchant.client.get(f"/v1/orders?app={APP}&{query}").status_code == 400
    assert merchant.client.get("/v1/charges").status_code == 400


def test_a_number_that_was_used_is_refused(merchant: Merchant) -> None:
    merchant.order(merchant_order_no="D1")
    again = merchant.client.post(
        "/v1/orders",
        json={
            "app": APP,
            "merchant_order_no": "D1",
            "amount": 1,
            "currency": "cny",
            "client_ip": "127.0.0.1",
            "subject": "旺仔牛奶",
            "body": "旺仔商城",
        },
    )
    assert again.status_code == 400
    assert again.json()["error"]["code"] == "charge_order_no_used"


def test_everything_can_be_brought_to_its_end(merchant: Merchant) -> None:
    paid, open_order = merchant.paid_order(), merchant.order()
    unpaid = merchant.order()
    merchant.pay(unpaid["id"])
    refund = merchant.refund(paid, 5)
    merchant.call("POST", "/sandbox/settle")
    truth = merchant.truth()
    assert truth[open_order["id"]]["status"] == "canceled"
    assert truth[unpaid["id"]]["status"] == "paid"
    assert truth[refund["id"]]["status"] == "succeeded"
    assert truth[paid["id"]]["amount_refunded"] == 5
