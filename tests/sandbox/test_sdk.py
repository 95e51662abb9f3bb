"""Does the public Python SDK, as it is published, work against the sandbox, signing and all?

Its own copy of `six` is too old for Python 3.12; the same library's newer release stands in for it.
"""

import importlib
import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import httpx2
import pytest
import six

from service.sandbox.app import Terms
from service.sandbox.keys import new_key, write_pair
from service.sandbox.server import serving
from service.sandbox.truth import Pace
from tests.sandbox.conftest import API_KEY, APP, KEY

KNOWN = "cus_003"


class Shop:
    """The SDK set up for one sandbox, and the sandbox's own controls."""

    def __init__(self, sdk: Any, base: str) -> None:
        self.sdk = sdk
        self._base = base
        self._numbers = 0

    def number(self) -> str:
        self._numbers += 1
        return f"n{self._numbers:06d}"

    def do(self, verb: str, **fields: Any) -> None:
        answer = httpx2.post(f"{self._base}/sandbox/{verb}", json=fields, trust_env=False)
        assert answer.is_success, answer.text

    def order(self, **more: Any) -> Any:
        asked = {
            "app": APP,
            "merchant_order_no": self.number(),
            "amount": 100,
            "currency": "cny",
            "client_ip": "127.0.0.1",
            "subject": "旺仔牛奶",
            "body": "旺仔商城",
            "uid": KNOWN,
            **more,
        }
        return self.sdk.Order.create(**asked)

    def paid_order(self, channel: str = "balance") -> Any:
        order = self.order()
        extra = {"return_url": "https://www.pingxx.com"}
        self.sdk.Order.pay(order.id, charge_amount=100, channel=channel, extra=extra)
        self.do("pay", id=order.id)
        return self.sdk.Order.retrieve(order.id)


def _load_sdk() -> Any:
    spec = spec_from_file_location("pingpp.six", six.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules["pingpp.six"] = module
    spec.loader.exec_module(module)
    return importlib.import_module("pingpp")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    key, folder = new_key(), tmp_path_factory.mktemp("sdk")
    path: Path = folder / "merchant.pem"
    write_pair(key, path)
    pace = Pace(automatic=False)
    terms = Terms(KEY, API_KEY, merchant_key=key.public_key(), pace=pace, cast=APP)
    sdk = _load_sdk()
    with serving(terms) as base:
        sdk.api_base, sdk.api_key, sdk.app_id = base, API_KEY, APP
        sdk.private_key_path = str(path)
        yield Shop(sdk, base)


def test_orders_are_made_paid_listed_and_canceled(shop: Shop) -> None:
    order = shop.paid_order()
    assert (order.object, order.status, order.paid) == ("order", "paid", True)
    charge = shop.sdk.Order.retrieve_charge(order.id, order.charge)
    assert (charge.paid, charge.order_no) == (True, order.merchant_order_no)
    assert [each.id for each in shop.sdk.Order.list_charges(order.id)] == [charge.id]
    listed = shop.sdk.Order.list(app=APP, paid=True, per_page=5)
    assert order.id in [each.id for each in listed.data]
    assert shop.sdk.Order.cancel(shop.order().id).status == "canceled"


def test_order_refunds_are_made_found_and_listed(shop: Shop) -> None:
    order = shop.paid_order("yeepay_wx_pub_qr")
    refund = shop.sdk.Order.refund(
        order.id, order_no=shop.number(), amount=40, charge=order.charge, description="退款"
    )
    shop.do("finish", id=refund.id)
    found = shop.sdk.Order.retrieve_refund(order.id, refund.id)
    assert (found.object, found.status) == ("order_refund", "success")
    assert [each.id for each in shop.sdk.Order.list_refunds(order.id)] == [refund.id]
    of_charge = shop.sdk.Charge.list_refunds(order.charge)
    assert [each.status for each in of_charge] == ["succeeded"]
    assert shop.sdk.Order.retrieve(order.id).amount_refunded == 40


def charged(shop: Shop) -> Any:
    """A charge without an order, as the SDK makes one."""
    return shop.sdk.Charge.create(
        app={"id": APP},
        order_no=shop.number(),
        channel="yeepay_alipay_qr",
        amount=100,
        currency="cny",
        client_ip="127.0.0.1",
        subject="旺仔牛奶",
        body="旺仔商城",
    )


def test_charges_without_an_order_are_made_refunded_and_listed(shop: Shop) -> None:
    charge, _ = charged(shop), charged(shop)
    shop.do("finish", id=charge.id)
    refund = shop.sdk.Charge.refund(charge.id, amount=30, description="退款")
    assert (refund.status, refund.succeed) == ("pending", False)
    shop.do("finish", id=refund.id)
    assert shop.sdk.Charge.retrieve_refund(charge.id, refund.id).succeed is True
    again = shop.sdk.Charge.retrieve(charge.id)
    assert (again.paid, again.refunded, again.amount_refunded) == (True, True, 30)
    assert again.refunds.retrieve(refund.id).id == refund.id
    listed = shop.sdk.Charge.list(app={"id": APP}, limit=1)
    assert (len(listed), listed.has_more) == (1, True)


def test_users_are_made_changed_and_listed(shop: Shop) -> None:
    user = shop.sdk.User.create(id="sdk_1", name="张三")
    assert (user.object, user.available_balance) == ("user", 0)
    assert shop.sdk.User.update("sdk_1", name="李四", disabled=True).disabled is True
    assert shop.sdk.User.retrieve("sdk_1").name == "李四"
    assert "sdk_1" in [each.id for each in shop.sdk.User.list(per_page=20)]


def test_withdrawals_are_made_confirmed_and_canceled(shop: Shop) -> None:
    asked = {"user": KNOWN, "channel": "yeepay", "extra": {"return_url": "https://a"}}
    first = shop.sdk.Withdrawal.create(amount=10, order_no=shop.number(), **asked)
    assert shop.sdk.Withdrawal.confirm(first.id).status == "processing"
    shop.do("finish", id=first.id)
    assert shop.sdk.Withdrawal.retrieve(first.id).status == "succeeded"
    second = shop.sdk.Withdrawal.create(amount=10, order_no=shop.number(), **asked)
    assert shop.sdk.Withdrawal.cancel(second.id).status == "canceled"
    listed = shop.sdk.Withdrawal.list(page=1, per_page=10)
    assert {first.id, second.id} <= {each.id for each in listed}


def test_sub_apps_are_made_changed_and_listed(shop: Shop) -> None:
    sub_app = shop.sdk.SubApp.create(display_name="简米旗舰店", user="sdk_biz")
    assert sub_app.user.related_app == sub_app.id
    assert shop.sdk.SubApp.update(sub_app.id, description="附加说明").description == "附加说明"
    assert shop.sdk.SubApp.retrieve(sub_app.id).display_name == "简米旗舰店"
    assert sub_app.id in [each.id for each in shop.sdk.SubApp.list()]


def test_settle_accounts_of_a_user_are_made_listed_and_deleted(shop: Shop) -> None:
    recipient = {"account": "6214850213609784", "type": "b2c", "open_bank": "招商银行"}
    account = shop.sdk.SettleAccount.create("WHDR", channel="bank_account", recipient=recipient)
    assert account.recipient.account == "621485**9784"
    assert shop.sdk.SettleAccount.retrieve("WHDR", account.id).id == account.id
    assert account.id in [each.id for each in shop.sdk.SettleAccount.list("WHDR")]
    assert shop.sdk.SettleAccount.delete("WHDR", account.id).deleted is True
    with pytest.raises(shop.sdk.error.InvalidRequestError):
        shop.sdk.SettleAccount.retrieve("WHDR", account.id)


def test_events_are_looked_up(shop: Shop) -> None:
    order = shop.paid_order()
    headers = {"Authorization": f"Bearer {API_KEY}"}
    assert httpx2.get(f"{shop.sdk.api_base}/v1/events", headers=headers).status_code == 401
    events = shop.sdk.ListObject.construct_from({"url": "/v1/events"}, API_KEY).list(limit=5)
    found = next(each for each in events if each.data.object.id == order.id)
    event = shop.sdk.Event.retrieve(found.id)
    assert (event.type, event.data.object.amount_paid) == ("order.succeeded", 100)


def test_errors_are_the_sdks_own(shop: Shop) -> None:
    error = shop.sdk.error
    with pytest.raises(error.InvalidRequestError) as missing:
        shop.sdk.Order.retrieve("2010000000000000000")
    assert missing.value.param == "id"
    order = shop.order(amount=10**9)
    asked = {"charge_amount": 10**9, "channel": "balance", "extra": {"return_url": "https://a"}}
    with pytest.raises(error.ChannelError, match="余额不足"):
        shop.sdk.Order.pay(order.id, **asked)
    with pytest.raises(error.AuthenticationError):
        shop.sdk.Order.retrieve("2010000000000000000", api_key="sk_live_other")
