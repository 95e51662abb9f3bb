"""What was added up beforehand and what came since are together what the journal says."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from service.core.errors import Raced
from service.core.journal import DEPOSITS, wallet
from service.ledger import closings, counted, journal
from service.ledger.engine import Ledger
from service.ledger.journal import Balance, Span
from service.ledger.schema import meta, postings
from service.ledger.views import money
from service.work.count import count

NOW = datetime(2026, 11, 24, 12, 7, 31, tzinfo=UTC)
_SIDES = (
    ("charge", "clearing:wx", "orders"),
    ("charge", "payable:a", "clearing:wx"),
    ("order_refund", "refunds", "clearing:alipay"),
    ("allocation", "payable:a", "wallet:a-u1"),
    ("withdrawal", "transit", "bank"),
    ("order", "orders", "payable:a"),
)


def put(ledger: Ledger, first: int, number: int, **other: Any) -> None:
    chance = random.Random(first)
    rows: list[dict[str, Any]] = []
    for n in range(first, first + number):
        kind, debit, credit = chance.choice(_SIDES)
        rows.append(
            {
                "account": chance.choice(("shop", "other")),
                "kind": kind,
                "object_id": f"x{n}",
                "entry": 2,
                "line": 1,
                "debit": debit,
                "credit": credit,
                "amount": chance.randint(1, 999),
                "currency": chance.choice(("cny", "usd")),
                "happened_at": NOW - timedelta(minutes=chance.randint(0, 3_000)),
                "known_at": NOW,
                "corrects": chance.choice((None, 1)),
            }
            | other
        )
    with ledger.begin() as connection:
        connection.execute(sa.insert(postings), rows)


def sums(ledger: Ledger, **span: Any) -> dict[tuple[str, str, int], tuple[int, int]]:
    with ledger.read() as connection:
        found = money.moved(connection, **span)
    return {(one.measure, one.currency, one.hour): (one.amount, one.count) for one in found}


def test_a_span_is_the_same_before_while_and_after_it_is_added_up(ledger: Ledger) -> None:
    put(ledger, 0, 300)
    day = datetime(2026, 11, 23, 16, tzinfo=UTC)
    spans: list[dict[str, Any]] = [
        {"since": day, "until": NOW},
        {"since": day - timedelta(days=1), "until": day},
        {"since": day, "until": day + timedelta(minutes=7)},
        {"since": day, "until": NOW, "scope": frozenset({"shop"})},
    ]
    before = [sums(ledger, **span) for span in spans]
    assert all(before[:2])
    assert sum(moved for _, moved in before[0].values()) < 300
    count(ledger)
    assert [sums(ledger, **span) for span in spans] == before
    put(ledger, 300, 200)
    some = [sums(ledger, **span) for span in spans]
    assert some != before
    count(ledger)
    assert [sums(ledger, **span) for span in spans] == some


def test_what_a_person_puts_in_counts_as_paid(ledger: Ledger) -> None:
    of_deposit = {"kind": "deposit", "debit": DEPOSITS, "credit": wallet("a", "u1")}
    put(ledger, 0, 1, **of_deposit, amount=7, corrects=None)
    found = sums(ledger, since=NOW - timedelta(days=3), until=NOW + timedelta(hours=1))
    assert [(measure, moved) for (measure, *_), moved in found.items()] == [("paid", (7, 1))]


def everything(ledger: Ledger, accounts: list[str] | None, limit: int) -> list[Balance]:
    found: list[Balance] = []
    after: list[str] | None = None
    while True:
        with ledger.read() as connection:
            page, after = counted.balances(connection, accounts, after=after, limit=limit)
        assert len(page) <= limit
        found += page
        if after is None:
            return found


def test_balances_come_page_by_page_and_are_what_the_journal_says(ledger: Ledger) -> None:
    for first in (0, 60):
        put(ledger, first, 50)
        for _ in range(2):
            with ledger.read() as connection:
                journals = journal.balances(connection, Span())
                shops = journal.balances(connection, Span("shop"))
            for limit in (1, 3, 200):
                assert everything(ledger, None, limit) == journals
            assert everything(ledger, ["shop"], 2) == shops
            count(ledger)
    assert everything(ledger, [], 5) == []


def test_each_posting_is_added_once_whoever_adds(ledger: Ledger) -> None:
    put(ledger, 0, 10)
    cut = closings.cut(ledger)
    assert counted.advance(ledger, cut)
    assert not counted.advance(ledger, cut)
    put(ledger, 10, 10)
    assert not counted.advance(ledger, cut)
    with ledger.begin() as connection:
        # another process was here between our look and our write
        connection.execute(sa.update(meta).where(meta.c.name == counted.COUNTED).values(value="5"))
        with pytest.raises(Raced):
            counted.move_mark(connection, cut, cut + 10)
