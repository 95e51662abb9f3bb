"""A request is held against its row before it is sent, and against the same row when it arrives."""

from typing import Any

import pytest

from service.pingpp.endpoints import OPERATIONS
from service.pingpp.endpoints.check import Given, Invalid, ensure, meant, problems
from service.pingpp.endpoints.request import (
    body_bytes,
    param_at,
    query_text,
    read_query,
    sort_out,
    targets,
)
from tests.document import APP, REQUESTS

GOOD: dict[str, dict[str, Any]] = {example.operation: example.values for example in REQUESTS}


def told(operation: str, values: dict[str, Any]) -> list[tuple[str, str]]:
    row = OPERATIONS[operation]
    return [(found.param, found.reason) for found in problems(row, sort_out(row, values))]


def without(operation: str, *names: str) -> dict[str, Any]:
    return {name: value for name, value in GOOD[operation].items() if name not in names}


@pytest.mark.parametrize(
    ("operation", "values", "problem"),
    [
        ("order.create", {"amount": 1.5}, ("amount", "type")),
        ("order.create", {"amount": True}, ("amount", "type")),
        ("order.create", {"amount": "1"}, ("amount", "type")),
        ("order.create", {"amount": 0}, ("amount", "range")),
        ("order.create", {"amount": 2**63}, ("amount", "range")),
        ("order.create", {"currency": "usd"}, ("currency", "word")),
        ("order.create", {"client_ip": "localhost"}, ("client_ip", "type")),
        ("order.create", {"merchant_order_no": "a-b"}, ("merchant_order_no", "type")),
        ("order.create", {"merchant_order_no": "a" * 65}, ("merchant_order_no", "length")),
        ("order.create", {"description": "图" * 256}, ("description", "length")),
        ("order.create", {"description": ""}, ("description", "length")),
        ("order.create", {"allocation": "true"}, ("allocation", "type")),
        ("order.create", {"time_expire": 1663761038000}, ("time_expire", "range")),
        ("order.create", {"subject": ""}, ("subject", "missing")),
        ("order.create", {"subject": "a\0"}, ("subject", "type")),
        ("order.create", {"subject": "\ud800"}, ("subject", "type")),
        ("order.create", {"metadata": []}, ("metadata", "type")),
        ("order.create", {"metadata": {str(n): n for n in range(21)}}, ("metadata", "pairs")),
        ("order.create", {"metadata": {"note": "x" * 1000}}, ("metadata", "length")),
        ("order.create", {"amout": 1}, ("amout", "unknown")),
        ("order.pay", {"channel": "alipay"}, ("channel", "word")),
        ("order.pay", {"extra": {}}, ("extra.return_url", "missing")),
        ("order.pay", {"extra": "https://a"}, ("extra", "type")),
        ("order.retrieve", {"order_id": "../users"}, ("order_id", "type")),
        ("order.retrieve", {"order_id": "1" * 129}, ("order_id", "length")),
        ("order_refund.create", {"amount": "1.00"}, ("amount", "type")),
        ("deposit.create", {"extra": {"url": "https://a"}}, ("extra.return_url", "missing")),
        ("settle_account.create", {"recipient": "6214"}, ("recipient", "type")),
        ("sub_app.create", {"user": {}}, ("user", "type")),
        ("sub_app.create", {"display_name": "一"}, ("display_name", "length")),
        ("allocation.create", {"recipients": []}, ("recipients", "missing")),
        ("allocation.create", {"recipients": "WHDR"}, ("recipients", "type")),
        ("allocation.create", {"recipients": ["WHDR"]}, ("recipients[0]", "type")),
        ("allocation.create", {"recipients": [{"user": "a"}]}, ("recipients[0].amount", "missing")),
        ("user.create", {"gender": "male"}, ("gender", "word")),
        ("upload_pic", {"pic": "<jpeg>"}, ("pic", "type")),
        ("withdrawal.list", {"per_page": 101}, ("per_page", "range")),
        ("withdrawal.list", {"created": {"since": 7}}, ("created.since", "unknown")),
    ],
)
def test_what_is_wrong_is_named(
    operation: str, values: dict[str, Any], problem: tuple[str, str]
) -> None:
    assert problem in told(operation, {**GOOD[operation], **values})


@pytest.mark.parametrize("operation", GOOD)
def test_a_parameter_that_must_be_given_is_missed(operation: str) -> None:
    needed = [
        param.name
        for param in OPERATIONS[operation].params
        if param.need.value == "yes" and "." not in param.name and not param.fixed
    ]
    missed = {name for name, reason in told(operation, {}) if reason == "missing"}
    assert set(needed) <= missed


@pytest.mark.parametrize(
    ("operation", "values"),
    [
        ("order_refund.create", {"amount": "100"}),  # L1397
        ("order.pay", {"extra": {"url": "https://a", "more": 1}}),  # L1272, L1271
        ("order.pay", {"channel": "yeepay_wx_lite", "extra": None}),
        ("withdrawal.create_personal", {"channel": "yepay"}),  # facts §7 row 3
        ("sub_app.create", {"user": "biz_003"}),  # L333
        ("allocation_refund.create", {"senders": {"user": "WHDR", "amount": 1}}),  # L1657
        ("allocation.create", {"recipients": [{"user": "a", "amount": 1, "description": "分"}]}),
        ("withdrawal.list", {"page": "2", "per_page": 20, "created": {"gte": "1663574433"}}),
    ],
)
def test_what_the_document_says_in_two_ways_is_taken_in_both(
    operation: str, values: dict[str, Any]
) -> None:
    assert told(operation, {**GOOD[operation], **values}) == []


def test_an_enterprises_certificates_are_all_asked_for() -> None:
    missed = told("mch_application.create", {"app_id": APP})
    assert len(missed) == 26
    assert {reason for _, reason in missed} == {"missing"}
    assert ("business_license.number", "missing") in missed


def test_problems_never_quote_a_value() -> None:
    row = OPERATIONS["cus_application.create"]
    bad = {**GOOD[row.name], "cert_number": 420381199206062220, "user": "张三 李四"}
    with pytest.raises(Invalid) as caught:
        ensure(row, sort_out(row, bad))
    assert "4203" not in str(caught.value)
    assert "张" not in str(caught.value)


def test_an_endless_request_is_told_of_in_short() -> None:
    row = OPERATIONS["user.create"]
    found = problems(row, sort_out(row, {f"\x1b[2J{n}" * 40: n for n in range(5000)}))
    assert len(found) == 50
    assert all(len(one.param) <= 64 and one.param.isprintable() for one in found)


def test_a_withdrawal_is_the_one_that_its_values_mean() -> None:
    rows = [OPERATIONS["withdrawal.create_personal"], OPERATIONS["withdrawal.create_enterprise"]]
    for row in rows:
        given = sort_out(row, GOOD[row.name])
        assert meant(rows, given) is row
    decisions = [OPERATIONS["withdrawal.confirm"], OPERATIONS["withdrawal.cancel"]]
    path = {"app_id": APP, "withdrawal_id": "1"}
    assert meant(decisions, Given(path, {}, {"status": "canceled"})) is decisions[1]


def test_what_is_fixed_is_sent_without_being_given() -> None:
    row = OPERATIONS["withdrawal.cancel"]
    given = sort_out(row, {"app_id": APP, "withdrawal_id": "17"})
    assert body_bytes(row, given) == b'{"status":"canceled"}'
    assert targets(row, given) == [f"/v1/apps/{APP}/withdrawals/17"]


def test_both_paths_of_an_orders_refunds_are_filled() -> None:
    row = OPERATIONS["order_refund.list"]
    given = sort_out(row, {"order_id": "2001", "page": 2, "created": {"gte": 7}})
    query = "?page=2&created%5Bgte%5D=7"
    assert targets(row, given) == [
        "/v1/orders/2001/refunds" + query,
        "/v1/orders/2001/order_refunds" + query,
    ]


def test_a_query_is_nested_as_it_was_given() -> None:
    query = {"app": {"id": "app_1"}, "paid": True, "created": {"gte": 1, "lt": 2}}
    assert query_text(query) == "app%5Bid%5D=app_1&paid=true&created%5Bgte%5D=1&created%5Blt%5D=2"
    pairs = [("app[id]", "app_1"), ("paid", "true"), ("created[gte]", "1"), ("created[lt]", "2")]
    assert read_query(pairs) == {
        "app": {"id": "app_1"},
        "paid": "true",
        "created": {"gte": "1", "lt": "2"},
    }
    assert read_query([("a", "1"), ("a[b]", "2"), ("[c]", "3")]) == {
        "a": "1",
        "a[b]": "2",
        "[c]": "3",
    }


def test_the_body_is_compact_and_keeps_its_letters() -> None:
    row = OPERATIONS["user.create"]
    given = sort_out(row, {"app_id": APP, "id": "u1", "name": "张三"})
    assert body_bytes(row, given) == '{"id":"u1","name":"张三"}'.encode()


def test_a_parameter_is_found_at_any_place_of_its_list() -> None:
    found = param_at(OPERATIONS["allocation.create"], "recipients[12].amount")
    assert found is not None
    assert found.name == "recipients[].amount"
    assert param_at(OPERATIONS["allocation.create"], "recipients.amount") is None
