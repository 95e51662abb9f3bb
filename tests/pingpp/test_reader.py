"""What Ping++ says, read: the document's contradictions by row (facts §7), and nothing looser."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from service.core.errors import Unreadable
from service.core.kinds import KINDS
from service.core.observation import Key, Observation, Part, Source
from service.pingpp.reader import (
    Sighting,
    UnknownKind,
    WrongObject,
    read_answer,
    read_event,
    read_object,
    read_page,
)
from tests import bodies, shapes

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SHARED = Path(__file__).resolve().parents[3] / "shared" / "samples"


def read(fields: dict[str, Any]) -> Observation:
    return sight(fields).observations[0]


def sight(fields: dict[str, Any]) -> Sighting:
    return read_object(fields, account="shop", source=Source.WEBHOOK, seen_at=NOW)


def wire(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


EXPECTED: dict[str, tuple[str, dict[str, Any], dict[str, int]]] = {
    "order": ("paid", {"amount": 1200, "order_no": "M0001"}, {"amount_paid": 1200}),
    "charge": ("paid", {"amount": 1200, "channel": "yeepay_wx_pub"}, {"amount_refunded": 0}),
    "refund": ("succeeded", {"amount": 300, "time_succeeded": 1780000120}, {}),
    "order_refund": ("succeeded", {"amount": 300, "order_id": "2012601010000000001"}, {}),
    "withdrawal": ("created", {"amount": 500, "user_id": "cus_1"}, {}),
    "allocation": ("succeeded", {"amount": 1000, "order_id": "2012601010000000001"}, {}),
    "allocation_refund": ("pending", {"allocation_id": "371260101000000000000001"}, {}),
    "allocation_complete": ("pending", {"order_id": "2012601010000000001"}, {}),
    "user": ("known", {"app": bodies.APP}, {}),
    "settle_account": ("succeeded", {"created": 1780000000}, {}),
    "sub_app": ("known", {"app": bodies.APP, "user_id": "biz_1"}, {}),
    "cus_application": ("succeeded", {"user_id": "cus_1", "order_no": "CUS0001"}, {}),
    "mch_application": ("succeeded", {"user_id": "biz_1", "order_no": "MCH0001"}, {}),
    "micro_application": ("succeeded", {"user_id": "biz_1", "order_no": "MCH0001"}, {}),
    "deposit": ("created", {"amount": 100, "user_id": "cus_1"}, {}),
    "recharge": ("succeeded", {"amount": 1200, "user_id": "cus_1"}, {"amount_refunded": 0}),
    "transfer": ("succeeded", {"amount": 500, "order_no": "P0001"}, {}),
    "batch_transfer": ("succeeded", {"amount": 500}, {}),
    "batch_refund": ("succeeded", {"amount": 500}, {}),
    "batch_withdrawal": ("succeeded", {"amount": 500}, {}),
    "red_envelope": ("unknown:succeeded", {"amount": 500}, {}),
    "royalty": ("pending", {"app": bodies.APP, "amount": 40}, {}),
    "royalty_settlement": ("partially_succeeded", {"amount": 40}, {}),
    "customs": ("succeeded", {"amount": 800, "order_no": "T0001"}, {}),
    "agreement": ("succeeded", {"order_no": "C0001"}, {}),
    **{
        f"{owner}_{span}_summary": ("known", {"amount": 2000, "charges_count": 20}, {})
        for owner in ("app", "account")
        for span in ("daily", "weekly", "monthly")
    },
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_reads_its_own_shape(kind: str) -> None:
    status, facts, totals = EXPECTED[kind]
    seen = sight(shapes.SAMPLES[kind]())
    first = seen.observations[0]
    assert seen.odd == []
    assert (first.key.kind, first.status) == (kind, status)
    assert facts.items() <= first.facts.items()
    assert totals.items() <= first.totals.items()


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_personal_of_any_kind_is_read(kind: str) -> None:
    assert shapes.PRIVATE[:2] not in repr(sight(shapes.SAMPLES[kind]()).observations)
    assert "PRIVATE" not in repr(sight(shapes.SAMPLES[kind]()).observations)


@pytest.mark.parametrize("app", [None, "", "app-1", {}, 7])
def test_a_user_without_an_app_that_names_it_is_not_read(app: object) -> None:
    with pytest.raises(Unreadable, match="object_id"):
        sight(shapes.user(app=app))


def test_a_user_shows_its_balances_and_its_settle_accounts() -> None:
    user, account = sight(shapes.user(settle_accounts=[shapes.settle_account()])).observations
    assert (user.attrs["available_balance"], user.attrs["withdrawable_balance"]) == (900, 700)
    assert (account.status, account.facts["user_id"]) == ("succeeded", "cus_1")


@pytest.mark.parametrize("word", ["pending", "failed", "frozen"])
def test_a_settle_account_is_what_the_bank_says_of_its_card(word: str) -> None:
    recipient = {"type": "b2c", "extra": {"bank_card_status": word}}
    status = read(shapes.settle_account(recipient=recipient)).status
    assert status == (word if word != "frozen" else "unknown:frozen")
    assert read(shapes.settle_account(recipient={"extra": {}})).status == "created"


def test_a_flag_that_says_no_ends_no_recharge() -> None:
    recharge, charge = sight(shapes.recharge(succeeded=False)).observations
    assert (recharge.status, charge.key.kind) == ("created", "charge")
    assert recharge.facts["charge_id"] == charge.key.object_id
    assert read(shapes.recharge(succeeded=None)).status.startswith("unknown:")


def test_a_transfer_says_paid_for_succeeded() -> None:
    assert read(shapes.payout("transfer", status="paid")).status == "succeeded"


@pytest.mark.parametrize(
    ("raw", "word"), [("sending", "pending"), ("sent", "sent"), ("received", "received")]
)
def test_a_red_envelope_is_sent_before_it_is_received(raw: str, word: str) -> None:
    assert read(shapes.payout("red_envelope", status=raw)).status == word


def test_a_batch_may_bear_its_numbers_as_text() -> None:
    seen = sight(shapes.payout("batch_refund", created="1496740128", amount="500"))
    assert seen.odd == []
    assert seen.observations[0].facts["created"] == 1496740128


def test_a_summary_is_told_apart_by_whose_it_is_and_its_span() -> None:
    one = read(shapes.summary("app_daily_summary"))
    other = read(shapes.summary("app_daily_summary", summary_to=1779986400))
    assert one.key.object_id == f"{bodies.APP}-1779900000-1779986399"
    assert one.key != other.key
    with pytest.raises(Unreadable):
        read(shapes.summary("app_daily_summary", summary_from=None))


def test_a_micro_application_may_call_itself_a_merchants() -> None:
    key = Key("shop", "micro_application", "1212601010000000001")
    for name in ("mch_application", "micro_application"):
        body = wire(shapes.mch_application(object=name))
        assert read_answer(body, key=key, seen_at=NOW).observations[0].key == key
    with pytest.raises(WrongObject):
        read_answer(
            wire(shapes.mch_application(object="micro_application")),
            key=Key("shop", "mch_application", "1212601010000000001"),
            seen_at=NOW,
        )


def test_an_order_shows_its_charges_and_links_them_back() -> None:
    order, charge = sight(bodies.order()).observations
    assert (order.key.kind, charge.key.kind) == ("order", "charge")
    assert charge.facts["order_id"] == order.key.object_id


def test_an_event_names_its_object_and_its_second() -> None:
    event = read_event(wire(bodies.event(bodies.order())))
    assert (event.type, event.created, event.livemode) == ("order.succeeded", 1780000060, True)
    assert event.object["id"] == "2012601010000000001"


def test_an_events_name_never_decides_the_state() -> None:
    body = bodies.event(bodies.withdrawal(status="pending"), "balance.withdrawal.succeeded")
    assert read(dict(read_event(wire(body)).object)).status == "pending"


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


def test_free_text_and_personal_fields_are_not_read() -> None:
    text = repr(sight(bodies.order(subject="张三的订单", body="手机13800138000")).observations)
    assert "张三" not in text
    assert "13800138000" not in text


def test_an_id_as_a_number_is_text_where_the_document_shows_it() -> None:
    assert read(bodies.order_refund(id=2111608270000005209)).key.object_id == "2111608270000005209"
    with pytest.raises(Unreadable):
        read(bodies.order(id=2111608270000005209))


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


KEY = Key("shop", "order", "2012601010000000001")


def test_an_answer_carries_its_bytes_as_evidence() -> None:
    body = wire(bodies.order())
    seen = read_answer(body, key=KEY, seen_at=NOW).observations
    assert (seen[0].raw, seen[0].source, seen[1].raw) == (body, Source.POLL, None)


@pytest.mark.parametrize(
    "fields",
    [
        bodies.order(id="2012601010000000002"),
        bodies.order_refund(id="2012601010000000001"),
        {"object": "user", "id": "2012601010000000001"},
    ],
)
def test_an_answer_about_another_object_is_not_ours(fields: dict[str, Any]) -> None:
    with pytest.raises(WrongObject):
        read_answer(wire(fields), key=KEY, seen_at=NOW)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"<html>login</html>",
        b'{"error":{"type":"api_error","message":"busy"}}',
    ],
)
def test_an_answer_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read_answer(body, key=KEY, seen_at=NOW)


def test_a_page_keeps_what_it_can_read() -> None:
    items = (bodies.order(), bodies.order(id="2", amount="x"), bodies.order(id="3"))
    read_list = read_page(wire(bodies.page(*items, has_more=True)), account="shop", seen_at=NOW)
    assert (read_list.ids, read_list.has_more, read_list.unread) == (
        ["2012601010000000001", "3"],
        True,
        1,
    )
    assert read_list.sightings[0].observations[0].source is Source.LIST


# What the provider shows without its app.
APPLESS = ("events/doc2017_refund_succeeded.json", "seed/settle_account.json")
SAMPLES: dict[str, tuple[str, str]] = {
    "events/doc2017_charge_succeeded.json": ("charge", "paid"),
    "events/doc2017_order_refund_succeeded.json": ("order_refund", "succeeded"),
    "events/doc2017_order_succeeded.json": ("order", "paid"),
    "events/doc2017_refund_succeeded.json": ("refund", "succeeded"),
    "events/java_balance_withdrawal_succeeded.json": ("withdrawal", "pending"),
    "events/java_order_succeeded.json": ("order", "paid"),
    "events/prod_charge_succeeded_alipay_qr_2016.json": ("charge", "paid"),
    "events/doc_summary_weekly_available.json": ("app_weekly_summary", "known"),
    "events/java_agreement_succeeded.json": ("agreement", "succeeded"),
    "seed/cus_application_create.json": ("cus_application", "succeeded"),
    "seed/deposit_create.repaired.json": ("deposit", "created"),
    "seed/mch_application_get.json": ("mch_application", "succeeded"),
    "seed/settle_account.json": ("settle_account", "succeeded"),
    "seed/sub_app.json": ("sub_app", "known"),
    "seed/user.json": ("user", "known"),
    "seed/allocation_complete_pending_with_failure.json": ("allocation_complete", "pending"),
    "seed/allocation_create.json": ("allocation", "created"),
    "seed/allocation_refund_create.json": ("allocation_refund", "created"),
    "seed/order_create.json": ("order", "created"),
    "seed/order_pay.repaired.json": ("order", "created"),
    "seed/order_refund_create.repaired.json": ("order_refund", "created"),
    "seed/withdrawal_create_enterprise.json": ("withdrawal", "created"),
    "seed/withdrawal_create_personal.json": ("withdrawal", "created"),
    "seed/withdrawal_update_personal_status_processing.json": ("withdrawal", "pending"),
}


def test_every_published_sample_of_our_kinds_reads() -> None:
    """The provider's own samples lie beside the project where it is developed, not within it."""
    if not SHARED.is_dir():
        pytest.skip(
            "the provider's samples are not on this machine; our own bodies cover the kinds"
        )
    lists = {"seed/order_refund_list.json", "seed/withdrawal_list_2016.json"}
    lying = {f"{path.parent.name}/{path.name}" for path in SHARED.glob("*/*.json")}
    assert lying == set(SAMPLES) | lists
    for name, expected in SAMPLES.items():
        fields = json.loads((SHARED / name).read_bytes())
        inner = fields["data"]["object"] if fields["object"] == "event" else fields
        first = read(inner)
        assert (first.key.kind, first.status) == expected, name
        assert first.facts.get("app") or name in APPLESS, name
    for name in ("seed/order_refund_list.json", "seed/withdrawal_list_2016.json"):
        listed = read_page((SHARED / name).read_bytes(), account="shop", seen_at=NOW)
        assert (len(listed.ids), listed.unread, listed.has_more) == (1, 0, False)


def test_what_does_not_parse_in_the_document_is_refused() -> None:
    if not SHARED.is_dir():
        pytest.skip(
            "the provider's samples are not on this machine; our own bodies cover the kinds"
        )
    for path in SHARED.glob("seed/*.invalid.txt"):
        with pytest.raises(Unreadable):
            read_answer(path.read_bytes(), key=KEY, seen_at=NOW)
