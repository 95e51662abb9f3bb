"""Is every rule asked that can find anything about what was touched, and no other?"""

from datetime import datetime

import sqlalchemy as sa

from service.core.kinds import KINDS
from service.core.observation import Key
from service.ledger.engine import Ledger
from service.ledger.keys import as_parameter
from service.ledger.rules import RULES
from service.ledger.rules.reach import rules_about
from service.ledger.rules.scopes import listed_scope
from tests.books import charge, order, part, put


def codes(*kinds: str) -> set[str]:
    return {rule.code for rule in rules_about(kinds)}


def test_rules_of_any_kind_are_always_asked() -> None:
    everywhere = {rule.code for rule in RULES if not rule.kinds}
    assert everywhere
    for kind in KINDS:
        assert everywhere <= codes(kind)


def test_the_rules_about_an_object_are_asked_when_it_is_touched() -> None:
    for rule in RULES:
        for kind in rule.kinds:
            assert rule.code in codes(kind)


def test_touching_everything_asks_everything_in_order() -> None:
    assert rules_about(KINDS) == RULES


def test_what_a_part_leads_to_is_judged_with_it() -> None:
    assert {"paid_sum", "refunded_sum_refunds"} <= codes("charge") & codes("order_refund")
    assert "charge_refunded_sum" in codes("refund")
    assert "allocated_over_paid" in codes("allocation_refund")


def test_what_is_far_from_orders_asks_none_of_theirs() -> None:
    for kind in ("withdrawal", "user"):
        assert codes(kind).isdisjoint({"paid_sum", "charge_refunded_sum", "allocated_over_paid"})


def test_the_scope_leads_to_no_other_kind(ledger: Ledger, now: datetime) -> None:
    """Each object of a story touched alone: all that its scope holds has its rules asked."""
    story = [
        order(order_no="n1"),
        charge(order_no="n1"),
        part("order_refund", "re1", 10, charge_id="ch1"),
        part("refund", "re2", 10, charge_id="ch1"),
        part("allocation", "al1", 5),
        part("allocation_refund", "ar1", 5, allocation_id="al1"),
    ]
    with ledger.begin() as connection:
        keys = put(connection, story)
    for one in keys:
        reached = kinds_in_scope(ledger, one)
        assert one.kind in reached
        assert {rule.code for rule in RULES if reached & set(rule.kinds)} <= codes(one.kind)
    assert kinds_in_scope(ledger, keys[2]) == {"order_refund", "order", "charge"}


def kinds_in_scope(ledger: Ledger, one: Key) -> set[str]:
    scope = listed_scope(ledger.dialect)
    with ledger.read() as connection:
        return set(connection.scalars(sa.select(scope.c.kind), {"keys": as_parameter([one])}))
