"""Against the fake Ping++ over real sockets: polling and lists alone find the whole truth."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from service.core.observation import Key
from service.ledger import watches
from service.ledger.engine import Ledger
from service.ledger.schema import beliefs
from service.pingpp.client import Client
from service.work.backfill import backfill
from service.work.poll import poll
from service.work.terms import AccountTerms, Terms
from tests.conftest import KeyPair, make_key_pair
from tests.work.sandboxed import APP, Market, Merchant, market

TERMS = Terms(scale=100.0, accounts={"shop": AccountTerms(apps=frozenset({APP}))})


def clock() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def their_keys() -> KeyPair:
    return make_key_pair()


@pytest.fixture
def opened(key_pair: KeyPair, their_keys: KeyPair) -> Iterator[Market]:
    with market(key_pair, their_keys, clock) as both:
        yield both


@pytest.fixture
def merchant(opened: Market) -> Merchant:
    return opened.merchant


@pytest.fixture
def clients(opened: Market) -> dict[str, Client]:
    return opened.clients


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
