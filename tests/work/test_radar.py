"""Each settled hour is compared with the lists: delivered, found only by asking, or unexplained."""

import json
import threading
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from service.core.observation import Source
from service.ledger import radar
from service.ledger.engine import Ledger
from service.ledger.gauges import read_gauges
from service.ledger.schema import notices, pages
from service.pingpp.reader import read_object
from service.work.apply import apply
from service.work.radar import HOURS_LIMIT, measure
from service.work.terms import AccountTerms, Terms
from tests import bodies
from tests.books import told
from tests.provider import Provider, answer, listing

TERMS = Terms(accounts={"shop": AccountTerms(apps=frozenset({bodies.APP}))})
WITHDRAWALS = f"/v1/apps/{bodies.APP}/withdrawals"


@pytest.fixture
def provider(now: datetime) -> Provider:
    made = Provider(now.replace(minute=30))
    for path in ("/v1/orders", "/v1/charges", WITHDRAWALS):
        made.show(bodies.page(), path)
    return made


@pytest.fixture
def hour(provider: Provider) -> datetime:
    """The newest settled hour."""
    return provider.at.replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)


def run(
    ledger: Ledger, provider: Provider, *, terms: Terms = TERMS, target: float = 0.99
) -> Counter[str]:
    return measure(
        ledger,
        {"shop": provider.client()},
        terms=terms,
        target=target,
        stop=threading.Event(),
        clock=provider.clock,
        pause=provider.pass_time,
    )


def order(name: str, at: datetime, **changed: Any) -> bodies.Fields:
    own = {"id": f"20126{name}", "merchant_order_no": name, "charges": None, "charge": None}
    return bodies.order(created=int(at.timestamp()), **own | changed)


def unpaid(name: str, at: datetime) -> bodies.Fields:
    return order(name, at, status="created", paid=False, amount_paid=0, time_paid=None)


def notify(ledger: Ledger, fields: bodies.Fields, at: datetime) -> None:
    seen = read_object(fields, account="shop", source=Source.WEBHOOK, seen_at=at)
    apply(ledger, seen.observations, terms=TERMS, now=at)


def measured(ledger: Ledger, kind: str = "order") -> dict[str, int]:
    """The sums of everything that was measured of a kind, without zeros."""
    with ledger.read() as connection:
        (row,) = [
            one
            for one in radar.sums(connection, since=datetime.fromisoformat("2020-01-01T00:00Z"))
            if one.kind == kind
        ]
    names = ("listed", "delivered", "asked", "quiet", "unexplained")
    return {name: getattr(row, name) for name in names if getattr(row, name)}


def test_an_hour_tells_delivered_from_asked_from_unexplained(
    ledger: Ledger, provider: Provider, hour: datetime
) -> None:
    delivered, late = order("1", hour), order("2", hour + timedelta(minutes=59, seconds=59))
    missing, other = order("3", hour + timedelta(minutes=3)), order("4", hour)
    for one in (delivered, missing, other, order("9", hour + timedelta(hours=1))):
        notify(ledger, one, hour + timedelta(minutes=10))
    shown = [delivered, late, unpaid("5", hour), {**other, "amount": 1199}]
    provider.rules["/v1/orders"] = listing(shown, style="B", size=2)
    run(ledger, provider)
    assert measured(ledger) == {
        "listed": 4, "delivered": 1, "asked": 1, "quiet": 1, "unexplained": 2,
    }  # fmt: skip
    with ledger.read() as connection:
        gauges = read_gauges(connection, now=provider.at)
        assert connection.scalar(sa.select(sa.func.count()).select_from(pages)) == 0
    assert gauges.radar_objects == {"delivered": 1, "asked": 1, "unexplained": 2}


@pytest.mark.parametrize("filters", [True, False])
def test_only_what_was_created_in_the_hour_counts(
    ledger: Ledger, provider: Provider, hour: datetime, filters: bool
) -> None:
    shown = [order(str(n), hour + timedelta(minutes=20 * n)) for n in range(9)]
    provider.rules["/v1/orders"] = listing(shown, style="B", size=2, filters=filters)
    run(ledger, provider)
    assert measured(ledger) == {"listed": 3, "asked": 3}


def test_each_hour_is_measured_once_and_a_day_back_at_first(
    ledger: Ledger, provider: Provider
) -> None:
    assert run(ledger, provider)["hours"] == 3 * 22
    assert run(ledger, provider) == {}
    provider.pass_time(3_600)
    assert run(ledger, provider)["hours"] == 3


def test_a_long_absence_is_caught_up_with_day_by_day(ledger: Ledger, provider: Provider) -> None:
    run(ledger, provider)
    provider.pass_time(40 * 3_600)
    assert [run(ledger, provider)["hours"] for _ in range(3)] == [3 * HOURS_LIMIT, 3 * 16, 0]


def test_an_hour_whose_list_was_cut_short_is_measured_later(
    ledger: Ledger, provider: Provider, hour: datetime
) -> None:
    shown = [order(str(n), hour + timedelta(minutes=n)) for n in range(50)]
    whole = listing(shown, style="B", size=20)
    provider.rules["/v1/orders"] = lambda request: (
        whole(request) if request.url.params["page"] == "1" else answer(503)
    )
    assert run(ledger, provider)["cut"] == 1
    provider.rules["/v1/orders"] = whole
    provider.pass_time(60)
    run(ledger, provider)
    assert measured(ledger) == {"listed": 50, "asked": 50}


def test_what_moves_on_while_it_is_listed_is_no_riddle(
    ledger: Ledger, provider: Provider, hour: datetime
) -> None:
    shown = listing([unpaid("1", hour)], style="B", size=20)

    def pay(request: httpx2.Request) -> httpx2.Response:
        if int(request.url.params["created[gte]"]) == int(hour.timestamp()):
            provider.pass_time(1)
            notify(ledger, order("1", hour), provider.at)
        return shown(request)

    provider.rules["/v1/orders"] = pay
    run(ledger, provider)
    assert measured(ledger) == {"listed": 1, "delivered": 1}


def test_an_hour_below_the_target_is_told_once_a_day(
    ledger: Ledger, provider: Provider, hour: datetime
) -> None:
    shown = [order("1", hour), order("2", hour - timedelta(hours=1))]
    provider.rules["/v1/orders"] = listing(shown, style="B", size=20)
    run(ledger, provider, terms=Terms(sinks=("file",), accounts=TERMS.accounts))
    told_of = [json.loads(row["body"]) for row in told(ledger)]
    data = [one["data"] for one in told_of if one["data"].get("cause") == "radar"]
    assert [(one["subject"], one["asked"], one["delivered"]) for one in data] == [
        (f"order/{hour.date()}", 1, 0)
    ]
    run(ledger, provider, target=0.0)
    with ledger.read() as connection:
        (count,) = connection.scalars(sa.select(notices.c.count).where(notices.c.cause == "radar"))
    assert count == 2


def test_nothing_is_told_at_the_target(ledger: Ledger, provider: Provider, hour: datetime) -> None:
    provider.rules["/v1/orders"] = listing([order("1", hour)], style="B", size=20)
    run(ledger, provider, target=0.0)
    with ledger.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(notices)) == 0
