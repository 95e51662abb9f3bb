"""Every operation is called from the shell against the sandbox, and tried without sending."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest

from service.pingpp.access import Access
from service.pingpp.caller import Caller, open_caller
from service.pingpp.endpoints import OPERATIONS
from service.pingpp.endpoints.request import sort_out
from service.pingpp.signature import RequestSigner
from service.sandbox.app import Terms
from service.sandbox.cast import papers
from service.sandbox.keys import new_key
from service.sandbox.server import serving
from tests.cli.conftest import Call
from tests.conftest import KeyPair
from tests.document import APP
from tests.sandbox.test_members import small_papers
from tests.shapes import SAMPLES

API_KEY = "sk_live_every"
PAGE = {"return_url": "https://www.pingxx.com"}
Values = dict[str, Any]


@dataclass
class Shop:
    """A merchant at a running sandbox: makes what an operation needs before it is called."""

    base: str
    caller: Caller
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def number(self) -> str:
        return f"N{next(self.numbers):04d}"

    def ask(self, name: str, **values: Any) -> Values:
        row = OPERATIONS[name]
        return self.caller.call(row, sort_out(row, values)).fields

    def control(self, verb: str, **body: Any) -> Any:
        answer = httpx2.post(f"{self.base}/sandbox/{verb}", json=body, trust_env=False)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def made(self, name: str) -> Values:
        """An object that the operation has made."""
        return self.ask(name, **CALLS[name](self))

    def paid(self) -> Values:
        order = self.made("order.create")
        self.ask("order.pay", order_id=order["id"], **pay("yeepay_wx_pub_qr"))
        self.control("pay", id=order["id"])
        return self.ask("order.retrieve", order_id=order["id"])

    def shared(self) -> Values:
        allocation = self.made("allocation.create")
        self.control("finish", id=allocation["id"], succeeded=True)
        return allocation

    def kept(self, kind: str) -> Values:
        """An object of another product, put on the sandbox's shelf."""
        shown = SAMPLES[kind](app=APP)
        self.control("put", object=shown)
        return shown


def pay(channel: str) -> Values:
    return {"charge_amount": 100, "channel": channel, "extra": PAGE}


def person(shop: Shop, user: str = "") -> Values:
    user = user or shop.made("user.create")["id"]
    return {
        "app_id": APP,
        "user": user,
        "order_no": shop.number(),
        "cert_type": "1",
        "cert_name": "张三",
        "cert_number": "110101190001010000",
        "mobile": "13000000000",
    }


def order(shop: Shop) -> Values:
    return {
        "app": APP,
        "merchant_order_no": shop.number(),
        "amount": 100,
        "currency": "cny",
        "client_ip": "24.168.179.226",
        "subject": "旺仔牛奶",
        "body": "旺仔商城",
        "uid": "cus_003",
        "allocation": True,
    }


def sub_merchant(shop: Shop) -> str:
    return str(shop.made("sub_app.create")["user"]["id"])


def withdrawal(shop: Shop) -> Values:
    return {
        "app_id": APP,
        "user": "cus_003",
        "channel": "yeepay",
        "amount": 1,
        "order_no": shop.number(),
        "extra": PAGE,
    }


def enterprise(shop: Shop) -> Values:
    shop.shared()  # else its account is empty
    account = shop.ask("user.retrieve", app_id=APP, user_id="WHDR")["settle_accounts"][0]["id"]
    deposit = {"app_id": APP, "user": "WHDR", "settle_account": account}
    return {**deposit, "amount": 1, "order_no": shop.number()}


def refund_of(shop: Shop) -> Values:
    paid = shop.paid()
    return {
        "order_id": paid["id"],
        "order_no": shop.number(),
        "amount": 1,
        "charge": paid["charge"],
        "description": "测试退款",
    }


def charge_refund(shop: Shop) -> Values:
    """A refund that went to the channel, with its charge."""
    refund = shop.made("order_refund.create")
    shop.control("finish", id=refund["id"], succeeded=True)
    return shop.ask("order_refund.retrieve", order_id=refund["order"], order_refund_id=refund["id"])


def share(shop: Shop) -> Values:
    return {
        "app": APP,
        "order": shop.paid()["id"],
        "order_no": shop.number(),
        "recipients": [{"user": "WHDR", "amount": 10, "description": "分账"}],
    }


def take_back(shop: Shop) -> Values:
    shared = shop.shared()
    return {
        "app": APP,
        "order": shared["order"],
        "order_no": shop.number(),
        "senders": [{"user": "WHDR", "amount": 1}],
        "extra": {"allocation": shared["id"]},
    }


def complete(shop: Shop) -> Values:
    return {"app": APP, "order": shop.shared()["order"], "order_no": shop.number()}


def of_app(**values: str) -> Values:
    return {"app_id": APP, **values}


def event(shop: Shop) -> Values:
    shop.paid()
    listed = shop.ask("event.list")["data"]
    return {"event_id": listed[0]["id"]}


def kept(kind: str, *, in_app: bool = False) -> Callable[[Shop], Values]:
    def values(shop: Shop) -> Values:
        shown = {"id": shop.kept(kind)["id"]}
        return of_app(**shown) if in_app else shown

    return values


# What each operation is called with, once what it needs is there.
CALLS: dict[str, Callable[[Shop], Values]] = {
    "upload_pic": lambda _: of_app(pic="/9j/4AAQSkZJRgABAgEAAA=="),
    "card_bin": lambda _: of_app(account="6214850213609784"),
    "user.create": lambda shop: of_app(id=f"u_{shop.number()}"),
    "user.retrieve": lambda _: of_app(user_id="cus_003"),
    "cus_application.create": person,
    "cus_application.retrieve": lambda s: of_app(cus_id=s.made("cus_application.create")["id"]),
    "user.settle_accounts": lambda _: of_app(user_id="cus_003", **PAGE),
    "sub_app.create": lambda s: of_app(display_name="简米旗舰店", user=f"b_{s.number()}"),
    "sub_app.retrieve": lambda s: of_app(sub_app_id=s.made("sub_app.create")["id"]),
    "mch_application.create": lambda s: {**of_app(), **papers(sub_merchant(s), s.number())},
    "mch_application.retrieve": lambda s: of_app(mch_id=s.made("mch_application.create")["id"]),
    "micro_application.create": lambda s: {
        **of_app(),
        **small_papers(sub_merchant(s), s.number()),
    },
    "micro_application.retrieve": lambda s: of_app(mch_id=s.made("micro_application.create")["id"]),
    "settle_account.create": lambda _: {
        **of_app(channel="bank_account"),
        "recipient": {"account": "112233445566", "type": "b2b", "open_bank": "ICBC"},
    },
    "deposit.create": lambda s: {
        **of_app(user="cus_003", order_no=s.number()),
        "amount": 1,
        "extra": PAGE,
    },
    "deposit.retrieve": lambda s: of_app(deposit_id=s.made("deposit.create")["id"]),
    "withdrawal.create_personal": withdrawal,
    "withdrawal.create_enterprise": enterprise,
    "withdrawal.confirm": lambda s: of_app(
        withdrawal_id=s.made("withdrawal.create_personal")["id"]
    ),
    "withdrawal.cancel": lambda s: of_app(withdrawal_id=s.made("withdrawal.create_personal")["id"]),
    "withdrawal.retrieve": lambda s: of_app(
        withdrawal_id=s.made("withdrawal.create_personal")["id"]
    ),
    "withdrawal.list": lambda _: of_app(),
    "order.create": order,
    "order.retrieve": lambda s: {"order_id": s.made("order.create")["id"]},
    "order.pay": lambda s: {"order_id": s.made("order.create")["id"], **pay("balance")},
    "order.cancel": lambda s: {"order_id": s.made("order.create")["id"]},
    "order.list": lambda _: {"app": APP},
    "order_refund.create": refund_of,
    "order_refund.retrieve": lambda s: {
        "order_id": (refund := s.made("order_refund.create"))["order"],
        "order_refund_id": refund["id"],
    },
    "order_refund.list": lambda s: {"order_id": s.made("order_refund.create")["order"]},
    "order_charge.retrieve": lambda s: {
        "order_id": (paid := s.paid())["id"],
        "charge_id": paid["charge"],
    },
    "order_charge.list": lambda s: {"order_id": s.paid()["id"]},
    "charge.retrieve": lambda s: {"charge_id": s.paid()["charge"]},
    "charge.list": lambda _: {"app": {"id": APP}},
    "refund.retrieve": lambda s: {
        "charge_id": (refund := charge_refund(s))["charge"],
        "refund_id": refund["refund"],
    },
    "refund.list": lambda s: {"charge_id": charge_refund(s)["charge"]},
    "allocation.create": share,
    "allocation.retrieve": lambda s: {"id": s.shared()["id"]},
    "allocation_refund.create": take_back,
    "allocation_refund.retrieve": lambda s: {"id": s.made("allocation_refund.create")["id"]},
    "allocation_complete.create": complete,
    "allocation_complete.retrieve": lambda s: {"id": s.made("allocation_complete.create")["id"]},
    "event.retrieve": event,
    "event.list": lambda _: {},
    "recharge.retrieve": kept("recharge", in_app=True),
    "recharge.list": lambda _: of_app(),
    "transfer.retrieve": kept("transfer"),
    "transfer.list": lambda _: {},
    "batch_transfer.retrieve": kept("batch_transfer"),
    "batch_refund.retrieve": kept("batch_refund"),
    "batch_withdrawal.retrieve": kept("batch_withdrawal", in_app=True),
    "royalty.retrieve": kept("royalty"),
    "royalty.list": lambda _: {},
    "royalty_settlement.retrieve": kept("royalty_settlement"),
    "red_envelope.retrieve": kept("red_envelope"),
    "customs.retrieve": kept("customs"),
    "agreement.retrieve": kept("agreement"),
}

# What the answer calls itself, where that is not its kind (facts §7 row 19), or is nothing.
OBJECTS = {"allocation_refund": "allocation", "picture": None, "card": None, "card_page": None}


@pytest.fixture(scope="module")
def shop(key_pair: KeyPair) -> Iterator[Shop]:
    """A sandbox that wants every request signed, and who is there to play with."""
    public = key_pair.private_key.public_key()
    terms = Terms(key=new_key(), api_key=API_KEY, merchant_key=public, cast=APP)
    with serving(terms) as base:
        access = Access(base, API_KEY, signer=RequestSigner(key_pair.private_key), rate=1000.0)
        caller = open_caller(access, clock=lambda: datetime.now(UTC), chance=lambda: 0.5)
        with closing(caller):
            yield Shop(base, caller)


@pytest.fixture
def configured(
    shop: Shop, folder: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PINGLEDGER_DATABASE__URL", database_url)
    monkeypatch.setenv("PINGLEDGER_CONFIG", str(folder / "c.toml"))
    (folder / "c.toml").write_text(
        f'[accounts.shop]\napi_key = "{API_KEY}"\napi_base = "{shop.base}"\n'
        'private_key = "own.pem"\n',
        encoding="utf-8",
    )


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize("dialect", ["sqlite"])
@pytest.mark.parametrize("name", CALLS)
def test_an_operation_is_tried_and_then_called(call: Call, shop: Shop, name: str) -> None:
    row = OPERATIONS[name]
    values = CALLS[name](shop)
    words = [f"{key}:={json.dumps(value)}" for key, value in values.items()]
    tried = call("api", name, *words, "--dry-run")
    assert tried.code == 0, tried.err
    assert tried.out.startswith(f"curl -X {row.method} ")
    done = call("api", name, *words, "--yes", "--json", "--reveal")
    assert done.code == 0, done.err
    fields = json.loads(done.out)
    expected = "list" if row.paging else OBJECTS.get(row.answers, row.answers)
    assert fields.get("object") == expected
    if not row.reads and expected is not None:
        same = values.keys() & {"order_no", "merchant_order_no", "amount"}
        assert {key: fields[key] for key in same} == {key: values[key] for key in same}
