"""Do batches, stretches and shared passes find what each rule finds over everything?"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.core.observation import Key
from service.ledger.engine import Connection, Ledger
from service.ledger.keys import as_parameter
from service.ledger.rules import RULES, Finding
from service.ledger.rules.check import check, check_stretch
from service.ledger.rules.passes import passes
from service.ledger.rules.scopes import Stretch, listed
from service.ledger.rules.sources import sources
from service.ledger.schema import beliefs
from tests.books import Row, charge, order, part, put
from tests.ledger.planted import ELSEWHERE
from tests.ledger.stories import WRONG

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
