"""Where the document contradicts itself (facts §7): each row by its number, on its own text.

Rows about what is asked are in test_contradictions_asked.py, which counts them all.
"""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from service.core.belief import sighted
from service.core.errors import Unreadable
from service.core.kinds import KINDS
from service.core.observation import Key, Observation, Source
from service.core.view import view
from service.pingpp.reader import read_answer, read_object, read_page
from tests import bodies, shapes
from tests.document import ANSWERS

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def read(fields: dict[str, Any]) -> Observation:
    return read_object(fields, account="shop", source=Source.POLL, seen_at=NOW).observations[0]


def from_text(text: str, base: dict[str, Any]) -> Observation:
    """Read a body with some lines of the document in place of ours."""
    return read({**base, **json.loads("{" + text.strip().rstrip(",") + "}")})


def is_final(seen: Observation) -> bool:
    kind = KINDS[seen.key.kind]
    return view(kind, sighted(kind, seen)).final


def test_row_01_a_withdrawal_that_is_processing_is_pending() -> None:
    assert from_text('"status": "processing",', bodies.withdrawal()).status == "pending"


def test_row_02_the_cancel_time_of_the_sample_is_the_tables() -> None:
    for spelt in ("time_canceled", "time_cancelled"):
        base = {k: v for k, v in bodies.withdrawal().items() if k != "time_canceled"}
        seen = from_text(f'"{spelt}": 1663573797', base)
        assert seen.facts["time_canceled"] == 1663573797


def test_row_03_yepay_is_yeepay_in_a_channel_and_untouched_in_an_address() -> None:
    assert read(bodies.withdrawal(channel="yepay")).attrs["channel"] == "yeepay"
    assert read(bodies.withdrawal(channel="yeepay")).attrs["channel"] == "yeepay"


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        ("succeed", "succeeded"),
        ("processing", "pending"),
        ("failure", "failed"),
        ("created", "created"),
    ],
)
def test_row_04_an_allocation_has_the_tables_words_and_the_samples(raw: str, word: str) -> None:
    assert from_text(f'"status": "{raw}"', bodies.allocation()).status == word


def test_row_05_senders_without_an_enum_have_the_same_words() -> None:
    text = '"senders": [{"user": "WHDR", "amount": 1, "status": "created"}], "status": "succeed"'
    seen = from_text(text, bodies.allocation_refund())
    assert (seen.parts[0].status, seen.status) == ("created", "succeeded")


def test_row_06_four_spellings_of_success_are_one() -> None:
    spelt = {
        "allocation_complete": "succeed",
        "allocation": "succeed",
        "order_refund": "success",
        "withdrawal": "succeeded",
    }
    for kind, raw in spelt.items():
        seen = read(shapes.SAMPLES[kind](status=raw))
        assert seen.status == "succeeded"
        assert is_final(seen)


@pytest.mark.parametrize("raw", ["success", "succeeded"])
def test_row_07_an_order_refund_succeeds_in_both_spellings(raw: str) -> None:
    assert from_text(f'"status": "{raw}"', bodies.order_refund()).status == "succeeded"


def test_row_08_pending_with_a_failure_message_is_not_failed() -> None:
    text = '"status": "pending", "failure_msg": "来自渠道的信息：OPR21040|可分账金额为0"'
    seen = from_text(text, bodies.allocation_complete())
    assert (seen.status, is_final(seen)) == ("pending", False)
    assert seen.attrs["failure_code"] == "OPR21040"


@pytest.mark.parametrize("kind", ["cus_application", "mch_application", "micro_application"])
@pytest.mark.parametrize("raw", ["succeeded", "completed"])
def test_row_09_completed_is_succeeded(kind: str, raw: str) -> None:
    assert read(shapes.SAMPLES[kind](status=raw)).status == "succeeded"


def test_row_10_a_completed_application_may_lack_its_time() -> None:
    text = '"status": "completed", "time_finished": null'
    seen = from_text(text, shapes.mch_application())
    assert is_final(seen)
    assert "time_finished" not in seen.facts


def test_row_11_the_broken_word_means_canceled() -> None:
    assert read(bodies.order(status="canceled")).status == "canceled"
    assert read(bodies.order(status="cancel ed")).status == "unknown:cancel ed"


def test_row_12_an_order_reads_without_its_actual_amount() -> None:
    fields = bodies.order()
    assert "actual_amount" not in fields
    assert read(fields).facts["amount"] == 1200
    assert read({**fields, "actual_amount": 1100}).attrs["actual_amount"] == 1100


def test_row_13_refunded_says_that_a_refund_exists_and_no_more() -> None:
    seen = read(bodies.order(status="paid", refunded=True, amount_refunded=0))
    assert (seen.status, seen.totals["amount_refunded"]) == ("paid", 0)
    assert seen.attrs["refund_asked"] is True


def test_row_16_the_amount_of_a_refund_may_be_text() -> None:
    assert from_text('"amount": "1"', bodies.order_refund()).facts["amount"] == 1
    with pytest.raises(Unreadable):
        from_text('"amount": "1.0"', bodies.order_refund())


def test_row_17_two_answers_about_one_refund_do_not_contradict() -> None:
    one = from_text('"transaction_no": "211220920797373818880003"', bodies.order_refund())
    other = from_text('"transaction_no": null, "extra": {}', bodies.order_refund())
    assert one.facts == other.facts
    assert "transaction_no" not in other.attrs


def test_row_18_an_order_refund_ends_without_a_time() -> None:
    seen = read(bodies.order_refund(status="success"))
    assert is_final(seen)
    assert "time_succeeded" not in seen.facts


def test_row_19_an_allocation_refund_answers_as_an_allocation() -> None:
    seen = from_text('"object": "allocation", "type": "allocation_refund"', bodies.allocation())
    assert seen.key.kind == "allocation_refund"


def test_row_20_type_and_senders_are_in_the_sample_only() -> None:
    fields = {k: v for k, v in bodies.allocation().items() if k not in ("type", "senders")}
    assert read(fields).facts == from_text('"type": "allocation", "senders": []', fields).facts


def test_row_21_the_charge_stands_in_full_or_by_its_id() -> None:
    whole = '"extra": {"charge": {"id": "ch_101220920405355960320003", "order_no": "9"}}'
    named = '"extra": {"charge": "ch_101220920405355960320003"}'
    for text in (whole, named):
        seen = from_text(text, bodies.allocation())
        assert seen.facts["charge_id"] == "ch_101220920405355960320003"


def test_row_22_senders_are_a_list_or_one_object() -> None:
    one = '{"user": "WHDR", "amount": 1}'
    for text in (f'"senders": [{one}]', f'"senders": {one}'):
        (part,) = from_text(text, bodies.allocation_refund()).parts
        assert (part.name, part.amount) == ("sender/0/WHDR", 1)


def test_row_23_a_recipient_needs_no_description() -> None:
    (part,) = from_text('"recipients": [{"user": "WHDR", "amount": 1}]', bodies.allocation()).parts
    assert part.amount == 1


def test_row_25_a_deposit_reads_with_a_link_for_a_credential_and_keeps_none_of_it() -> None:
    seen = from_text(
        '"status": "created", "extra": {"credential": "https://member.yeepay.com/#/wallet"}',
        shapes.deposit(),
    )
    assert seen.attrs["confirming"] is True
    assert "member" not in repr(seen)
    with pytest.raises(Unreadable):
        read_answer(
            b'{"extra": {"credential": "https://member.yeepay.com/redirectUrl=ht\n }}',
            key=Key("shop", "deposit", "6012209195836390403"),
            seen_at=NOW,
        )


def test_row_26_an_operation_url_is_optional() -> None:
    fields = {k: v for k, v in bodies.withdrawal().items() if k != "operation_url"}
    assert read(fields).facts == read(bodies.withdrawal()).facts


@pytest.mark.parametrize("name", ["create_personal", "create_enterprise", "confirm"])
def test_row_30_the_one_query_answers_with_the_union_of_both_tables(name: str) -> None:
    fields = ANSWERS[f"withdrawal.{name}"]
    key = Key("shop", "withdrawal", fields["id"])
    seen = read_answer(json.dumps(fields).encode(), key=key, seen_at=NOW)
    assert seen.odd == []
    (one,) = seen.observations
    assert one.facts["user_id"] == ("WHDR" if name == "create_enterprise" else "cus_003")
    assert one.attrs.get("settle_account") == fields["settle_account"]
    assert ("confirming" in one.attrs) == (fields["operation_url"] is not None)


def test_row_31_the_listed_withdrawal_of_2016_reads() -> None:
    text = json.dumps(ANSWERS["withdrawal.list"])
    assert '"asset_transaction": "", "balance_transaction": ""' in text
    page = read_page(text.encode(), account="shop", seen_at=NOW)
    assert (page.ids, page.unread) == (["1701611150302360654"], 0)
    (seen,) = page.sightings
    (one,) = seen.observations
    assert seen.odd == []
    assert (one.status, one.attrs["channel"], one.facts["amount"]) == ("created", "unionpay", 20000)
    assert "6225210207073918" not in repr(one)
    # the same object as the provider's own SDK has it, with keys that no table names
    extra = '"status": "pending", "extra": {"card_number": "6225210207073918", "user_name": "姓名"}'
    assert from_text(extra, ANSWERS["withdrawal.list"]["data"][0]).status == "pending"


def test_row_32_a_list_may_say_more_than_its_items() -> None:
    listed = ANSWERS["withdrawal.list"]
    assert listed["total_withdrawals_amount"] == 20000
    plain = {name: value for name, value in listed.items() if name != "total_withdrawals_amount"}
    whole, bare = (
        read_page(json.dumps(one).encode(), account="shop", seen_at=NOW) for one in (listed, plain)
    )
    assert whole == bare


def test_row_37_a_credential_is_never_read() -> None:
    seen = read(bodies.charge(credential={"balance": "https://wallet/?token=429b1bf05c51"}))
    assert "429b1bf05c51" not in repr(seen)


def test_row_38_no_refunds_are_null_or_an_empty_list() -> None:
    null = from_text('"refunds": null', bodies.charge())
    assert null == from_text('"refunds": {"object": "list", "data": []}', bodies.charge())


def test_row_41_the_channels_merchant_number_is_not_the_applications_id() -> None:
    seen = from_text(
        '"id": "1212209145401600003", "mch_id": "10088792350"', shapes.mch_application()
    )
    assert (seen.key.object_id, seen.attrs["mch_id"]) == ("1212209145401600003", "10088792350")


@pytest.mark.parametrize("text", ["[]", "{}", "null"])
def test_row_42_no_settle_accounts_are_spelt_in_three_ways(text: str) -> None:
    fields = {**shapes.user(), "settle_accounts": json.loads(text)}
    seen = read_object(fields, account="shop", source=Source.POLL, seen_at=NOW)
    assert [one.key.kind for one in seen.observations] == ["user"]
    assert seen.odd == []


def test_row_43_a_sub_app_is_known_by_its_id() -> None:
    seen = from_text('"id": "app_fDizzTlSabD05K4a"', shapes.sub_app())
    assert (seen.key.object_id, seen.facts["app"]) == ("app_fDizzTlSabD05K4a", bodies.APP)


def test_row_44_a_sub_apps_user_is_an_id_or_an_object() -> None:
    for text in ('"user": "biz_003"', '"user": {"id": "biz_003"}'):
        assert from_text(text, shapes.sub_app()).facts["user_id"] == "biz_003"


def test_row_46_an_order_expires_at_a_whole_second() -> None:
    seen = from_text('"time_expire": 1663766938', bodies.order())
    assert seen.attrs["time_expire"] == 1663766938


def test_row_36_the_broken_sample_is_refused_and_the_repaired_one_reads() -> None:
    broken = b'{"id": "1", "object": "order", "charge": "ch_1"\n},\n"receipt_app": "app_1"}'
    with pytest.raises(Unreadable):
        read_answer(broken, key=Key("shop", "order", "1"), seen_at=NOW)
    seen = from_text('"service_app": "app_aTyD009mv5mTj1yD"', bodies.order())
    assert seen.facts == read(bodies.order()).facts
