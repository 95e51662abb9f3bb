"""Does each rule find its own case, and nothing in an honest ledger?"""

from datetime import datetime

import pytest

from service.core.kinds import KINDS
from service.core.observation import Key
from service.ledger.engine import Ledger
from service.ledger.rules import RULES
from service.ledger.rules.check import check
from service.ledger.rules.single import NOTIFIED_ENDS
from tests.books import Row, charge, order, part, put
from tests.ledger.planted import ELSEWHERE
from tests.ledger.stories import HONEST, WRONG, Found


def found(ledger: Ledger, now: datetime, *rows: Row, touch: Row | None = None) -> Found:
    """(rule, id, ours, theirs) of every finding over the rows, or over what one row leads to."""
    with ledger.begin() as connection:
        keys = put(connection, rows)
        if touch is not None:
            keys = [Key(touch["account"], touch["kind"], touch["object_id"])]
        findings = check(connection, keys, now=now).found
    return [(f.rule, f.key.object_id, f.ours, f.theirs) for f in findings]


@pytest.mark.parametrize("story", HONEST)
def test_an_honest_ledger_has_no_findings(ledger: Ledger, now: datetime, story: str) -> None:
    assert [f for f in found(ledger, now, *HONEST[story]) if f[0] != "conflict"] == []


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
