"""What is booked of an object is always what it has moved, and every posting balances."""

import re
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from service.core.journal import CURRENCY, Leg, Posting, Standing, book, net, owed
from service.core.kinds import KINDS
from service.core.kinds.kind import no_legs
from service.core.observation import Observation, Source
from service.core.view import View, view
from service.pingpp.reader import read_object
from tests import bodies, shapes
from tests.core.test_merge import BASE, believe

DOCS = Path(__file__).parents[2] / "docs"
accounts = st.sampled_from(["orders", "payable:app_1", "wallet:u1", "clearing:balance"])
legs = st.lists(
    st.builds(Leg, accounts, accounts, st.integers(0, 500)).filter(lambda leg: leg[0] != leg[1]),
    max_size=6,
)


def booked(fields: dict[str, Any], kind: str = "") -> set[tuple[str, str, int]]:
    """What stands for an object that was seen once, as (debit, credit, amount)."""
    seen = read_object(fields, account="shop", source=Source.POLL, seen_at=BASE).observations
    one: Observation = next(each for each in seen if kind in ("", each.key.kind))
    known: View = view(KINDS[one.key.kind], believe(one))
    standing, _ = book((), KINDS[one.key.kind].legs(known.known, known.parts), CURRENCY)
    return {(each.debit, each.credit, each.amount) for each in standing}


@given(st.lists(legs, min_size=1, max_size=5))
def test_after_any_history_the_postings_add_up_to_the_last_legs(history: list[list[Leg]]) -> None:
    standing: tuple[Standing, ...] = ()
    postings: list[Posting] = []
    for wanted in history:
        standing, made = book(standing, wanted, CURRENCY)
        postings += made
    assert all(one.amount > 0 and one.debit != one.credit for one in postings)
    summed = [(one.debit, one.credit, one.currency, one.amount) for one in postings]
    assert net(summed) == net(one[:4] for one in standing) == owed(history[-1], CURRENCY)


@given(legs)
def test_booking_the_same_again_posts_nothing(wanted: list[Leg]) -> None:
    standing, _ = book((), wanted, CURRENCY)
    assert book(standing, wanted, CURRENCY) == (standing, [])


def test_what_is_taken_back_names_the_entry_it_corrects() -> None:
    standing, _ = book((), [Leg("orders", "payable:a", 100)], CURRENCY)
    standing, _ = book(standing, [Leg("orders", "payable:a", 130)], CURRENCY)
    _, postings = book(standing, [Leg("orders", "payable:a", 90)], CURRENCY)
    assert postings == [Posting(3, "payable:a", "orders", 40, CURRENCY, None, 2)]


def test_another_currency_is_booked_apart() -> None:
    standing, _ = book((), [Leg("orders", "payable:a", 100)], "cny")
    _, postings = book(standing, [Leg("orders", "payable:a", 100)], "usd")
    assert [(one.debit, one.currency, one.corrects) for one in postings] == [
        ("payable:a", "cny", 1),
        ("orders", "usd", None),
    ]


def test_an_order_owes_its_merchant_what_its_charges_brought() -> None:
    order = bodies.order(amount_paid=1200, amount_refunded=200, receipt_app="app_sub")
    assert booked(order, "order") == {
        ("orders", "payable:app_sub", 1200),
        ("payable:app_sub", "refunds", 200),
    }
    assert booked(order, "charge") == {("clearing:yeepay_wx_pub", "orders", 1200)}


def test_a_charge_without_an_order_owes_its_app_and_says_its_refunds_itself() -> None:
    charge = bodies.charge(channel="alipay_qr", app="app_1", amount=500, amount_refunded=100)
    assert booked(charge) == {
        ("clearing:alipay_qr", "payable:app_1", 500),
        ("payable:app_1", "clearing:alipay_qr", 100),
    }


def test_a_balance_comes_out_of_the_payers_wallet() -> None:
    charge = bodies.charge(
        channel="balance", extra={"user": "cus_003"}, app="app_1", amount=500, amount_refunded=100
    )
    assert booked(charge) == {
        ("wallet:app_1-cus_003", "clearing:balance", 500),
        ("clearing:balance", "wallet:app_1-cus_003", 100),
        ("clearing:balance", "payable:app_1", 500),
        ("payable:app_1", "clearing:balance", 100),
    }


def test_only_a_refund_that_succeeded_leaves_its_channel() -> None:
    assert booked(bodies.order_refund(status="pending")) == set()
    done = bodies.order_refund(status="success", channel="yepay_wx_pub", amount=70)
    assert booked(done) == {("refunds", "clearing:yeepay_wx_pub", 70)}


def test_a_withdrawal_is_in_transit_then_in_the_bank_with_its_fees() -> None:
    assert booked(bodies.withdrawal(status="created")) == set()
    pending = bodies.withdrawal(status="processing", app="app_1", user="u1", amount=900)
    assert booked(pending) == {("wallet:app_1-u1", "transit", 900)}
    done = bodies.withdrawal(
        app="app_1", status="succeeded", user="u1", amount=900, fee=20, user_fee=5, channel="yepay"
    )
    assert booked(done) == {
        ("wallet:app_1-u1", "transit", 900),
        ("transit", "bank", 900),
        ("fees", "clearing:yeepay", 20),
        ("wallet:app_1-u1", "fees", 5),
    }


def test_each_recipient_is_owed_what_arrived() -> None:
    shares = [
        {"user": "u1", "amount": 40, "status": "succeed"},
        {"user": "u2", "amount": 60, "status": "failure"},
    ]
    allocation = bodies.allocation(app="app_1", status="failure", recipients=shares, amount=100)
    assert booked(allocation) == {("payable:app_1", "wallet:app_1-u1", 40)}


def test_a_deposit_that_arrived_is_owed_to_its_wallet() -> None:
    assert booked(shapes.deposit(status="created")) == set()
    arrived = shapes.deposit(app="app_1", status="succeeded", user="u1", amount=10000)
    assert booked(arrived) == {("clearing:deposits", "wallet:app_1-u1", 10000)}


def test_a_recharge_passes_from_its_charge_by_its_app_to_the_wallet_and_back() -> None:
    charge = bodies.charge(channel="alipay_qr", app="app_1", amount=1200, amount_refunded=200)
    done = shapes.recharge(
        user="u1", app="app_1", amount=1200, amount_refunded=200, charge=charge, succeeded=True
    )
    assert booked(done, "recharge") == {
        ("payable:app_1", "wallet:app_1-u1", 1200),
        ("wallet:app_1-u1", "payable:app_1", 200),
    }
    assert booked(done, "charge") == {
        ("clearing:alipay_qr", "payable:app_1", 1200),
        ("payable:app_1", "clearing:alipay_qr", 200),
    }
    assert booked({**done, "succeeded": False}, "recharge") == set()


def test_a_transfer_that_is_paid_left_its_app_by_its_channel() -> None:
    assert booked(shapes.payout("transfer", status="pending")) == set()
    paid = shapes.payout("transfer", status="paid", app="app_1", channel="alipay", amount=500)
    assert booked(paid) == {("payable:app_1", "clearing:alipay", 500)}


def test_two_apps_users_of_one_id_have_two_wallets() -> None:
    books = {
        app: booked(shapes.deposit(app=app, status="succeeded", user="cus_003", amount=5))
        for app in ("app_1", "app_2")
    }
    assert books == {
        app: {("clearing:deposits", f"wallet:{app}-cus_003", 5)} for app in ("app_1", "app_2")
    }


POSTING = {
    "allocation", "allocation_refund", "charge", "deposit", "order", "order_refund", "recharge",
    "transfer", "withdrawal",
}  # fmt: skip


def test_the_kinds_that_post_are_these_and_the_documents_say_why_the_others_do_not() -> None:
    assert {kind.name for kind in KINDS.values() if kind.legs is not no_legs} == POSTING
    for name in ("accounting.md", "accounting.zh-CN.md"):
        text = (DOCS / name).read_text(encoding="utf-8")
        shown = {kind for kind in KINDS if re.search(rf"\b{kind}\b", text)}
        assert {kind for kind in KINDS if not kind.endswith("_summary")} <= shown
