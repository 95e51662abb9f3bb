"""What becomes of values that nobody documented: refused, left out, or cleaned?"""

from typing import Any

import pytest

from service.core.errors import Unreadable
from service.pingpp.reader import UnknownKind, read_event
from tests import bodies
from tests.pingpp.reading import read, sight, wire

BAD_AMOUNTS: list[Any] = [-1, 2**63, 10**23, True, None, "", [], {}, "100", "１００", "0x64", "1e2"]


@pytest.mark.parametrize("amount", BAD_AMOUNTS)
def test_an_amount_that_is_no_whole_number_of_fen_is_refused(amount: Any) -> None:
    with pytest.raises(Unreadable):
        read(bodies.order(amount=amount))


@pytest.mark.parametrize("raw", [b"100.0", b"1.5", b"1e2"])
def test_a_float_is_no_amount(raw: bytes) -> None:
    body = wire(bodies.event(bodies.order())).replace(b'"amount":1200,', b'"amount":' + raw + b",")
    with pytest.raises(Unreadable):
        read(dict(read_event(body).object))


def test_the_largest_amount_is_exact() -> None:
    assert read(bodies.order(amount=2**53 + 1)).facts["amount"] == 2**53 + 1
    assert read(bodies.order(amount=2**63 - 1)).facts["amount"] == 2**63 - 1


BAD_IDS: list[Any] = [
    None,
    "",
    1.5,
    {},
    [],
    "a b",
    "a\nb",
    "a/b",
    "x" * 129,
    "a\x00",
    "\ud800",
    "单",
]


@pytest.mark.parametrize("object_id", BAD_IDS)
def test_an_object_without_a_usable_id_is_refused(object_id: Any) -> None:
    with pytest.raises(Unreadable):
        read(bodies.order(id=object_id))


ODD: list[tuple[str, Any]] = [
    ("time_paid", "1780000050"),
    ("time_paid", 10**20),
    ("time_paid", -5),
    ("currency", "CNY"),
    ("currency", 156),
    ("currency", ["cny"]),
    ("created", 1780000000000),
]


@pytest.mark.parametrize(("name", "value"), ODD)
def test_an_odd_side_value_is_left_out_and_named(name: str, value: Any) -> None:
    seen = sight(bodies.order(**{name: value}))
    assert name not in seen.observations[0].facts
    assert seen.odd == [f"order.{name}"]


@pytest.mark.parametrize("charges", [None, "none", 7, [], {"data": None}, {"data": ["x", None]}])
def test_an_order_reads_without_its_charges(charges: Any) -> None:
    assert len(sight(bodies.order(charges=charges)).observations) == 1


def test_an_odd_charge_inside_does_not_hide_the_order() -> None:
    broken = [bodies.charge(amount="12"), bodies.charge(id="ch_2")]
    seen = sight(bodies.order(charges={"object": "list", "data": broken}))
    assert [one.key.object_id for one in seen.observations] == ["2012601010000000001", "ch_2"]
    assert seen.odd == ["order.inside.amount"]


def test_text_that_a_database_refuses_is_cleaned() -> None:
    seen = read(bodies.order(merchant_order_no="a\x00b\ud800c"))
    assert seen.facts["order_no"] == "a\ufffdb?c"


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({}, "not_an_event"),
        ({"object": "order", "type": "x"}, "not_an_event"),
        ({"object": "event", "type": None}, "not_an_event"),
        (bodies.event({}, data=None), "no_object"),
        (bodies.event({}, data={"object": None}), "no_object"),
        (bodies.event({}, data=[]), "no_object"),
    ],
)
def test_what_is_no_event_is_refused(fields: dict[str, Any], cause: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read_event(wire(fields))
    assert refused.value.cause == cause


def test_an_unknown_object_is_named() -> None:
    with pytest.raises(UnknownKind) as unknown:
        read({"id": "bt_1", "object": "balance_transaction"})
    assert unknown.value.wire == "balance_transaction"
    with pytest.raises(UnknownKind) as other:
        read(bodies.allocation(type="allocation_bonus"))
    assert other.value.wire == "allocation/allocation_bonus"
