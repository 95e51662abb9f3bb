"""Are the document's contradictions read by row (facts §7), and nothing looser?"""

from typing import Any

import pytest

from service.core.errors import Unreadable
from service.core.kinds import KINDS
from service.core.observation import Part
from tests import bodies
from tests.pingpp.reading import read, sight

STATUS_ROWS = [
    ("row 1", "withdrawal", "processing", "pending"),
    ("row 4", "allocation", "succeed", "succeeded"),
    ("row 4", "allocation", "processing", "pending"),
    ("row 4", "allocation", "failure", "failed"),
    ("row 4", "allocation", "created", "created"),
    ("row 5", "allocation_refund", "succeed", "succeeded"),
    ("row 6", "allocation_complete", "succeed", "succeeded"),
    ("row 6", "allocation_complete", "failed", "failed"),
    ("row 7", "order_refund", "success", "succeeded"),
    ("row 7", "order_refund", "succeeded", "succeeded"),
    ("row 11", "order", "canceled", "canceled"),
    ("row 2", "withdrawal", "cancelled", "canceled"),
]


@pytest.mark.parametrize(("row", "kind", "raw", "word"), STATUS_ROWS)
def test_status_words_are_read_by_name(row: str, kind: str, raw: str, word: str) -> None:
    assert read(bodies.SAMPLES[kind](status=raw)).status == word


@pytest.mark.parametrize("raw", ["PAID", "paid ", "frozen", "", None, 7, [], {"a": 1}])
def test_an_unknown_status_is_kept_raw_and_is_no_state(raw: Any) -> None:
    status = read(bodies.order(status=raw)).status
    assert status.startswith("unknown:")
    assert status not in KINDS["order"].words


def test_row_2_both_spellings_of_the_cancel_time() -> None:
    for name in ("time_canceled", "time_cancelled"):
        fields = {k: v for k, v in bodies.withdrawal().items() if k != "time_canceled"}
        assert read({**fields, name: 1780000500}).facts["time_canceled"] == 1780000500


def test_row_3_yepay_and_yeepay_are_one_channel() -> None:
    spelt = [read(bodies.charge(channel=c)).facts["channel"] for c in ("yepay_wx", "yeepay_wx")]
    assert spelt == ["yeepay_wx", "yeepay_wx"]


def test_row_8_pending_with_a_failure_is_pending_and_failing() -> None:
    seen = read(bodies.allocation_complete())
    assert seen.status == "pending"
    assert seen.attrs == {"failing": True, "failure_code": "OPR21040"}


def test_row_16_a_refund_amount_may_be_digits_but_an_order_amount_may_not() -> None:
    assert read(bodies.order_refund(amount="300")).facts["amount"] == 300
    with pytest.raises(Unreadable):
        read(bodies.order(amount="300"))


def test_row_17_optional_fields_of_a_refund_are_optional() -> None:
    seen = read(bodies.order_refund(transaction_no=None, refund=None, extra={"detail": "[]"}))
    assert "transaction_no" not in seen.attrs


def test_row_19_an_allocation_refund_calls_itself_an_allocation() -> None:
    assert read(bodies.allocation_refund()).key.kind == "allocation_refund"
    assert read(bodies.allocation()).key.kind == "allocation"


def test_row_20_type_and_senders_may_be_absent() -> None:
    fields = {k: v for k, v in bodies.allocation().items() if k not in ("type", "senders")}
    assert read(fields).key.kind == "allocation"


def test_row_21_the_charge_of_an_allocation_is_an_id_or_an_object() -> None:
    for spelt in ("ch_1", {"id": "ch_1", "order_no": "M"}):
        assert read(bodies.allocation(extra={"charge": spelt})).facts["charge_id"] == "ch_1"


def test_row_22_senders_are_a_list_or_one_object() -> None:
    one = {"user": "u1", "amount": 200, "status": "succeed"}
    for spelt in ([one], one):
        seen = read(bodies.allocation_refund(senders=spelt))
        assert seen.parts == (Part("sender/0/u1", "succeeded", 200),)


def test_row_31_the_old_shape_of_a_withdrawal_reads() -> None:
    seen = read(bodies.withdrawal(channel="unionpay", asset_transaction="", operation_url=""))
    assert seen.attrs["channel"] == "unionpay"
    assert "confirming" not in seen.attrs


def test_row_38_no_refunds_is_null_or_an_empty_list() -> None:
    empty: list[Any] = [None, [], {}, {"object": "list", "data": []}]
    for none in empty:
        assert len(sight(bodies.charge(refunds=none)).observations) == 1


def test_a_charges_refunds_are_seen_with_it() -> None:
    charge = bodies.charge(refunds={"object": "list", "data": [bodies.refund()]})
    _, refund = sight(charge).observations
    assert refund.facts["charge_id"] == charge["id"]


def test_an_operation_url_leaves_only_the_fact_that_there_is_one() -> None:
    seen = read(bodies.withdrawal(operation_url="https://pay.example/?token=secret"))
    assert seen.attrs["confirming"] is True
    assert "secret" not in repr(seen)


def test_an_id_as_a_number_is_text_where_the_document_shows_it() -> None:
    assert read(bodies.order_refund(id=2111608270000005209)).key.object_id == "2111608270000005209"
    with pytest.raises(Unreadable):
        read(bodies.order(id=2111608270000005209))
