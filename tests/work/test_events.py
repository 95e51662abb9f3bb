"""The provider's own events fill what no list shows, where there is a list of them at all."""

import threading
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from service.core.kinds import KINDS
from service.ledger import notices as notes
from service.ledger.engine import Ledger
from service.ledger.schema import beliefs, observations, pages
from service.work.backfill import Span, Walked
from service.work.events import ABSENT, walk_events
from service.work.rebuild import rebuild
from service.work.terms import AccountTerms, Terms
from tests import bodies
from tests.provider import Provider, answer

TERMS = Terms(accounts={"shop": AccountTerms(apps=frozenset({bodies.APP}))})
PATH = "/v1/events"


@pytest.fixture
def provider(now: datetime) -> Provider:
    return Provider(now)


def run(
    ledger: Ledger,
    provider: Provider,
    *,
    kinds: Collection[str] = tuple(KINDS),
    again: bool = False,
) -> list[Walked]:
    walked = walk_events(
        ledger,
        {"shop": provider.client()},
        Span(provider.at - timedelta(hours=30)),
        kinds=kinds,
        terms=TERMS,
        clock=provider.clock,
        stop=threading.Event(),
        pause=provider.pass_time,
        again=again,
    )
    return list(walked)


def event(provider: Provider, number: int, shown: bodies.Fields, **more: Any) -> bodies.Fields:
    """An event of so many minutes ago."""
    created = int(provider.at.timestamp()) - 60 * number
    return bodies.event(shown, id=f"evt_{number}", created=created, **more)


def listing(events: list[bodies.Fields]) -> Callable[[httpx2.Request], httpx2.Response]:
    """The list of events as facts §5 has it: newest first, at most twenty a page."""

    def show(request: httpx2.Request) -> httpx2.Response:
        query = request.url.params
        size = int(query["limit"])
        if size > 20:
            return answer(400, {"error": {"type": "invalid_request_error"}})
        low, high = (int(query.get(f"created[{w}]", d)) for w, d in (("gte", 0), ("lte", 2**40)))
        kept = [one for one in events if low <= one["created"] <= high]
        ids = [one["id"] for one in kept]
        start = ids.index(query["starting_after"]) + 1 if "starting_after" in query else 0
        some = kept[start : start + size]
        return answer(200, bodies.page(*some, has_more=start + size < len(kept)))

    return show


def known(ledger: Ledger) -> dict[str, tuple[str, bool]]:
    """Status by id, and whether any notification spoke of it."""
    with ledger.read() as connection:
        rows = connection.execute(
            sa.select(beliefs.c.object_id, beliefs.c.status, beliefs.c.heard_at)
        )
        return {name: (status, heard is not None) for name, status, heard in rows}


def test_what_no_list_shows_is_found_in_events(ledger: Ledger, provider: Provider) -> None:
    shown = [bodies.withdrawal(id=f"17{n:06d}", status="succeeded") for n in range(45)]
    events = [event(provider, n, one) for n, one in enumerate(shown)]
    provider.rules[PATH] = listing(events)
    (walked,) = run(ledger, provider)
    assert (walked.left, walked.done["new"], walked.done["pages"]) == (None, 45, 3)
    assert known(ledger) == {one["id"]: ("succeeded", False) for one in shown}
    with ledger.read() as connection:
        sources = set(connection.scalars(sa.select(observations.c.source)))
        assert connection.scalar(sa.select(sa.func.count()).select_from(pages)) == 0
    assert sources == {"replay"}
    *_, done = rebuild(ledger)
    assert done.differing == []


def test_only_objects_of_the_kinds_app_and_mode_are_taken(
    ledger: Ledger, provider: Provider
) -> None:
    provider.rules[PATH] = listing(
        [
            event(provider, 1, bodies.withdrawal(id="171", status="succeeded")),
            event(provider, 2, bodies.order(charges=None)),
            event(provider, 3, bodies.withdrawal(id="173", app="app_other")),
            event(provider, 4, bodies.withdrawal(id="174"), livemode=False),
            event(provider, 5, {"object": "nonsense"}),
        ]
    )
    (walked,) = run(ledger, provider, kinds=["withdrawal"])
    assert set(known(ledger)) == {"171"}
    assert (walked.done["listed"], walked.done["unread"]) == (1, 4)


@pytest.mark.parametrize("status", [404, 400])
def test_that_there_is_no_list_is_remembered_and_asked_again_on_demand(
    ledger: Ledger, provider: Provider, status: int
) -> None:
    provider.rules[PATH] = lambda _request: answer(status, {"error": {}})
    (walked,) = run(ledger, provider)
    assert (walked.left, walked.done) == (None, {"absent": 1})
    asked = len(provider.asked)
    assert run(ledger, provider) == []
    assert len(provider.asked) == asked
    provider.rules[PATH] = listing([event(provider, 1, bodies.withdrawal())])
    (walked,) = run(ledger, provider, again=True)
    assert walked.done["new"] == 1
    with ledger.read() as connection:
        assert not notes.is_known(connection, "shop", ABSENT)
    assert len(run(ledger, provider)) == 1


def test_trouble_is_not_taken_for_an_absence(ledger: Ledger, provider: Provider) -> None:
    provider.rules[PATH] = lambda _request: answer(401, {"error": {}})
    (walked,) = run(ledger, provider)
    assert walked.done["cut"] == 1
    assert walked.left is not None
    with ledger.read() as connection:
        assert not notes.is_known(connection, "shop", ABSENT)
