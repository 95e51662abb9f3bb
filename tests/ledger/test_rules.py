"""Does each rule find its own case, and nothing in an honest ledger?"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from service.core.kinds import KINDS
from service.core.observation import Key
from service.ledger.engine import Connection, Ledger, open_ledger
from service.ledger.keys import as_parameter
from service.ledger.rules import BY_CODE, RULES, Finding
from service.ledger.rules.check import check, check_stretch
from service.ledger.rules.passes import passes
from service.ledger.rules.scopes import Stretch, listed
from service.ledger.rules.single import NOTIFIED_ENDS
from service.ledger.rules.sources import sources
from service.ledger.schema import beliefs
from tests.books import SEEN, Row, belief, charge, order, part, put, watch
from tests.conftest import VAULT
from tests.ledger.planted import ELSEWHERE, PLANTED, SOUND

Found = list[tuple[str, str, str, str]]


def found(ledger: Ledger, now: datetime, *rows: Row, touch: Row | None = None) -> Found:
    """(rule, id, ours, theirs) of every finding over the rows, or over what one row leads to."""
    with ledger.begin() as connection:
        keys = put(connection, rows)
        if touch is not None:
            keys = [Key(touch["account"], touch["kind"], touch["object_id"])]
        findings = check(connection, keys, now=now).found
    return [(f.rule, f.key.object_id, f.ours, f.theirs) for f in findings]


HONEST: dict[str, list[Row]] = {
    "an order paid by one charge": [order(), charge()],
    "an order paid by two charges, a third unpaid": [
        order(amount=100, amount_paid=100),
        charge("ch1", amount=60),
        charge("ch2", amount=40),
        charge("ch3", status="created", amount=100),
    ],
    # facts §6, 2017: paid by coupon and balance; no amount_paid, no charge
    "an order of the old shape": [order(amount=30, amount_paid=None)],
    "an order whose charges nobody showed yet": [order()],
    "an unpaid order that was asked for": [
        order(status="created", amount_paid=0),
        watch("order", "o1", looks=1),
    ],
    "a reversed charge, still counted": [order(), charge(status="reversed")],
    "a reversed charge, no longer counted": [
        order(status="created", amount_paid=0),
        charge(status="reversed"),
    ],
    "a partial refund": [
        order(status="refunded", amount_refunded=30),
        charge(amount_refunded=30),
        part("order_refund", "r1", 30, charge_id="ch1"),
        part("order_refund", "r2", 50, status="failed"),
        part("order_refund", "r3", 20, status="pending"),
        part("refund", "re1", 30, charge_id="ch1", order_id=None),
    ],
    "a charge whose refunded amount nobody showed": [
        order(status="refunded", amount_refunded=30),
        charge(amount_refunded=None),
        part("order_refund", "r1", 30),
    ],
    "a canceled order without money": [
        order(status="canceled", amount_paid=0),
        charge(status="created"),
    ],
    "a canceled order whose late payment went back": [
        order(status="canceled", amount_refunded=100),
        charge(amount_refunded=100),
        part("order_refund", "r1", 100),
    ],
    "an order shared out, a part of it given back": [
        order(status="refunded", amount_refunded=40),
        charge(amount_refunded=40),
        part("order_refund", "r1", 40),
        part("allocation", "a1", 100),
        part("allocation", "a2", 50, status="failed"),
        part("allocation_refund", "b1", 40, status="created", allocation_id="a1"),
    ],
    "charges and refunds that bear their order's number": [
        order(order_no="n1"),
        charge("ch1", order_no="n1", amount=60),
        charge("ch2", order_no="n1", amount=40),
        part("order_refund", "r1", 1, status="pending", order_no="n1"),
        part("order_refund", "r2", 1, status="pending", order_no="n1"),
    ],
    "two attempts to pay under one number, one of them paid": [
        charge("ch1", order_id=None, order_no="n1", status="created"),
        charge("ch2", order_id=None, order_no="n1"),
    ],
    "a watched order before its deadline": [
        order(status="created", amount_paid=0),
        watch("order", "o1", deadline_at=SEEN + timedelta(hours=2)),
    ],
    "a final order whose watch goes on": [
        order(),
        charge(),
        watch("order", "o1", deadline_at=SEEN),
    ],
    "an order that nobody could be asked for yet": [
        part("order_refund", "r1", 1, order_id="o9"),
        watch("order", "o9", failures=2),
    ],
    "a failed attempt to pay": [
        order(status="created", amount_paid=0, failing=True),
        charge(status="created", failing=True),
    ],
    "an order canceled in silence, as documented": [
        order(status="canceled", amount_paid=0, notified_at=None),
    ],
    "history that nobody notifies of": [
        order(notified_at=None, created_at=SEEN - timedelta(days=90)),
    ],
    "a charge told of with its order": [order(), charge(notified_at=None)],
    "sums of objects in conflict": [order(conflict=True, amount_refunded=500), charge(amount=1)],
    "a withdrawal that went well": [belief("withdrawal", "w1", "succeeded", amount=5)],
    **SOUND,
}


@pytest.mark.parametrize("story", HONEST)
def test_an_honest_ledger_has_no_findings(ledger: Ledger, now: datetime, story: str) -> None:
    assert [f for f in found(ledger, now, *HONEST[story]) if f[0] != "conflict"] == []


WRONG: dict[str, tuple[list[Row], Found]] = {
    "a fen less than its charges": (
        [order(amount_paid=99), charge()],
        [("paid_short", "o1", "100", "99"), ("paid_sum", "o1", "100", "99")],
    ),
    "paid, though its charge is not": (
        [order(), charge(status="created")],
        [("paid_sum", "o1", "0", "100")],
    ),
    "paid by no charge, as our own question showed": (
        [order(), watch("order", "o1", looks=1)],
        [("paid_sum", "o1", "0", "100")],
    ),
    "a charge in another currency adds nothing": (
        [order(), charge(currency="usd")],
        [("other_currency", "ch1", "cny", "usd"), ("paid_sum", "o1", "0", "100")],
    ),
    "a refund that the charge does not know": (
        [
            order(status="refunded", amount_refunded=30),
            charge(amount_refunded=20),
            part("order_refund", "r1", 30),
        ],
        [("refunded_sum_charges", "o1", "20", "30")],
    ),
    "a refund that the order does not know": (
        [order(), charge(), part("order_refund", "r1", 30)],
        [("refunded_sum_refunds", "o1", "30", "0")],
    ),
    "a refund that is still pending counts for nothing": (
        [
            order(status="refunded", amount_refunded=30),
            part("order_refund", "r1", 30, status="pending"),
        ],
        [("refunded_sum_refunds", "o1", "0", "30")],
    ),
    "money went back and no refund was seen": (
        [order(status="refunded", amount_refunded=30)],
        [("refund_unseen", "o1", "0", "30")],
    ),
    "a charge and its refunds": (
        [
            charge(order_id=None, amount_refunded=30),
            part("refund", "re1", 20, charge_id="ch1", order_id=None),
        ],
        [("charge_refunded_sum", "ch1", "20", "30")],
    ),
    "more back than in": (
        [
            order(status="refunded", amount_refunded=101),
            charge(amount_refunded=101),
            part("order_refund", "r1", 101),
        ],
        [("refunded_over_paid", "ch1", "100", "101"), ("refunded_over_paid", "o1", "100", "101")],
    ),
    "canceled, and the order says paid": (
        [order(status="canceled"), charge()],
        [("canceled_but_paid", "o1", "100", "canceled")],
    ),
    "canceled, and a charge was paid": (
        [
            order(status="canceled", amount_paid=None, amount_refunded=None),
            charge(amount_refunded=30),
        ],
        [("canceled_but_paid", "o1", "70", "canceled")],
    ),
    "paid twice": (
        [order(amount_paid=200), charge("ch1"), charge("ch2")],
        [("overpaid", "o1", "100", "200")],
    ),
    "more shared out than there is": (
        [
            order(status="refunded", amount_refunded=40),
            part("order_refund", "r1", 40),
            part("allocation", "a1", 100),
            part("allocation_refund", "b1", 30, allocation_id="a1"),
            part("allocation_refund", "b2", 10, status="failed", allocation_id="a1"),
        ],
        [("allocated_over_paid", "o1", "60", "70")],
    ),
    "an amount that changed": (
        [belief("withdrawal", "w1", "pending", contested="amount")],
        [("fact_changed", "w1", "one value", "amount")],
    ),
    "a number on two orders": (
        [order("o1", order_no="n1"), order("o2", order_no="n1"), order("o3", order_no="n3")],
        [("order_no_twice", "o2", "o2", "o1")],
    ),
    "a number on two payments without an order": (
        [
            charge("ch1", order_id=None, order_no="n1"),
            charge("ch2", order_id=None, order_no="n1"),
        ],
        [("order_no_twice", "ch2", "ch2", "ch1")],
    ),
    "past its deadline": (
        [
            belief("withdrawal", "w1", "pending"),
            watch("withdrawal", "w1", deadline_at=SEEN + timedelta(minutes=59)),
        ],
        [("overdue", "w1", "final", "pending")],
    ),
    "asked for in vain": (
        [watch("order", "o1", failures=6)],
        [("overdue", "o1", "final", "never seen")],
    ),
    "pending although a failure is named": (
        [belief("allocation_complete", "c1", "pending", failing=True)],
        [("pending_with_failure", "c1", "no failure", "pending")],
    ),
    "two ends": (
        [belief("withdrawal", "w1", "succeeded", conflict=True)],
        [("conflict", "w1", "one end", "succeeded")],
    ),
    "an end that nobody notified": (
        [belief("withdrawal", "w1", "failed", notified_at=None)],
        [("learned_by_polling", "w1", "notified", "failed")],
    ),
    "a word that nobody knows": (
        [belief("withdrawal", "w1", "unknown:parked")],
        [("unknown_status", "w1", "a known word", "unknown:parked")],
    ),
    "another currency": (
        [order(currency="usd", amount_paid=0, status="created")],
        [("other_currency", "o1", "cny", "usd")],
    ),
    **PLANTED,
}


@pytest.mark.parametrize("story", WRONG)
def test_a_rule_finds_its_case_with_both_sides(ledger: Ledger, now: datetime, story: str) -> None:
    rows, expected = WRONG[story]
    assert sorted(found(ledger, now, *rows)) == sorted(expected)


def test_every_rule_has_a_case() -> None:
    proven = {finding[0] for _, findings in WRONG.values() for finding in findings}
    assert proven | ELSEWHERE == {rule.code for rule in RULES}


LINKED: dict[str, tuple[list[Row], Row, Found]] = {
    "a charge": (
        [order(amount_paid=99), charge()],
        charge(),
        [("paid_short", "o1", "100", "99"), ("paid_sum", "o1", "100", "99")],
    ),
    "an order_refund": (
        [order(), part("order_refund", "r1", 30)],
        part("order_refund", "r1", 30),
        [("refunded_sum_refunds", "o1", "30", "0")],
    ),
    "a refund": (
        [charge(order_id=None), part("refund", "re1", 30, charge_id="ch1", order_id=None)],
        part("refund", "re1", 30),
        [("charge_refunded_sum", "ch1", "30", "0")],
    ),
    "an allocation": (
        [order(), part("allocation", "a1", 101)],
        part("allocation", "a1", 101),
        [("allocated_over_paid", "o1", "100", "101")],
    ),
    "an earlier object of the same number, which came later": (
        [order("o1", order_no="n1"), order("o2", order_no="n1")],
        order("o1"),
        [("order_no_twice", "o2", "o2", "o1")],
    ),
}


@pytest.mark.parametrize("touched", LINKED)
def test_touching_a_part_judges_the_whole(ledger: Ledger, now: datetime, touched: str) -> None:
    rows, touch, expected = LINKED[touched]
    assert found(ledger, now, *rows, touch=touch) == expected


def test_objects_of_another_account_do_not_count(ledger: Ledger, now: datetime) -> None:
    rows = [
        order(),
        charge(),
        charge("ch2", account="other"),
        order("o2", account="other", order_no="n1"),
        order("o3", order_no="n1"),
    ]
    assert found(ledger, now, *rows) == []


def test_notified_ends_are_words_of_kinds_that_are_notified() -> None:
    for kind, end in NOTIFIED_ENDS:
        assert KINDS[kind].notified
        assert KINDS[kind].words[end].branch


# --- scoped and over everything -------------------------------------------------------------------

_AMOUNT = st.sampled_from([None, 0, 50, 100])
_ORDER = st.sampled_from(["o1", "o2"])


@st.composite
def ledgers(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A small ledger of orders, charges and parts, as wrong as chance makes it."""
    rows: list[dict[str, Any]] = [
        order(
            name,
            status=draw(st.sampled_from(["created", "paid", "canceled"])),
            amount=100,
            amount_paid=draw(_AMOUNT),
            amount_refunded=draw(_AMOUNT),
            conflict=draw(st.integers(0, 9)) == 0,
            order_no=draw(st.sampled_from(["n1", "n2"])),
        )
        for name in ("o1", "o2")
    ]
    for number in range(draw(st.integers(0, 4))):
        rows.append(
            charge(
                f"ch{number}",
                status=draw(st.sampled_from(["created", "paid", "reversed"])),
                order_id=draw(_ORDER),
                amount=draw(st.sampled_from([50, 100])),
                amount_refunded=draw(_AMOUNT),
                conflict=draw(st.integers(0, 9)) == 0,
            )
        )
    kinds = st.sampled_from(["order_refund", "allocation", "allocation_refund", "refund"])
    for number in range(draw(st.integers(0, 4))):
        rows.append(
            part(
                draw(kinds),
                f"p{number}",
                draw(st.sampled_from([50, 100])),
                status=draw(st.sampled_from(["pending", "succeeded", "failed"])),
                order_id=draw(_ORDER),
                charge_id=draw(st.sampled_from(["ch0", "ch1"])),
            )
        )
    return rows


@pytest.fixture
def emptied(ledger: Ledger) -> Iterator[Connection]:
    """One transaction that is never committed: each example deletes what the last one put."""
    with ledger.begin() as connection:
        yield connection
        connection.rollback()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=ledgers(), cuts=st.integers(1, 5))
def test_any_slicing_finds_what_one_look_at_everything_finds(
    emptied: Connection, now: datetime, rows: list[dict[str, Any]], cuts: int
) -> None:
    emptied.execute(sa.delete(beliefs))
    keys = put(emptied, rows)
    at_once = check(emptied, keys, now=now).found
    sliced = [check(emptied, keys[n::cuts], now=now).found for n in range(cuts)]
    assert {finding for findings in sliced for finding in findings} == set(at_once)
    wholes = [one for one in stretches(keys) if one.kind in ("order", "charge")]
    stretched = [check_stretch(emptied, one, now=now).found for one in wholes]
    assert sorted(f for findings in stretched for f in findings) == sorted(
        f for f in at_once if f.key.kind in ("order", "charge")
    )
    assert [(f.rule, f.key) for f in at_once] == sorted(set(expected(rows)), key=_by_key)


def stretches(keys: Sequence[Key]) -> Iterator[Stretch]:
    """All objects of every kind, in two stretches each."""
    for account, kind in {key[:2] for key in keys}:
        middle = min(key.object_id for key in keys if key[:2] == (account, kind))
        yield Stretch(account, kind, "", middle)
        yield Stretch(account, kind, middle, None)


def test_passes_and_stretches_find_what_each_rule_finds_alone(
    ledger: Ledger, now: datetime
) -> None:
    """All stories at once, an account each."""
    rows = [
        dict(row) | {"account": f"shop{number}"}
        for number, (story, _) in enumerate(WRONG.values())
        for row in story
    ]
    given = {"now": now, "unfinished": now - timedelta(days=7)}
    with ledger.begin() as connection:
        keys = put(connection, rows)
        of = sources(ledger.dialect, listed(ledger.dialect))
        alone = [
            Finding(rule.code, Key(*row[:3]), *row[3:])
            for rule in RULES
            for row in connection.execute(rule.select(of), {"keys": as_parameter(keys), **given})
        ]
        together = check(connection, keys, now=now).found
        stretched = [check_stretch(connection, one, now=now).found for one in stretches(keys)]
    assert {finding.rule for finding in alone} == {rule.code for rule in RULES} - ELSEWHERE
    assert sorted(together) == sorted(alone)
    assert sorted(f for findings in stretched for f in findings) == sorted(alone)


def test_most_rules_share_a_pass(ledger: Ledger) -> None:
    """Those that need a SELECT of their own: the watches', the wallets' and the summaries'."""
    asked = passes(RULES, sources(ledger.dialect, listed(ledger.dialect)))
    assert sorted(one.codes for one in asked if not one.is_shared) == [
        ("overdue",),
        ("summary_amount",),
        ("summary_count",),
        ("wallet_differs",),
    ]
    assert len(asked) == 8


def _by_key(name: tuple[str, Key]) -> tuple[Key, str]:
    return name[1], name[0]


def expected(rows: Sequence[Row]) -> Iterator[tuple[str, Key]]:
    """The rules again, as plain arithmetic over the rows."""
    for one in rows:
        name = Key(one["account"], one["kind"], one["object_id"])
        yield from ((code, name) for code in _alone(one, rows))
        if one["kind"] == "order":
            parts = [p for p in rows if p["order_id"] == one["object_id"]]
            if not one["conflict"] and not any(p["conflict"] for p in parts):
                yield from ((code, name) for code in _of_order(one, parts))
        elif one["kind"] == "charge":
            refunds = [
                p for p in rows if p["kind"] == "refund" and p["charge_id"] == one["object_id"]
            ]
            back = sum(p["amount"] for p in refunds if p["status"] == "succeeded")
            told = one["amount_refunded"]
            if refunds and not one["conflict"] and told is not None and told != back:
                yield "charge_refunded_sum", name
            going = [p["amount"] for p in rows if _is_going_refund(p, one["object_id"])]
            if not one["conflict"] and max(going, default=0) > one["amount"]:
                yield "refund_over_charge", name


def _is_going_refund(one: Row, charge_id: str) -> bool:
    refund = one["kind"] in ("refund", "order_refund") and one["charge_id"] == charge_id
    return refund and one["status"] != "failed"


def _alone(one: Row, rows: Sequence[Row]) -> Iterator[str]:
    paid = one["amount"] if one["kind"] == "charge" else one["amount_paid"]
    back = one["amount_refunded"]
    if one["conflict"]:
        yield "conflict"
    elif paid is not None and back is not None and back > paid:
        yield "refunded_over_paid"
    if one["kind"] == "order" and not one["conflict"] and paid is not None:
        if one["status"] == "paid" and paid < one["amount"]:
            yield "paid_short"
        if one["status"] == "created" and paid >= one["amount"]:
            yield "paid_unsaid"
    if one["kind"] == "order" and any(
        other["kind"] == "order"
        and other["order_no"] == one["order_no"]
        and other["object_id"] < one["object_id"]
        for other in rows
    ):
        yield "order_no_twice"


def _of_order(one: Row, parts: Sequence[Row]) -> Iterator[str]:
    def total(kind: str, *statuses: str, column: str = "amount") -> int:
        return sum(p[column] or 0 for p in parts if p["kind"] == kind and p["status"] in statuses)

    paid, back = one["amount_paid"], one["amount_refunded"]
    charges = [p for p in parts if p["kind"] == "charge"]
    received, undone = total("charge", "paid"), total("charge", "reversed")
    if charges and paid is not None and paid not in (received, received + undone):
        yield "paid_sum"
    told = [p["amount_refunded"] for p in charges]
    if told and None not in told and back is not None and back != sum(told):
        yield "refunded_sum_charges"
    if back is not None and any(p["kind"] == "order_refund" for p in parts):
        if back != total("order_refund", "succeeded"):
            yield "refunded_sum_refunds"
    elif back:
        yield "refund_unseen"
    kept = sum(
        p["amount"] - p["amount_refunded"]
        for p in charges
        if p["status"] == "paid" and p["amount_refunded"] is not None
    )
    said = paid - back if paid is not None and back is not None else 0
    if one["status"] == "canceled" and max(said, kept) > 0:
        yield "canceled_but_paid"
    allocated = total("allocation", "succeeded")
    given = total("allocation_refund", "created", "pending", "succeeded")
    if allocated and paid is not None and allocated - given > paid - (back or 0):
        yield "allocated_over_paid"


# --- plans ----------------------------------------------------------------------------------------

MANY = 50_000


@pytest.fixture
def crowded(fresh_database: Callable[[], str]) -> Iterator[Ledger]:
    """A ledger with many objects, of which the planner has no statistics: the first minute."""
    with closing(open_ledger(fresh_database(), VAULT)) as ledger:
        with ledger.begin() as connection:
            if ledger.dialect == "postgresql":
                connection.execute(sa.text("ALTER TABLE beliefs SET (autovacuum_enabled = off)"))
            for start in range(0, MANY, 5000):
                rows = [_crowd(number) for number in range(start, start + 5000)]
                connection.execute(sa.insert(beliefs), rows)
        yield ledger


def _crowd(number: int) -> dict[str, Any]:
    """Ten thousand orders with a charge, a refund, an allocation and its refund each."""
    story, role = divmod(number, 5)
    if role == 0:
        return order(f"o{story}", order_no=f"n{story}")
    if role == 1:
        return charge(f"ch{story}", order_id=f"o{story}", order_no=f"n{story}")
    kind = ("order_refund", "allocation", "allocation_refund")[role - 2]
    return part(kind, f"p{number}", 1, order_id=f"o{story}", order_no=f"n{number}")


# By the names that the tables bear in the rules; PostgreSQL also tells what it read in vain.
_SCAN = re.compile(
    r"Seq Scan on beliefs|Rows Removed by Filter: [0-9]{4}"
    r"|SCAN (beliefs|part|charge_part|share_part|twin|namesake|watched|due|watch|watches)\b"
    r"|SCAN mismatches\b"
)


@pytest.mark.slow
def test_the_rules_reach_every_belief_by_its_index(crowded: Ledger, now: datetime) -> None:
    keys = [Key("shop", "order", f"o{n}") for n in range(0, 4000, 40)]
    keys += [Key("shop", "charge", f"ch{n}") for n in range(1, 4000, 40)]
    for preparation in ("SELECT 'no statistics yet'", "ANALYZE"):
        with crowded.begin() as connection:
            connection.execute(sa.text(preparation))
            plan = explained(connection, lambda: check(connection, keys, now=now))
        scans = [line for line in plan if _SCAN.search(line)]
        assert scans == [], "\n".join([preparation, *plan])


@pytest.mark.slow
def test_a_stretch_reads_itself_and_reaches_its_parts_by_their_index(
    crowded: Ledger, now: datetime
) -> None:
    for kind, first in (("order", "o1"), ("charge", "ch1"), ("allocation", "p1")):
        stretch = Stretch("shop", kind, first, f"{first}4")
        for preparation in ("SELECT 'no statistics yet'", "ANALYZE"):
            with crowded.begin() as connection:
                connection.execute(sa.text(preparation))
                plan = explained(connection, partial(check_stretch, connection, stretch, now=now))
            scans = [line for line in plan if _SCAN.search(line)]
            assert scans == [], "\n".join([preparation, *plan])


def explained(connection: Connection, question: Callable[[], object]) -> list[str]:
    """How the database answers the one statement that `question` executes."""
    asked: list[tuple[str, Any]] = []

    def listen(*call: Any) -> None:
        asked.append((call[2], call[3]))

    event.listen(connection, "before_cursor_execute", listen)
    question()
    event.remove(connection, "before_cursor_execute", listen)
    (statement, values), *_ = asked
    sqlite = connection.dialect.name == "sqlite"
    explain = "EXPLAIN QUERY PLAN" if sqlite else "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF)"
    rows = connection.exec_driver_sql(f"{explain} {statement}", values)
    return [str(row[-1]) for row in rows]


NAMESAKES = 1_000
# Rows of PostgreSQL, thousands of steps of SQLite: each order once with its number, not each pair.
WORK_LIMIT = {"postgresql": 10 * NAMESAKES, "sqlite": 2 * NAMESAKES}


def test_a_thousand_namesakes_are_not_each_compared_with_each(
    ledger: Ledger, now: datetime
) -> None:
    rows = [order(f"o{n:04d}", order_no="n1") for n in range(NAMESAKES)]
    with ledger.begin() as connection:
        keys = put(connection, rows)
        twice = [f for f in check(connection, keys, now=now).found if f.rule == "order_no_twice"]
        assert [(f.key.object_id, f.theirs) for f in twice] == [
            (row["object_id"], "o0000") for row in rows[1:]
        ]
        assert (
            work_of(connection, lambda: check(connection, keys, now=now))
            < WORK_LIMIT[ledger.dialect]
        )


def work_of(connection: Connection, question: Callable[[], object]) -> float:
    """How much the database goes through for an answer, by its own account."""
    if connection.dialect.name == "postgresql":
        plan = explained(connection, question)
        read = [re.search(r" on beliefs .*rows=([0-9.]+) loops=([0-9]+)", line) for line in plan]
        return sum(float(found[1]) * int(found[2]) for found in read if found)
    steps: list[int] = []
    driver: Any = connection.connection.driver_connection
    driver.set_progress_handler(lambda: steps.append(1), 1_000)
    question()
    driver.set_progress_handler(None, 0)
    return len(steps)


# --- the document ---------------------------------------------------------------------------------

DOCUMENT = Path(__file__).parents[2] / "docs" / "rules.md"


def test_the_document_says_what_the_rules_are() -> None:
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    table = [row for row in rows if len(row) == 7 and row[0].startswith("`")]
    assert [row[:5] for row in table] == [
        [
            f"`{rule.code}`",
            rule.severity,
            "setting" if rule.grace_seconds is None else f"{rule.grace_seconds:g}",
            rule.en,
            rule.zh,
        ]
        for rule in RULES
    ]
    assert all(row[5] and row[6] for row in table)


def test_the_document_names_both_sides_of_every_rule() -> None:
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    rows = [line.strip("|").split("|") for line in lines if line.startswith("| `")]
    assert [row[0].strip(" `") for row in rows if len(row) == 3] == list(BY_CODE)


@pytest.mark.parametrize("name", ["rules.md", "rules.zh-CN.md"])
def test_each_document_has_an_example_in_numbers_of_every_rule(name: str) -> None:
    lines = DOCUMENT.with_name(name).read_text(encoding="utf-8").splitlines()
    rows = [line.strip("|").split("|") for line in lines if line.startswith("| `")]
    assert [row[0].strip(" `") for row in rows if len(row) == 2] == list(BY_CODE)


def test_the_chinese_document_says_what_the_rules_are() -> None:
    text = DOCUMENT.with_name("rules.zh-CN.md").read_text(encoding="utf-8")
    for rule in RULES:
        grace = "按设置" if rule.grace_seconds is None else f"{rule.grace_seconds:g}"
        assert f"| `{rule.code}` | {rule.severity} | {grace} | {rule.zh} | " in text
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| `")]
    assert [row[0].strip(" `") for row in rows if len(row) == 3] == list(BY_CODE)
