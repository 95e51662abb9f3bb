"""Do the balances add up, whatever happens to the money, and is what is not there refused?"""

from datetime import datetime
from random import Random
from typing import Any

import pytest

from service.sandbox.cast import WALLET_FEN
from service.sandbox.records import Completion, Deposit, Order, User, Withdrawal
from service.sandbox.sharing import left
from service.sandbox.truth import Pace
from tests.sandbox.conftest import APP, Merchant, make_merchant

DEPOSITS = f"/v1/apps/{APP}/deposits"


def deposit(merchant: Merchant, amount: int = 500) -> dict[str, Any]:
    body = {
        "user": "cus_003",
        "order_no": merchant.number(),
        "amount": amount,
        "extra": {"return_url": "https://a"},
    }
    return merchant.call("POST", DEPOSITS, body)


def test_a_deposit_brings_money_once_its_page_is_used(merchant: Merchant) -> None:
    made = deposit(merchant)
    assert list(made) == [
        "id",
        "object",
        "app",
        "livemode",
        "user",
        "amount",
        "order_no",
        "status",
        "created",
        "time_succeeded",
        "extra",
        "metadata",
    ]
    assert made["status"] == "created"
    assert "amount=5.00" in made["extra"]["credential"]
    assert merchant.balance("cus_003") == WALLET_FEN
    merchant.finish(made["id"])
    assert merchant.call("GET", f"{DEPOSITS}/{made['id']}")["status"] == "succeeded"
    assert merchant.balance("cus_003") == WALLET_FEN + 500


def test_a_deposits_page_is_over_after_fifteen_minutes_and_it_stays_created(
    merchant: Merchant,
) -> None:
    made = deposit(merchant)
    merchant.step(900)
    assert merchant.refused("POST", "/sandbox/finish", {"id": made["id"]}) == (400, "id")
    assert merchant.call("GET", f"{DEPOSITS}/{made['id']}")["status"] == "created"
    assert merchant.balance("cus_003") == WALLET_FEN
    merchant.call("POST", "/sandbox/manners", {"shows_deposits": False})
    assert merchant.refused("GET", f"{DEPOSITS}/{made['id']}")[0] == 404


def test_a_payment_by_wallet_takes_its_money_and_a_refund_brings_it_back(
    merchant: Merchant,
) -> None:
    order = merchant.paid_order(300)
    assert merchant.balance("cus_003") == WALLET_FEN - 300
    merchant.finish(merchant.refund(order, 100)["id"])
    assert merchant.balance("cus_003") == WALLET_FEN - 200


def test_a_wallet_that_holds_less_is_refused_at_payment(merchant: Merchant) -> None:
    order = merchant.order(WALLET_FEN + 1)
    body = {"charge_amount": WALLET_FEN + 1, "channel": "balance", "extra": {"return_url": "a"}}
    answer = merchant.client.post(f"/v1/orders/{order['id']}/pay", json=body)
    assert answer.status_code == 402
    assert answer.json()["error"]["code"] == "insufficient_balance"


def test_a_wallet_that_was_emptied_before_the_page_was_used_leaves_the_charge_unpaid(
    merchant: Merchant,
) -> None:
    orders = [merchant.order(WALLET_FEN) for _ in range(2)]
    for order in orders:
        merchant.pay(order["id"], WALLET_FEN)
    for order in orders:
        merchant.call("POST", "/sandbox/pay", {"id": order["id"]})
    shown = merchant.call("GET", f"/v1/orders/{orders[1]['id']}")
    assert (shown["status"], shown["amount_paid"]) == ("created", 0)
    assert shown["charges"]["data"][0]["failure_code"] == "insufficient_balance"
    assert merchant.balance("cus_003") == 0


def test_a_withdrawal_sets_its_money_and_the_users_fee_aside_until_it_ends(now: datetime) -> None:
    merchant = make_merchant(now, pace=Pace(automatic=False, fee=200, user_fee=50))
    made = merchant.withdraw(1000)
    assert (made["fee"], made["user_fee"]) == (200, 50)
    assert merchant.balance("cus_003") == WALLET_FEN - 1050
    merchant.decide(made["id"], "canceled")
    assert merchant.balance("cus_003") == WALLET_FEN
    for succeeded, left_over in ((False, WALLET_FEN), (True, WALLET_FEN - 1050)):
        made = merchant.withdraw(1000)
        merchant.decide(made["id"], "pending")
        merchant.finish(made["id"], succeeded=succeeded)
        assert merchant.balance("cus_003") == left_over


def test_a_withdrawal_of_more_than_there_is_or_to_a_strange_account_is_refused(
    merchant: Merchant,
) -> None:
    path = f"/v1/apps/{APP}/withdrawals"
    asked = {
        "user": "cus_003",
        "channel": "yeepay",
        "amount": WALLET_FEN + 1,
        "order_no": "T1",
        "extra": {"return_url": "https://a"},
    }
    assert merchant.refused("POST", path, asked) == (402, "amount")
    enterprise = {"user": "WHDR", "amount": 1, "order_no": "T2", "settle_account": "320"}
    assert merchant.refused("POST", path, enterprise) == (404, "settle_account")
    assert merchant.balance("cus_003") == WALLET_FEN


def test_a_persons_page_of_a_withdrawal_is_over_after_fifteen_minutes(merchant: Merchant) -> None:
    made = merchant.withdraw(1000)
    merchant.decide(made["id"], "pending")
    merchant.step(900)
    shown = merchant.call("GET", f"/v1/apps/{APP}/withdrawals/{made['id']}")
    assert shown["status"] == "failed"
    assert merchant.balance("cus_003") == WALLET_FEN


def test_a_returned_withdrawal_can_be_confirmed_again(merchant: Merchant) -> None:
    made = merchant.withdraw(1000)
    merchant.decide(made["id"], "pending")
    assert merchant.call("POST", "/sandbox/return", {"id": made["id"]}) == {"status": "created"}
    assert merchant.refused("POST", "/sandbox/return", {"id": made["id"]})[0] == 400
    assert merchant.decide(made["id"], "pending")["status"] == "processing"


def test_shares_arrive_go_back_and_what_is_left_is_settled(merchant: Merchant) -> None:
    order = merchant.paid_order(100, allocation=True)
    made = merchant.share(order["id"], 60)
    assert merchant.balance("WHDR") == 60
    back = {
        "app": APP,
        "order": order["id"],
        "order_no": merchant.number(),
        "senders": [{"user": "WHDR", "amount": 61}],
        "extra": {"allocation": made["id"]},
    }
    assert merchant.refused("POST", "/v1/allocation_refunds", back)[0] == 400
    back["senders"] = [{"user": "WHDR", "amount": 20}]
    merchant.finish(merchant.call("POST", "/v1/allocation_refunds", back)["id"])
    assert merchant.balance("WHDR") == 40
    body = {"app": APP, "order": order["id"], "order_no": merchant.number()}
    first = merchant.call("POST", "/v1/allocation_completes", body)
    merchant.finish(first["id"])
    shown = merchant.call("GET", f"/v1/allocation_completes/{first['id']}")
    assert shown["status"] == "succeed"
    again = {**body, "order_no": merchant.number()}
    second = merchant.call("POST", "/v1/allocation_completes", again)
    assert (second["status"], second["failure_msg"] is None) == ("pending", False)


def test_a_share_that_was_spent_cannot_be_taken_back(merchant: Merchant) -> None:
    order = merchant.paid_order(100, allocation=True)
    made = merchant.share(order["id"], 60)
    account = merchant.bank_account()
    merchant.withdraw(50, user="WHDR", settle_account=account, extra=None)
    back = {
        "app": APP,
        "order": order["id"],
        "order_no": merchant.number(),
        "senders": [{"user": "WHDR", "amount": 20}],
        "extra": {"allocation": made["id"]},
    }
    assert merchant.refused("POST", "/v1/allocation_refunds", back) == (402, "senders")


def test_a_refund_must_leave_what_was_shared(merchant: Merchant) -> None:
    order = merchant.paid_order(100, allocation=True)
    merchant.share(order["id"], 60)
    body = {
        "order_no": merchant.number(),
        "amount": 41,
        "charge": order["charge"],
        "description": "退款",
    }
    path = f"/v1/orders/{order['id']}/refunds"
    assert merchant.refused("POST", path, body) == (400, "amount")


def test_an_order_of_a_sub_merchants_goes_to_its_user(merchant: Merchant) -> None:
    sub_app = merchant.user("WHDR")["related_app"]
    order = merchant.paid_order(300, receipt_app=sub_app)
    assert merchant.balance("WHDR") == 300
    merchant.finish(merchant.refund(order, 300)["id"])
    assert (merchant.balance("WHDR"), merchant.balance("cus_003")) == (0, WALLET_FEN)
    assert merchant.call("GET", f"/v1/orders/{order['id']}")["paid"] is False
    body = {"app": APP, "receipt_app": "app_nowhere"}
    fields = {**order, **body, "merchant_order_no": merchant.number()}
    keys = ("app", "merchant_order_no", "amount", "currency", "client_ip", "subject", "body")
    asked = {name: fields[name] for name in (*keys, "receipt_app")}
    assert merchant.refused("POST", "/v1/orders", asked) == (404, "receipt_app")


@pytest.mark.parametrize("seed", range(5))
def test_no_fen_is_lost_or_made_in_a_day_of_trade(now: datetime, seed: int) -> None:
    merchant = make_merchant(now, pace=Pace(automatic=False, user_fee=3), seed=seed)
    chance = Random(seed)
    for _ in range(40):
        chance.choice((_buy, _buy_shared, _withdraw, _put_in))(merchant, chance)
        merchant.step(chance.randrange(600))
    merchant.call("POST", "/sandbox/settle")
    assert _kept(merchant) == _came_in(merchant)


def _buy(merchant: Merchant, chance: Random) -> None:
    channel = chance.choice(("balance", "yeepay_wx_pub_qr"))
    sub_app = merchant.user("WHDR")["related_app"]
    order = merchant.paid_order(chance.randrange(1, 900), channel, receipt_app=sub_app)
    if chance.random() < 0.5:
        refund = merchant.refund(order, order["amount_paid"])
        merchant.finish(refund["id"], succeeded=chance.random() < 0.8)


def _buy_shared(merchant: Merchant, chance: Random) -> None:
    order = merchant.paid_order(chance.randrange(10, 900), "yeepay_wx_pub", allocation=True)
    merchant.share(order["id"], order["amount"] // 3, chance.choice(("WHDR", "cus_003")))
    body = {"app": APP, "order": order["id"], "order_no": merchant.number()}
    made = merchant.call("POST", "/v1/allocation_completes", body)
    merchant.finish(made["id"])


def _withdraw(merchant: Merchant, chance: Random) -> None:
    made = merchant.withdraw(chance.randrange(1, 900))
    if chance.random() < 0.8:
        merchant.decide(made["id"], chance.choice(("pending", "canceled")))


def _put_in(merchant: Merchant, chance: Random) -> None:
    made = deposit(merchant, chance.randrange(1, 900))
    if chance.random() < 0.5:
        merchant.finish(made["id"])


def _came_in(merchant: Merchant) -> int:
    """What persons and channels brought, less what channels gave back."""
    truth = merchant.box.truth
    brought = sum(d.amount for d in truth.all(Deposit) if d.status == "succeeded")
    by_channel = [o for o in truth.all(Order) if o.charges and o.charges[0].channel != "balance"]
    return brought + sum(o.amount_paid - o.amount_refunded for o in by_channel)


def _kept(merchant: Merchant) -> int:
    """What users have, what banks were sent, what orders hold, and what the merchant got."""
    truth = merchant.box.truth
    balances = sum(user.available_balance for user in truth.all(User))
    gone = sum(w.amount + w.user_fee for w in truth.all(Withdrawal) if w.status == "succeeded")
    held = sum(left(truth, order) for order in truth.all(Order) if order.allocation)
    return balances + gone + held + sum(c.settled for c in truth.all(Completion))
