"""Against the fake Ping++ over real sockets: polling and lists alone find the whole truth."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from service.core.observation import Key
from service.ledger import watches
from service.ledger.engine import Ledger
from service.ledger.schema import beliefs
from service.pingpp.access import Access
from service.pingpp.client import Client, open_clients
from service.pingpp.signature import KeyRing, RequestSigner, load_public_key
from service.sandbox.app import Terms as SandboxTerms
from service.sandbox.server import serving
from service.work.backfill import backfill
from service.work.poll import poll
from service.work.terms import AccountTerms, Terms
from tests.conftest import KeyPair, make_key_pair

APP = "app_T3stT3stT3stT3st"
API_KEY = "sk_live_sandbox"
TERMS = Terms(scale=100.0, accounts={"shop": AccountTerms(apps=frozenset({APP}))})


def clock() -> datetime:
    return datetime.now(UTC)


class Merchant:
    """Makes orders at the sandbox; its webhooks go nowhere."""

    def __init__(self, base: str, signer: RequestSigner) -> None:
        self._http = httpx2.Client(base_url=base, auth=(API_KEY, ""), trust_env=False)
        self._signer = signer
        self._numbers = 0

    def call(self, method: str, path: str, body: Any = None) -> Any:
        request = self._http.build_request(method, path, json=body)
        target = request.url.raw_path.decode()
        at = int(clock().timestamp())
        request.headers.update(self._signer.headers(request.read(), target, at))
        answer = self._http.send(request)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def order(self, amount: int) -> str:
        self._numbers += 1
        body = {
            "app": APP,
            "merchant_order_no": f"n{self._numbers:06d}",
            "amount": amount,
            "currency": "cny",
            "client_ip": "192.0.2.1",
            "subject": "商品",
            "body": "说明",
            "uid": "cus_003",
        }
        return str(self.call("POST", "/v1/orders", body)["id"])

    def paid_order(self, amount: int) -> str:
        order = self.order(amount)
        extra = {"return_url": "https://merchant.example"}
        body = {"charge_amount": amount, "channel": "yeepay_wx_pub_qr", "extra": extra}
        self.call("POST", f"/v1/orders/{order}/pay", body)
        self.call("POST", "/sandbox/pay", {"id": order})
        return order

    def refund(self, order: str, amount: int) -> str:
        self._numbers += 1
        charge = self.call("GET", f"/v1/orders/{order}")["charge"]
        number = f"r{self._numbers:06d}"
        body = {"charge": charge, "amount": amount, "description": "退款", "order_no": number}
        return str(self.call("POST", f"/v1/orders/{order}/refunds", body)["id"])

    def close(self) -> None:
        self._http.close()


@pytest.fixture(scope="module")
def their_keys() -> KeyPair:
    return make_key_pair()


@pytest.fixture
def base(key_pair: KeyPair, their_keys: KeyPair) -> Iterator[str]:
    terms = SandboxTerms(
        key=their_keys.private_key, api_key=API_KEY, merchant_key=key_pair.public_key
    )
    with serving(terms) as address:
        yield address


@pytest.fixture
def merchant(base: str, key_pair: KeyPair) -> Iterator[Merchant]:
    made = Merchant(base, RequestSigner(key_pair.private_key))
    yield made
    made.close()


@pytest.fixture
def clients(base: str, key_pair: KeyPair, their_keys: KeyPair) -> Iterator[dict[str, Client]]:
    access = Access(
        base,
        API_KEY,
        signer=RequestSigner(key_pair.private_key),
        ring=KeyRing([load_public_key(their_keys.public_pem)]),
        rate=100.0,
    )
    made = open_clients({"shop": access}, clock=clock, chance=lambda: 0.5, scale=100.0)
    yield made
    made["shop"].close()


def believed(ledger: Ledger) -> dict[tuple[str, str], tuple[Any, ...]]:
    with ledger.read() as connection:
        rows = connection.execute(
            sa.select(
                beliefs.c.kind,
                beliefs.c.object_id,
                beliefs.c.status,
                beliefs.c.amount,
                beliefs.c.amount_paid,
                beliefs.c.amount_refunded,
            )
        )
        return {(row[0], row[1]): tuple(row[2:]) for row in rows}


def truth(merchant: Merchant) -> dict[tuple[str, str], tuple[Any, ...]]:
    names = ("status", "amount", "amount_paid", "amount_refunded")
    objects = merchant.call("GET", "/sandbox/truth")["objects"]
    return {(one["kind"], one["id"]): tuple(one[name] for name in names) for one in objects}


def look_at_all(ledger: Ledger, clients: dict[str, Client], orders: list[str]) -> None:
    with ledger.begin() as connection:
        for order in orders:
            watches.request(connection, Key("shop", "order", order), now=clock(), place={})
    poll(ledger, clients, terms=TERMS, clock=clock, chance=lambda: 0.5)


def test_lists_and_looks_find_what_no_event_told(
    ledger: Ledger, merchant: Merchant, clients: dict[str, Client]
) -> None:
    orders = [merchant.paid_order(100 + n) for n in range(25)]
    unpaid = merchant.order(50)
    found = backfill(ledger, clients, terms=TERMS, clock=clock)
    assert found["cut"] == 0
    assert found["new"] >= 26
    for order in orders[:3]:
        merchant.refund(order, 40)
    merchant.call("POST", "/sandbox/settle")
    # settling lets time pass: the unpaid order expires
    look_at_all(ledger, clients, [*orders, unpaid])
    expected, known = truth(merchant), believed(ledger)
    assert {key for key in expected if key[0] == "order_refund"} <= known.keys()
    assert {key: known[key] for key in expected if key in known} == {
        key: value for key, value in expected.items() if key in known
    }
    assert {key for key in expected if key[0] in ("order", "charge")} <= known.keys()


@pytest.mark.parametrize("fault", ["forbidden", "limited", "crash", "html", "malformed", "wrong"])
def test_a_faulty_answer_is_got_over(
    ledger: Ledger, merchant: Merchant, clients: dict[str, Client], fault: str
) -> None:
    order = merchant.paid_order(100)
    merchant.call("POST", "/sandbox/faults", {"next": [{"fault": fault, "match": order}]})
    look_at_all(ledger, clients, [order])
    until = clock() + timedelta(seconds=30)
    while ("order", order) not in believed(ledger) and clock() < until:
        poll(ledger, clients, terms=TERMS, clock=clock, chance=lambda: 0.0)
    assert believed(ledger)["order", order] == truth(merchant)["order", order]
