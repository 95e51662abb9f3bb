"""Targets are filled from the kinds' paths, and nothing but an id gets into one."""

import pytest

from service.core.kinds import KINDS
from service.pingpp.targets import list_target, object_targets, sibling_targets


@pytest.mark.parametrize(
    ("kind", "place", "targets"),
    [
        ("order", {}, ["/v1/orders/x1"]),
        ("charge", {}, ["/v1/charges/x1"]),
        ("refund", {"charge_id": "ch_1"}, ["/v1/charges/ch_1/refunds/x1"]),
        (
            "order_refund",
            {"order_id": "2001"},
            ["/v1/orders/2001/refunds/x1", "/v1/orders/2001/order_refunds/x1"],
        ),
        ("withdrawal", {"app": "app_1"}, ["/v1/apps/app_1/withdrawals/x1"]),
        ("allocation", {}, ["/v1/allocations/x1"]),
        ("allocation_refund", {}, ["/v1/allocation_refunds/x1", "/v1/allocations/x1"]),
        ("allocation_complete", {}, ["/v1/allocation_completes/x1"]),
    ],
)
def test_every_kind_has_its_targets(
    kind: str, place: dict[str, str | None], targets: list[str]
) -> None:
    assert object_targets(KINDS[kind], "x1", place) == targets


@pytest.mark.parametrize("bad", ["", "a/b", "..", "a b", "a%2fb", "a?b", "é", "x" * 129, "a\n"])
def test_what_is_not_an_id_asks_for_nothing(bad: str) -> None:
    assert object_targets(KINDS["order"], bad, {}) == []
    assert object_targets(KINDS["order_refund"], "re_1", {"order_id": bad}) == []


def test_a_withdrawal_of_an_unknown_app_is_asked_for_in_each() -> None:
    found = object_targets(KINDS["withdrawal"], "w1", {"app": None}, apps=("app_1", "app_2"))
    assert found == ["/v1/apps/app_1/withdrawals/w1", "/v1/apps/app_2/withdrawals/w1"]


def test_an_object_without_its_parent_cannot_be_asked_for() -> None:
    assert object_targets(KINDS["order_refund"], "re_1", {"order_id": None}) == []


def test_the_refunds_of_an_order_are_listed_beside_each_other() -> None:
    place = {"order_id": "2001"}
    found = sibling_targets(KINDS["order_refund"], place, "B", page=2, after=None)
    assert found == [
        "/v1/orders/2001/refunds?page=2&per_page=20",
        "/v1/orders/2001/order_refunds?page=2&per_page=20",
    ]


def test_pages_are_asked_for_in_both_styles() -> None:
    (orders,), (charges,) = KINDS["order"].lists, KINDS["charge"].lists
    assert list_target(orders, "app_1", page=3, after=None, created={"gte": 7}) == (
        "/v1/orders?app=app_1&created%5Bgte%5D=7&page=3&per_page=20"
    )
    assert list_target(charges, "app_1", page=3, after="ch_9", created={}) == (
        "/v1/charges?app%5Bid%5D=app_1&limit=100&starting_after=ch_9"
    )
