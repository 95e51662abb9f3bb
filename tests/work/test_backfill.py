"""Objects that no event told of are found in the provider's lists, whatever the lists are like."""

import threading
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from service.core.observation import Key
from service.ledger import pages, watches
from service.ledger.engine import Ledger
from service.ledger.pages import Progress, Walk
from service.ledger.schema import beliefs
from service.work.backfill import backfill
from service.work.poll import poll
from service.work.terms import AccountTerms, Terms
from tests import bodies
from tests.provider import Provider, answer, listing

TERMS = Terms(accounts={"shop": AccountTerms(apps=frozenset({bodies.APP}))})
WITHDRAWALS = f"/v1/apps/{bodies.APP}/withdrawals"
LISTS = ("/v1/orders", "/v1/charges", WITHDRAWALS)
ORDERS = Walk("shop", "order", bodies.APP)


@pytest.fixture
def provider(now: datetime) -> Provider:
    made = Provider(now)
    for path in LISTS:
        made.show(bodies.page(), path)
    return made


def run(ledger: Ledger, provider: Provider, **more: Any) -> Counter[str]:
    clients = {"shop": provider.client()}
    pause = provider.pass_time
    return backfill(ledger, clients, terms=TERMS, clock=provider.clock, pause=pause, **more)


def order(number: int, created: int) -> bodies.Fields:
    own = {"id": f"20126{number:06d}", "merchant_order_no": f"M{number}"}
    return bodies.order(created=created, charges=None, **own)


def believed(ledger: Ledger, kind: str) -> set[str]:
    with ledger.read() as connection:
        rows = connection.scalars(sa.select(beliefs.c.object_id).where(beliefs.c.kind == kind))
        return set(rows)


def progress(ledger: Ledger) -> Progress | None:
    with ledger.read() as connection:
        return pages.read(connection, ORDERS)


def seconds_ago(provider: Provider, seconds: int) -> int:
    return int(provider.at.timestamp()) - seconds


@pytest.mark.parametrize("filters", [True, False])
def test_every_object_of_every_list_is_found(
    ledger: Ledger, provider: Provider, filters: bool
) -> None:
    orders = [order(n, seconds_ago(provider, 60 * n)) for n in range(45)]
    charges = [
        bodies.charge(id=f"ch_{n}", created=seconds_ago(provider, 60 * n)) for n in range(25)
    ]
    provider.rules["/v1/orders"] = listing(orders, style="B", size=20, filters=filters)
    provider.rules["/v1/charges"] = listing(charges, style="A", size=10, filters=filters)
    provider.show(bodies.page(bodies.withdrawal()), WITHDRAWALS)
    done = run(ledger, provider)
    assert (done["listed"], done["new"]) == (71, 71)
    assert believed(ledger, "order") == {item["id"] for item in orders}
    assert believed(ledger, "charge") == {item["id"] for item in charges}
    assert believed(ledger, "withdrawal") == {bodies.withdrawal()["id"]}


def test_the_next_walk_asks_for_what_is_newer_and_an_overlap(
    ledger: Ledger, provider: Provider
) -> None:
    orders = [order(n, seconds_ago(provider, 3600 * n)) for n in range(10)]
    provider.rules["/v1/orders"] = listing(orders, style="B", size=20)
    assert run(ledger, provider)["new"] == 10
    orders.append(order(99, seconds_ago(provider, -30)))
    provider.pass_time(3600)
    done = run(ledger, provider)
    assert (done["listed"], done["new"]) == (2, 1)


def test_a_walk_that_is_cut_short_goes_on_from_there(ledger: Ledger, provider: Provider) -> None:
    orders = [order(n, seconds_ago(provider, 60 * n)) for n in range(100)]
    whole = listing(orders, style="B", size=20)
    provider.rules["/v1/orders"] = lambda request: (
        whole(request) if request.url.params["page"] < "3" else answer(503)
    )
    assert run(ledger, provider)["cut"] == 1
    assert len(believed(ledger, "order")) == 40
    cut = progress(ledger)
    assert cut is not None
    assert cut.until == orders[39]["created"]
    provider.rules["/v1/orders"] = whole
    provider.pass_time(30)
    run(ledger, provider)
    assert len(believed(ledger, "order")) == 100
    ended = progress(ledger)
    assert ended is not None
    assert ended.until == 0


def test_a_bad_moment_does_not_cut_a_walk(ledger: Ledger, provider: Provider) -> None:
    orders = [order(n, seconds_ago(provider, 60 * n)) for n in range(30)]
    whole, moments = listing(orders, style="B", size=20), [answer(429), answer(503)]
    provider.rules["/v1/orders"] = lambda request: moments.pop() if moments else whole(request)
    done = run(ledger, provider)
    assert (done["cut"], done["new"]) == (0, 30)


def test_a_walk_ends_when_the_process_stops(ledger: Ledger, provider: Provider) -> None:
    stop = threading.Event()
    stop.set()
    assert run(ledger, provider, stop=stop) == {"cut": 3}
    assert provider.asked == []


def test_a_list_of_more_than_a_hundred_pages_is_walked_to_its_end(
    ledger: Ledger, provider: Provider
) -> None:
    orders = [order(n, seconds_ago(provider, n)) for n in range(230)]
    provider.rules["/v1/orders"] = listing(orders, style="B", size=2)
    run(ledger, provider)
    assert len(believed(ledger, "order")) == 230


@pytest.mark.parametrize("path", LISTS)
def test_a_list_that_never_ends_is_left_after_the_repeat(
    ledger: Ledger, provider: Provider, path: str
) -> None:
    made = {
        "/v1/orders": order(1, seconds_ago(provider, 60)),
        "/v1/charges": bodies.charge(created=seconds_ago(provider, 60)),
        WITHDRAWALS: bodies.withdrawal(created=seconds_ago(provider, 60)),
    }[path]
    provider.show(bodies.page(made, has_more=True), path)
    assert run(ledger, provider)["new"] == 1
    assert provider.paths().count(path) == 2


def test_an_empty_page_that_promises_more_ends_the_walk(ledger: Ledger, provider: Provider) -> None:
    provider.show(bodies.page(has_more=True), "/v1/orders")
    run(ledger, provider)
    assert provider.paths().count("/v1/orders") == 1


def test_odd_items_stop_nothing_and_items_of_others_are_left_out(
    ledger: Ledger, provider: Provider
) -> None:
    good = order(1, seconds_ago(provider, 60))
    other_app = bodies.order(id="2012602", app="app_other", charges=None)
    nonsense = {"object": "order"}
    page = bodies.page(nonsense, other_app, bodies.charge(), good)
    page["data"].append("text")
    provider.show(page, "/v1/orders")
    done = run(ledger, provider)
    assert (done["listed"], done["unread"]) == (1, 4)
    assert believed(ledger, "order") == {good["id"]}


@pytest.mark.parametrize("body", [{"object": "list"}, [], b"<html>", {"error": {}}])
def test_what_is_no_list_is_left_for_the_next_run(
    ledger: Ledger, provider: Provider, body: Any
) -> None:
    provider.show(body, "/v1/orders")
    provider.show(bodies.page(bodies.withdrawal()), WITHDRAWALS)
    done = run(ledger, provider)
    assert (done["cut"], done["new"]) == (1, 1)
    assert progress(ledger) is None


def test_a_list_that_lacks_an_object_proves_nothing(ledger: Ledger, provider: Provider) -> None:
    known = order(1, seconds_ago(provider, 60))
    provider.show(bodies.page(known), "/v1/orders")
    run(ledger, provider)
    provider.show(bodies.page(), "/v1/orders")
    run(ledger, provider)
    assert believed(ledger, "order") == {known["id"]}


def test_what_was_found_by_a_list_is_looked_at_until_it_is_final(
    ledger: Ledger, provider: Provider
) -> None:
    known = bodies.withdrawal(created=seconds_ago(provider, 60))
    provider.show(bodies.page(known), WITHDRAWALS)
    run(ledger, provider)
    provider.show({**known, "status": "succeeded"}, f"{WITHDRAWALS}/{known['id']}")
    provider.pass_time(timedelta(hours=1).total_seconds())
    clients = {"shop": provider.client()}
    poll(ledger, clients, terms=TERMS, clock=provider.clock, chance=lambda: 0.5)
    with ledger.begin() as connection:
        assert not watches.recent_looks(connection, Key("shop", "withdrawal", "1"), limit=1)
        status = connection.scalar(
            sa.select(beliefs.c.status).where(beliefs.c.kind == "withdrawal")
        )
    assert status == "succeeded"
