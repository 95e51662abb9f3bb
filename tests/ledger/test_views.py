"""What pages ask is right on both databases, and is answered by an index however much there is."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from service.core.observation import Key
from service.ledger import card_kept, counted, journal, listing, reads, story
from service.ledger.engine import Connection, Ledger, open_ledger
from service.ledger.paging import Listing
from service.ledger.schema import (
    beliefs,
    deliveries,
    dispatches,
    mismatches,
    observations,
    outbox,
    postings,
    slots,
)
from service.ledger.views import deliveries as inbox
from service.ledger.views import mismatches as desk
from service.ledger.views import money, objects, outgoing, running, stuck
from service.work.count import count
from tests.books import belief, order
from tests.conftest import VAULT

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MANY = 6_000
# at most a window, and what the filter of a page throws away in it
_WASTE = re.compile(r"Rows Removed by Filter: ([0-9]{5}|[2-9][0-9]{3})")
_TABLES = "beliefs|postings|deliveries|mismatches|slots|observations|outbox|dispatches"
_SCAN = re.compile(
    rf"Seq Scan on ({_TABLES})\b"
    rf"|SCAN ({_TABLES}|other)$"
)


def posting(number: int, kind: str, debit: str, credit: str, **more: Any) -> dict[str, Any]:
    return {
        "account": "shop",
        "kind": kind,
        "object_id": f"x{number}",
        "entry": 1,
        "line": 1,
        "debit": debit,
        "credit": credit,
        "amount": 100,
        "currency": "cny",
        "happened_at": NOW - timedelta(hours=1),
        "known_at": NOW,
        "corrects": None,
        **more,
    }


def test_what_moved_is_counted_by_what_it_was_and_taken_back_when_corrected(
    ledger: Ledger,
) -> None:
    rows = [
        posting(1, "charge", "clearing:wx", "orders"),
        posting(2, "charge", "orders", "clearing:wx", amount=40, entry=2, corrects=1),
        posting(3, "charge", "clearing:wx", "payable:a", amount=500),
        posting(4, "charge", "payable:a", "clearing:wx", amount=30),
        posting(5, "charge", "payable:a", "clearing:wx", amount=500, entry=2, corrects=1),
        posting(6, "order_refund", "refunds", "clearing:wx", amount=7),
        posting(7, "allocation", "payable:a", "wallet:a-u"),
        posting(8, "allocation_refund", "wallet:a-u", "payable:a", amount=20),
        posting(9, "withdrawal", "wallet:a-u", "transit"),
        posting(10, "withdrawal", "transit", "bank", amount=60),
        posting(11, "withdrawal", "transit", "bank", amount=9, currency="usd"),
        posting(12, "charge", "clearing:wx", "orders", amount=9, happened_at=NOW),
        posting(13, "charge", "clearing:wx", "orders", amount=8, account="other"),
        posting(14, "order", "orders", "payable:a", amount=77),
    ]
    with ledger.begin() as connection:
        for row in rows:
            connection.execute(sa.insert(postings), [row])
        found = money.moved(
            connection, since=NOW - timedelta(hours=2), until=NOW, scope=frozenset({"shop"})
        )
    sums: dict[tuple[str, str], int] = {}
    for one in found:
        assert one.hour == 1
        name = (one.measure, one.currency)
        sums[name] = sums.get(name, 0) + one.amount
    assert sums == {
        ("paid", "cny"): 60,
        ("refunded", "cny"): 37,
        ("allocated", "cny"): 80,
        ("withdrawn", "cny"): 60,
        ("withdrawn", "usd"): 9,
    }


def test_a_rare_row_is_found_page_by_page_within_the_window(ledger: Ledger) -> None:
    with ledger.begin() as connection:
        rows = [
            order(
                f"o{n:05d}",
                status="canceled" if n in (10, 4_900) else "paid",
                updated_at=NOW - timedelta(seconds=n // 3),
            )
            for n in range(5_000)
        ]
        connection.execute(sa.insert(beliefs), rows)
    seen: list[str] = []
    after, pages = None, 0
    with ledger.read() as connection:
        while True:
            asked = objects.Asked(status="canceled")
            found = objects.page(connection, None, asked, after=after, size=50)
            seen += [one.object_id for one in found.rows]
            pages += 1
            after = found.following
            if after is None:
                break
    assert sorted(seen) == ["o00010", "o04900"]
    assert pages == 3


@pytest.fixture
def crowded(fresh_database: Callable[[], str]) -> Iterator[Ledger]:
    """A ledger with many rows of everything."""
    with closing(open_ledger(fresh_database(), VAULT)) as ledger:
        with ledger.begin() as connection:
            for table, rows in _crowd():
                connection.execute(sa.insert(table), rows)
            connection.execute(sa.text("ANALYZE"))
        count(ledger)
        yield ledger


def _crowd() -> Iterator[tuple[sa.Table, list[dict[str, Any]]]]:
    ago = [NOW - timedelta(minutes=n) for n in range(MANY)]
    yield (
        beliefs,
        [
            belief(
                ("order", "charge", "withdrawal")[n % 3],
                f"o{n}",
                "paid",
                order_no=f"n{n}",
                order_id=f"p{n}",
                charge_id=f"c{n}",
                user_id=f"u{n}",
                transaction_no=f"t{n}",
                created_at=ago[n],
                updated_at=ago[n],
            )
            for n in range(MANY)
        ],
    )
    yield (
        postings,
        [posting(n, "charge", "clearing:wx", "orders", happened_at=ago[n]) for n in range(MANY)],
    )
    yield (
        deliveries,
        [
            {
                "account": "shop",
                "dedup_key": f"e{n}",
                "content_digest": "d",
                "body": b"b",
                "signature": "s",
                "key_fingerprint": "f",
                "received_at": ago[MANY - 1 - n],
                "verdict": "accepted",
                "state": "applied" if n % 1_000 else "quarantined",
            }
            for n in range(MANY)
        ],
    )
    yield (
        mismatches,
        [
            {
                "rule": "overdue",
                "account": "shop",
                "kind": "order",
                "object_id": f"o{n}",
                "state": "open" if n % 100 == 0 else "settled",
                "severity": "warning",
                "ours": "a",
                "theirs": "b",
                "found_at": NOW,
            }
            for n in range(MANY)
        ],
    )
    yield (
        observations,
        [
            {
                "account": "shop",
                "kind": "order",
                "object_id": f"o{n // 3}",
                "source": "webhook",
                "seen_at": ago[n],
                "recorded_at": ago[n],
                "delivery_id": n + 1,
                "decision": "applied",
                "body": '{"status":"paid","seen_at":1}',
            }
            for n in range(MANY)
        ],
    )
    sent = [(f"shop/order/o{n // 3}", n % 3 + 1) for n in range(MANY)]
    yield (
        outbox,
        [
            {
                "id": n + 1,
                "message_id": f"m{n}",
                "stream": stream,
                "seq": seq,
                "account": "shop",
                "type": "order.paid",
                "body": bytes(600),
                "created_at": ago[n],
            }
            for n, (stream, seq) in enumerate(sent)
        ],
    )
    yield (
        dispatches,
        [
            {
                "outbox_id": n + 1,
                "sink": "erp",
                "stream": stream,
                "seq": seq,
                "state": "sent" if n % 1_000 else "dead",
                "attempts": 1,
                "next_try_at": NOW,
            }
            for n, (stream, seq) in enumerate(sent)
        ],
    )
    yield (
        slots,
        [
            {"job": f"j{n % 4}", "slot_at": ago[n], "holder": "h", "started_at": ago[n]}
            for n in range(MANY)
        ],
    )


SHOP = frozenset({"shop"})


def asked(
    connection: Connection, shown: Listing, after: tuple[Any, ...] | None = None, **where: Any
) -> tuple[list[dict[str, Any]], list[Any] | None]:
    """A page of a list for programs."""
    return listing.page(connection, shown, accounts=None, where=where, after=after, limit=50)


Question = Callable[[Connection], object]
QUESTIONS: dict[str, Question] = {
    "money": lambda c: money.moved(c, since=NOW - timedelta(hours=3), until=NOW),
    "money of one": lambda c: money.moved(c, since=NOW - timedelta(hours=3), until=NOW, scope=SHOP),
    "stuck": lambda c: (
        stuck.standing(c, None, now=NOW),
        stuck.standing(c, SHOP, now=NOW),
        stuck.longest(c, SHOP, now=NOW, limit=5),
        stuck.causes(c, None),
    ),
    "objects": lambda c: objects.page(c, None, objects.Asked(), after=None, size=50),
    "objects, filtered": lambda c: objects.page(
        c,
        SHOP,
        objects.Asked(account="shop", kind="order", status="failed", since=NOW - timedelta(days=2)),
        after=(NOW - timedelta(hours=5), "shop", "order", "o1"),
        size=50,
    ),
    "search": lambda c: objects.search(c, None, "n77", apps=["app_1"], limit=50),
    "related": lambda c: objects.related(c, objects.search(c, None, "o77", apps=[], limit=1)[0]),
    "deliveries": lambda c: inbox.page(
        c,
        SHOP,
        inbox.Asked(reason="odd", since=NOW - timedelta(hours=9), until=NOW),
        after=(MANY - 3,),
        size=50,
    ),
    "quarantine": lambda c: inbox.page(
        c, None, inbox.Asked(state="quarantined"), after=None, size=50
    ),
    "event": lambda c: objects.delivery_of(c, None, "e77"),
    "desk": lambda c: desk.page(c, None, desk.Asked(rule="overdue"), after=None, size=50),
    "desk, settled": lambda c: desk.page(
        c, SHOP, desk.Asked(state="settled"), after=(MANY,), size=50
    ),
    "jobs": lambda c: running.firings(c, running.jobs(c), limit=12),
    "keys": lambda c: running.keys_seen(c, SHOP),
    "audit": lambda c: running.noted(c, who=None, after=None, size=50),
    "programs: objects": lambda c: (
        asked(c, listing.OBJECTS, account="shop", kind="order"),
        asked(c, listing.OBJECTS, after=("shop", "order", "o1"), status="failed"),
        asked(c, listing.OBJECTS, order_no="n77"),
        asked(c, listing.OBJECTS, transaction_no="t77"),
    ),
    "programs: deliveries": lambda c: (
        asked(c, listing.DELIVERIES, after=(3_000,), type="x"),
        asked(c, listing.DELIVERIES, state="quarantined"),
    ),
    "programs: mismatches": lambda c: (
        asked(c, listing.MISMATCHES, state="open", severity="critical"),
        asked(c, listing.MISMATCHES, id="o77"),
    ),
    "programs: journal": lambda c: (
        asked(c, listing.JOURNAL, after=(3_000,), kind="withdrawal"),
        asked(c, listing.JOURNAL, id="x77"),
        asked(c, listing.JOURNAL, order_id="p77"),
    ),
    "balances": lambda c: counted.balances(c, SHOP, after=None, limit=50),
    "card": lambda c: card_kept.lines(c, SHOP, since=NOW.date(), until=NOW.date(), limit=50),
    "an object": lambda c: reads.is_known(c, Key("shop", "order", "o78")),
    "an object's story": lambda c: (
        story.tell(c, Key("shop", "order", "o78")),
        journal.of_one(c, Key("shop", "charge", "x78"), limit=50),
    ),
    "sinks": lambda c: (
        outgoing.backlog(c, SHOP, "erp"),
        outgoing.dead(c, None, "erp"),
        outgoing.dead_letters(c, SHOP, sink="erp", after=None, size=50),
    ),
}


def test_no_page_reads_a_whole_table(crowded: Ledger) -> None:
    with crowded.begin() as connection:
        for name, question in QUESTIONS.items():
            for plan in explained(connection, question):
                wrong = [one for one in plan if _SCAN.search(one) or _WASTE.search(one)]
                assert wrong == [], "\n".join([name, *plan])


def test_a_story_asks_no_more_the_more_there_is_to_tell(crowded: Ledger) -> None:
    """Each question is a round trip."""
    with crowded.begin() as connection:
        told = story.tell(connection, Key("shop", "order", "o78"))
        assert [line.what for line in told].count("delivery") == 3
        assert [line.what for line in told].count("message") == 3
        much = Key("shop", "order", "o78")
        little = Key("shop", "order", "nowhere")
        asked = [
            len([*explained(connection, partial(story.tell, key=key))]) for key in (much, little)
        ]
    assert asked == [8, 7]


def test_sqlite_finds_new_postings_by_number_though_nothing_was_analyzed(ledger: Ledger) -> None:
    with ledger.begin() as connection:
        for plan in explained(connection, QUESTIONS["balances"]):
            assert not [one for one in plan if one.endswith("(account=?)") and "postings" in one]


def explained(connection: Connection, question: Question) -> Iterator[list[str]]:
    """How the database answers each statement of a question."""
    asked: list[tuple[str, Any]] = []

    def listen(*call: Any) -> None:
        asked.append((call[2], call[3]))

    event.listen(connection, "before_cursor_execute", listen)
    question(connection)
    event.remove(connection, "before_cursor_execute", listen)
    assert asked
    sqlite = connection.dialect.name == "sqlite"
    explain = "EXPLAIN QUERY PLAN" if sqlite else "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF)"
    for statement, values in asked:
        rows = connection.exec_driver_sql(f"{explain} {statement}", values)
        yield [str(row[-1]) for row in rows]


def test_a_program_finds_a_rare_row_page_by_page(ledger: Ledger) -> None:
    number = 1_100
    with ledger.begin() as connection:
        rows = [
            order(f"o{n:05d}", status="canceled" if n in (10, 1_050) else "paid")
            for n in range(number)
        ]
        connection.execute(sa.insert(beliefs), rows)
        moved = [
            posting(n, "charge" if n != 700 else "withdrawal", "a", "b", order_id="p")
            for n in range(number)
        ]
        connection.execute(sa.insert(postings), moved)
    assert found_of(ledger, listing.OBJECTS, status="canceled") == (["o00010", "o01050"], 3)
    assert found_of(ledger, listing.JOURNAL, kind="withdrawal") == (["x700"], 3)
    assert found_of(ledger, listing.OBJECTS, status="canceled", account="other") == ([], 1)


def test_a_program_finds_all_that_bear_one_number_however_many(ledger: Ledger) -> None:
    number = 1_100
    with ledger.begin() as connection:
        rows = [order(f"o{n:05d}", order_no="n1") for n in range(number)]
        connection.execute(sa.insert(beliefs), rows)
        moved = [posting(n, "charge", "a", "b", order_id="o00001") for n in range(number)]
        connection.execute(sa.insert(postings), moved)
        charges = [belief("charge", f"x{n}", "paid", order_id="o00001") for n in range(number)]
        connection.execute(sa.insert(beliefs), charges)
    ids, _ = found_of(ledger, listing.OBJECTS, order_no="n1")
    assert ids == [f"o{n:05d}" for n in range(number)]
    ids, _ = found_of(ledger, listing.JOURNAL, order_id="o00001")
    assert ids == [f"x{n}" for n in range(number)]


def test_no_account_is_left_out_where_there_are_many(ledger: Ledger) -> None:
    with ledger.begin() as connection:
        rows = [order("o1", account=f"a{n:03d}") for n in range(120)]
        connection.execute(sa.insert(beliefs), rows)
    with ledger.read() as connection:
        assert len(objects.accounts(connection, None)) == 120
    ids, _ = found_of(ledger, listing.OBJECTS)
    assert len(ids) == 120


def found_of(ledger: Ledger, shown: Listing, **where: Any) -> tuple[list[str], int]:
    """The ids on all pages, and how many pages these were."""
    ids: list[str] = []
    after, pages = None, 0
    while True:
        with ledger.read() as connection:
            rows, after = asked(connection, shown, after, **where)
        ids += [row["id"] for row in rows]
        pages += 1
        if after is None:
            return ids, pages
        after = tuple(after)
