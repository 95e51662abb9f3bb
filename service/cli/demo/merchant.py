"""What a merchant does all day: sells, refunds, shares and withdraws, each as a small story.

A story is a generator: it does something over the API and yields how many seconds it waits.
"""

import heapq
from collections.abc import Callable, Generator
from datetime import datetime
from itertools import count
from random import Random
from typing import Any, NamedTuple

import httpx2

from service.pingpp.signature import RequestSigner

APP = "app_aTyD009mv5mTj1yD"

# How long the merchant waits for the other side, and how often it asks again.
WAIT_SECONDS = 1.0
ASKS_LIMIT = 12

_CHANNELS = (
    "yeepay_wx_pub_qr",
    "yeepay_wx_lite",
    "yeepay_alipay_qr",
    "yeepay_alipay_scan",
    "yeepay_upacp_qr",
    "balance",
)
_GOODS = ("旺仔牛奶", "茉莉花茶", "手冲咖啡", "阳春面", "小笼包")

Story = Generator[float, None, None]


class Told(NamedTuple):
    """An object that the merchant tells pingledger about: it has no event, or no list."""

    kind: str
    id: str
    order_id: str = ""


class Signed(httpx2.Auth):
    """Every request carries the API key and the merchant's signature (facts 4.1, 4.2)."""

    requires_request_body = True

    def __init__(self, api_key: str, signer: RequestSigner, clock: Callable[[], datetime]) -> None:
        self._api_key = api_key
        self._signer = signer
        self._clock = clock

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Sign the request as it goes out."""
        target = request.url.raw_path.decode("ascii")
        at = int(self._clock().timestamp())
        request.headers.update(self._signer.headers(request.content, target, at))
        request.headers["Authorization"] = f"Bearer {self._api_key}"
        yield request


class Refused(Exception):
    """The provider did not do what it was asked for; the story ends there."""


class Merchant:
    """Plays stories side by side; `tell` hears of objects that pingledger could not know of."""

    def __init__(self, client: httpx2.Client, chance: Random, tell: Callable[[Told], None]) -> None:
        self._client = client
        self._chance = chance
        self._tell = tell
        self._numbers = count(1)
        self._waiting: list[tuple[float, int, Story]] = []
        self._entries = count()
        self.started = 0

    def begin(self, now: float) -> None:
        """Begin one more story; `now` is any clock that counts seconds."""
        story = self._purchase() if self._chance.random() < 0.85 else self._withdrawal()
        self.started += 1
        heapq.heappush(self._waiting, (now, next(self._entries), story))

    def act(self, now: float) -> None:
        """Go on with every story whose wait is over."""
        while self._waiting and self._waiting[0][0] <= now:
            _, entry, story = heapq.heappop(self._waiting)
            try:
                wait = next(story)
            except (StopIteration, Refused):
                continue
            heapq.heappush(self._waiting, (now + wait, entry, story))

    def _purchase(self) -> Story:
        shared = self._chance.random() < 0.3
        amount = self._chance.randrange(100, 50_000)
        order = self._create_order(amount, shared=shared)
        yield self._chance.uniform(0.05, 0.5)
        if self._chance.random() < 0.08:
            return  # the customer walks away
        channel = self._chance.choice(_CHANNELS)
        body = {"charge_amount": amount, "channel": channel, "extra": {"return_url": "https://a"}}
        charge = self._call("POST", f"/v1/orders/{order}/pay", body)["charge"]
        for _ in range(ASKS_LIMIT):
            yield WAIT_SECONDS
            if self._ask(f"/v1/orders/{order}").get("amount_paid"):
                break
        else:
            return
        if shared:
            yield from self._share(order, amount)
        elif self._chance.random() < 0.35:
            yield from self._refund(order, charge, amount)

    def _create_order(self, amount: int, *, shared: bool) -> str:
        body = {
            "app": APP,
            "merchant_order_no": self._number("D"),
            "amount": amount,
            "currency": "cny",
            "client_ip": "127.0.0.1",
            "subject": self._chance.choice(_GOODS),
            "body": "演示商店",
            "uid": "cus_003",
            "allocation": shared,
        }
        return self._call("POST", "/v1/orders", body)["id"]

    def _refund(self, order: str, charge: str, amount: int) -> Story:
        """All of it, or a part and then another part."""
        parts = [amount] if self._chance.random() < 0.5 else [amount // 3, amount // 4]
        for part in parts:
            body = {
                "order_no": self._number("R"),
                "amount": part,
                "charge": charge,
                "description": "顾客退款",
            }
            refund = self._call("POST", f"/v1/orders/{order}/refunds", body)
            self._tell(Told("order_refund", refund["id"], order))
            yield self._chance.uniform(0.2, 2.0)

    def _share(self, order: str, amount: int) -> Story:
        """Give half to a partner, sometimes take some back, and complete."""
        share = {"app": APP, "order": order}
        recipients = [{"user": "WHDR", "amount": amount // 2, "description": "分账"}]
        body = {**share, "order_no": self._number("F"), "recipients": recipients}
        made = self._call("POST", "/v1/allocations", body)
        self._tell(Told("allocation", made["id"], order))
        if self._chance.random() < 0.4 and (yield from self._succeeds(made["id"])):
            senders = [{"user": "WHDR", "amount": amount // 4}]
            back = {
                **share,
                "order_no": self._number("T"),
                "senders": senders,
                "extra": {"allocation": made["id"]},
            }
            known = self._call("POST", "/v1/allocation_refunds", back)
            self._tell(Told("allocation_refund", known["id"], order))
        yield WAIT_SECONDS
        body = {**share, "order_no": self._number("W"), "description": "完结分账"}
        complete = self._call("POST", "/v1/allocation_completes", body)
        self._tell(Told("allocation_complete", complete["id"], order))

    def _succeeds(self, allocation: str) -> Generator[float, None, bool]:
        for _ in range(ASKS_LIMIT):
            yield WAIT_SECONDS
            status = self._ask(f"/v1/allocations/{allocation}").get("status")
            if status in ("succeed", "failure"):
                return status == "succeed"
        return False

    def _withdrawal(self) -> Story:
        path = f"/v1/apps/{APP}/withdrawals"
        body: dict[str, Any] = {
            "user": "cus_003",
            "channel": "yeepay",
            "amount": self._chance.randrange(100, 20_000),
            "order_no": self._number("TX"),
            "extra": {"return_url": "https://a"},
        }
        enterprise = self._ask(f"/v1/apps/{APP}/users/WHDR")
        if self._chance.random() < 0.5 and enterprise.get("available_balance"):
            account = enterprise["settle_accounts"][0]["id"]
            most = enterprise["available_balance"]
            body |= {"user": "WHDR", "settle_account": account, "amount": most}
            del body["extra"]
        known = self._call("POST", path, body)["id"]
        yield self._chance.uniform(0.1, 1.0)
        word = "pending" if self._chance.random() < 0.85 else "canceled"
        self._call("PUT", f"{path}/{known}", {"status": word})

    def _number(self, prefix: str) -> str:
        return f"{prefix}{next(self._numbers):08d}"

    def _call(self, method: str, path: str, body: dict[str, Any]) -> Any:
        answer = self._client.request(method, path, json=body)
        if not answer.is_success:
            raise Refused(answer.text)
        return answer.json()

    def _ask(self, path: str) -> dict[str, Any]:
        """The object, or nothing when the answer is broken: it is asked for again anyway."""
        try:
            return self._client.get(path).raise_for_status().json()
        except (httpx2.HTTPError, ValueError):
            return {}
