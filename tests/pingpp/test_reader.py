"""Is every kind of object read as what it is, and nothing personal of it?"""

from typing import Any

import pytest

from service.core.errors import Unreadable
from service.core.kinds import KINDS
from service.core.observation import Key
from service.pingpp.reader import WrongObject, read_answer, read_event
from tests import bodies, shapes
from tests.pingpp.reading import NOW, read, sight, wire

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


def test_free_text_and_personal_fields_are_not_read() -> None:
    text = repr(sight(bodies.order(subject="张三的订单", body="手机13800138000")).observations)
    assert "张三" not in text
    assert "13800138000" not in text
