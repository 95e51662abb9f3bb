"""A fake provider whose clock the test turns, and a merchant's client to it."""

import asyncio
import base64
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from starlette.testclient import TestClient

from service.sandbox.app import Terms, build_app, build_box
from service.sandbox.box import Box
from service.sandbox.keys import new_key
from service.sandbox.truth import Pace

APP = "app_aTyD009mv5mTj1yD"
API_KEY = "sk_live_sandbox"
KEY = new_key()


@dataclass
class Turned:
    """A clock that only the test moves."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Merchant:
    """What a merchant does over the wire; `heard` are the webhooks that arrived."""

    client: TestClient
    box: Box
    clock: Turned
    heard: list[httpx2.Request] = field(default_factory=list[httpx2.Request])
    numbers: int = 0

    def call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.client.request(method, path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def number(self) -> str:
        self.numbers += 1
        return f"n{self.numbers:06d}"

    def order(self, amount: int = 100, **more: Any) -> dict[str, Any]:
        body = {
            "app": APP,
            "merchant_order_no": self.number(),
            "amount": amount,
            "currency": "cny",
            "client_ip": "24.168.179.226",
            "subject": "旺仔牛奶",
            "body": "旺仔商城",
            "uid": "cus_003",
            **more,
        }
        return self.call("POST", "/v1/orders", body)

    def pay(self, order: str, amount: int = 100, channel: str = "balance") -> dict[str, Any]:
        body = {"charge_amount": amount, "channel": channel, "extra": {"return_url": "https://a"}}
        return self.call("POST", f"/v1/orders/{order}/pay", body)

    def paid_order(self, amount: int = 100, channel: str = "balance", **more: Any) -> Any:
        order = self.order(amount, **more)
        self.pay(order["id"], amount, channel)
        self.call("POST", "/sandbox/pay", {"id": order["id"]})
        return self.call("GET", f"/v1/orders/{order['id']}")

    def refund(self, order: dict[str, Any], amount: int) -> dict[str, Any]:
        body = {
            "order_no": self.number(),
            "amount": amount,
            "charge": order["charge"],
            "description": "测试退款",
        }
        return self.call("POST", f"/v1/orders/{order['id']}/refunds", body)

    def withdraw(self, amount: int = 1, **more: Any) -> dict[str, Any]:
        body = {
            "user": "cus_003",
            "channel": "yeepay",
            "amount": amount,
            "order_no": self.number(),
            "extra": {"return_url": "https://a"},
            **more,
        }
        kept = {name: value for name, value in body.items() if value is not None}
        return self.call("POST", f"/v1/apps/{APP}/withdrawals", kept)

    def decide(self, withdrawal: str, status: str) -> dict[str, Any]:
        return self.call("PUT", f"/v1/apps/{APP}/withdrawals/{withdrawal}", {"status": status})

    def share(self, order: str, amount: int, user: str = "WHDR") -> dict[str, Any]:
        """An allocation that has arrived."""
        recipients = [{"user": user, "amount": amount}]
        body = {"app": APP, "order": order, "order_no": self.number(), "recipients": recipients}
        made = self.call("POST", "/v1/allocations", body)
        self.finish(made["id"])
        return made

    def user(self, user: str) -> dict[str, Any]:
        return self.call("GET", f"/v1/apps/{APP}/users/{user}")

    def balance(self, user: str) -> int:
        """What the user may spend and withdraw, which is the same here."""
        shown = self.user(user)
        assert shown["available_balance"] == shown["withdrawable_balance"]
        return shown["available_balance"]

    def bank_account(self) -> str:
        """The enterprise's."""
        return self.user("WHDR")["settle_accounts"][0]["id"]

    def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """Status and parameter of what is not done."""
        answer = self.client.request(method, path, json=body)
        assert answer.status_code >= 400, answer.text
        return answer.status_code, answer.json()["error"].get("param", "")

    def finish(self, object_id: str, *, succeeded: bool = True) -> Any:
        return self.call("POST", "/sandbox/finish", {"id": object_id, "succeeded": succeeded})

    def step(self, seconds: float) -> None:
        self.call("POST", "/sandbox/step", {"seconds": seconds})

    def advance(self, object_id: str, *, succeeded: bool | None = None) -> None:
        self.call("POST", "/sandbox/advance", {"id": object_id, "succeeded": succeeded})

    def truth(self) -> dict[str, Any]:
        return {each["id"]: each for each in self.call("GET", "/sandbox/truth")["objects"]}


def make_merchant(now: datetime, **terms: Any) -> Merchant:
    """A sandbox that does nothing by itself, and its merchant."""
    clock = Turned(now)
    heard: list[httpx2.Request] = []

    def hear(request: httpx2.Request) -> httpx2.Response:
        heard.append(request)
        return httpx2.Response(200)

    sending = httpx2.AsyncClient(transport=httpx2.MockTransport(hear))
    pace = terms.pop("pace", Pace(automatic=False, declined=0.0))
    terms = {"cast": APP, **terms}
    given = Terms(KEY, API_KEY, webhook_url="http://127.0.0.1/webhooks/main", pace=pace, **terms)
    box = build_box(given, clock, sending)
    client = TestClient(build_app(box), headers={"Authorization": f"Bearer {API_KEY}"})
    return Merchant(client, box, clock, heard)


@pytest.fixture
def merchant(now: datetime) -> Merchant:
    return make_merchant(now)


def deliver(merchant: Merchant) -> list[httpx2.Request]:
    """Send what waits and give every request that arrived so far, in order."""

    async def flushed() -> None:
        task = asyncio.create_task(merchant.box.sender.run())
        assert await merchant.box.sender.flush(5)
        task.cancel()

    merchant.clock.pass_seconds(3600)
    asyncio.run(flushed())
    return merchant.heard


def verify(key: RSAPublicKey, signature: str, body: bytes) -> None:
    """Raise InvalidSignature unless the signature fits."""
    key.verify(base64.b64decode(signature), body, PKCS1v15(), SHA256())
