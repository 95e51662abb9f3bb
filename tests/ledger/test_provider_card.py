"""Is the card of the provider what a slow count over the same rows says?"""

import math
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import sqlalchemy as sa

from service.ledger import card_kept
from service.ledger.engine import Ledger
from service.ledger.provider_card import Ends, Events, Group, Line, Spread, read, weeks
from service.ledger.schema import beliefs, deliveries, observations

MONDAY = datetime(2026, 11, 15, 16, 0, tzinfo=UTC)
ALIPAY = Group("shop", "order", "alipay")


def at(minutes: float) -> datetime:
    return MONDAY + timedelta(minutes=minutes)


def belief(number: int, **other: Any) -> dict[str, Any]:
    """An order that was paid a minute after its making, and notified of ten seconds later."""
    return {
        "account": "shop", "kind": "order", "object_id": f"o{number}", "state": "{}",
        "status": "paid", "final": True, "conflict": False, "failing": False, "contested": "",
        "channel": "alipay", "created_at": at(number), "since_at": at(number + 1),
        "notified_at": at(number + 1), "heard_at": at(number + 1), "seq": 1,
        "updated_at": at(number + 1),
    } | other  # fmt: skip


def put(ledger: Ledger, rows: Sequence[dict[str, Any]]) -> None:
    with ledger.begin() as connection:
        connection.execute(sa.insert(beliefs), list(rows))


def tell(
    ledger: Ledger,
    number: int,
    delay: float,
    *,
    repeats: int = 0,
    decision: str = "applied",
    inside: bool = False,
    source: str = "webhook",
) -> None:
    """A notification about an order, made a minute after it; inside: its charge comes along."""
    said = at(number + 1)
    kept = {
        "account": "shop", "dedup_key": f"evt_{number}_{delay}_{decision}", "content_digest": "d",
        "body": b"{}", "signature": "s", "key_fingerprint": "f", "verdict": "accepted",
        "received_at": said + timedelta(seconds=delay), "state": "applied", "repeats": repeats,
    }  # fmt: skip
    seen = {
        "account": "shop", "kind": "order", "object_id": f"o{number}", "source": source,
        "seen_at": said, "recorded_at": said, "decision": decision,
        "body": f'{{"said_at":{int(said.timestamp())},"seen_at":0}}',
    }  # fmt: skip
    with ledger.begin() as connection:
        row = connection.execute(sa.insert(deliveries).values(kept).returning(deliveries.c.id))
        seen["delivery_id"] = row.scalar_one()
        connection.execute(sa.insert(observations).values(seen))
        if inside:
            charge = seen | {"kind": "charge", "object_id": f"ch{number}"}
            connection.execute(sa.insert(observations).values(charge))


def card(ledger: Ledger, now: datetime | None = None) -> dict[Group, Line]:
    with ledger.read() as connection:
        lines = read(
            connection, MONDAY.date(), MONDAY, MONDAY + timedelta(days=7), now=now or at(9_999)
        )
    return {line.group: line for line in lines}


def nearest(values: Sequence[int], percent: int) -> int:
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


def test_ends_that_were_told_asked_for_first_and_never_told(ledger: Ledger) -> None:
    asked = {"notified_at": None, "heard_at": None}
    put(
        ledger,
        [
            belief(1),
            belief(2, since_at=at(2.5)),  # seen by asking, half a minute before
            belief(3, **asked),
            belief(4, **asked, conflict=True),
            belief(5, **asked, since_at=at(5 + 3 * 24 * 60)),  # history: nobody notifies of it
            belief(6, **asked, status="created", final=False),
            belief(7, channel=None, kind="withdrawal", status="succeeded"),
            belief(8, created_at=at(-1)),
            belief(9, created_at=at(7 * 24 * 60)),
        ],
    )
    found = card(ledger)
    assert found[ALIPAY].ends == Ends(objects=6, due=3, lost=1, asked_first=2)
    assert found[ALIPAY].loss == pytest.approx(1 / 3)
    assert found[Group("shop", "withdrawal", "")].ends == Ends(1, 1, 0, 0)
    assert len(found) == 2


def test_what_the_provider_may_still_repeat_is_not_lost(ledger: Ledger) -> None:
    put(ledger, [belief(1, notified_at=None, heard_at=None)])
    assert card(ledger, at(11))[ALIPAY].ends == Ends(1, 0, 0, 0)
    assert card(ledger, at(13))[ALIPAY].ends == Ends(1, 1, 1, 1)


def test_notifications_are_counted_by_the_object_they_name(ledger: Ledger) -> None:
    put(ledger, [belief(number) for number in range(4)])
    put(ledger, [belief(0, kind="charge", object_id="ch0")])
    tell(ledger, 0, 2.5, repeats=2, inside=True)
    tell(ledger, 1, -3)  # its clock is ahead of ours
    tell(ledger, 2, 61, repeats=1, decision="late")
    tell(ledger, 3, 999, source="replay")
    found = card(ledger)
    assert found[ALIPAY].events == Events(events=3, repeats=3, late=1)
    assert found[ALIPAY].delay == Spread(3, 2_500_000, 61_000_000)
    charges = found[Group("shop", "charge", "alipay")]
    assert (charges.events, charges.delay) == (Events(), Spread())


@pytest.mark.parametrize("size", [1, 2, 99, 100, 101, 257])
def test_percentiles_are_those_of_a_sorted_list(ledger: Ledger, size: int) -> None:
    dice = random.Random(size)
    took = [dice.randrange(10**9) for _ in range(size)]
    put(
        ledger,
        [
            belief(1, object_id=f"o{number}", since_at=at(1) + timedelta(microseconds=micros))
            for number, micros in enumerate(took)
        ],
    )
    assert card(ledger)[ALIPAY].to_final == Spread(size, nearest(took, 50), nearest(took, 99))


def test_two_who_keep_a_week_at_once_keep_it_once(ledger: Ledger) -> None:
    lines = [Line(ALIPAY, MONDAY.date(), Ends(n), Events(), Spread(), Spread()) for n in (1, 2)]

    def keep(line: Line) -> None:
        with ledger.begin() as connection:
            card_kept.keep(connection, MONDAY.date(), [line], now=MONDAY)

    with ThreadPoolExecutor() as pool:
        with ledger.begin() as connection:
            card_kept.keep(connection, MONDAY.date(), lines[:1], now=MONDAY)
            other = pool.submit(keep, lines[1])
            # it writes as far as it comes, and waits there
            with suppress(TimeoutError):
                other.result(timeout=0.3)
        other.result()
    day = MONDAY.date()
    with ledger.read() as connection:
        assert card_kept.lines(connection, None, since=day, until=day, limit=9) == lines[1:]


def test_weeks_begin_on_the_zones_monday_and_keep_to_the_span() -> None:
    since, until = datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 30, 3, tzinfo=UTC)
    found = list(weeks(since, until, "Asia/Shanghai"))
    assert [str(monday) for monday, _, _ in found] == ["2026-11-16", "2026-11-23", "2026-11-30"]
    assert (found[0][1], found[-1][2]) == (since, until)
    assert all(one[2] == other[1] for one, other in pairwise(found))
    assert found[1][1].astimezone(UTC) == datetime(2026, 11, 22, 16, tzinfo=UTC)


def test_a_week_of_the_change_of_the_clocks_is_an_hour_longer() -> None:
    span = datetime(2026, 10, 20, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC)
    ((_, begin, end),) = list(weeks(*span, "Europe/Berlin"))
    assert (begin, end) == span
    whole = next(
        weeks(datetime(2026, 10, 18, 22, tzinfo=UTC), span[1] + timedelta(days=9), "Europe/Berlin")
    )
    assert whole[2].astimezone(UTC) - whole[1].astimezone(UTC) == timedelta(days=7, hours=1)
