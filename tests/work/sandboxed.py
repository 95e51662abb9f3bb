"""A fake Ping++ over real sockets, a merchant who trades there, and our clients to it."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

import httpx2

from service.pingpp.access import Access
from service.pingpp.client import Client, open_clients
from service.pingpp.signature import KeyRing, RequestSigner, load_public_key
from service.sandbox.app import Terms
from service.sandbox.server import serving
from tests.conftest import KeyPair

APP = "app_T3stT3stT3stT3st"
API_KEY = "sk_live_sandbox"


class Merchant:
    """Makes orders at the sandbox; its webhooks go nowhere."""

    def __init__(self, base: str, signer: RequestSigner, clock: Callable[[], datetime]) -> None:
        self._http = httpx2.Client(base_url=base, auth=(API_KEY, ""), trust_env=False)
        self._signer, self._clock = signer, clock
        self._numbers = 0

    def call(self, method: str, path: str, body: Any = None) -> Any:
        request = self._http.build_request(method, path, json=body)
        target = request.url.raw_path.decode()
        at = int(self._clock().timestamp())
        request.headers.update(self._signer.headers(request.read(), target, at))
        answer = self._http.send(request)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def number(self) -> str:
        self._numbers += 1
        return f"n{self._numbers:06d}"

    def order(self, amount: int, **more: Any) -> str:
        body = {
            "app": APP,
            "merchant_order_no": self.number(),
            "amount": amount,
            "currency": "cny",
            "client_ip": "192.0.2.1",
            "subject": "商品",
            "body": "说明",
            "uid": "cus_003",
            **more,
        }
        return str(self.call("POST", "/v1/orders", body)["id"])

    def paid_order(self, amount: int, channel: str = "yeepay_wx_pub_qr", **more: Any) -> str:
        order = self.order(amount, **more)
        extra = {"return_url": "https://merchant.example"}
        body = {"charge_amount": amount, "channel": channel, "extra": extra}
        self.call("POST", f"/v1/orders/{order}/pay", body)
        self.call("POST", "/sandbox/pay", {"id": order})
        return order

    def refund(self, order: str, amount: int) -> str:
        charge = self.call("GET", f"/v1/orders/{order}")["charge"]
        body = {"charge": charge, "amount": amount, "description": "退款"}
        body["order_no"] = self.number()
        return str(self.call("POST", f"/v1/orders/{order}/refunds", body)["id"])

    def close(self) -> None:
        self._http.close()


class Market(NamedTuple):
    """Both who ask the sandbox."""

    merchant: Merchant
    clients: dict[str, Client]


@contextmanager
def market(
    ours: KeyPair,
    theirs: KeyPair,
    clock: Callable[[], datetime],
    *,
    scale: float = 100.0,
    **terms: Any,
) -> Generator[Market]:
    """Open all three; terms: what else the sandbox is told."""
    signer = RequestSigner(ours.private_key)
    given = Terms(key=theirs.private_key, api_key=API_KEY, merchant_key=ours.public_key, **terms)
    with serving(given) as base:
        ring = KeyRing([load_public_key(theirs.public_pem)])
        access = Access(base, API_KEY, signer=signer, ring=ring, rate=100.0)
        merchant = Merchant(base, signer, clock)
        clients = open_clients({"shop": access}, clock=clock, chance=lambda: 0.5, scale=scale)
        try:
            yield Market(merchant, clients)
        finally:
            clients["shop"].close()
            merchant.close()
