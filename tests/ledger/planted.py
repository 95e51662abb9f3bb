"""Which errors are planted for each rule about states and parts, and what stands soundly beside."""

from collections.abc import Mapping
from datetime import timedelta

from tests.books import SEEN, Row, belief, charge, order, part

Found = list[tuple[str, str, str, str]]

# These need more than beliefs: tests/ledger/test_wallet_rules.py
ELSEWHERE = {"wallet_differs", "summary_amount", "summary_count"}
LONG_AGO = SEEN - timedelta(days=30)

PLANTED: Mapping[str, tuple[list[Row], Found]] = {
    "succeeded, and no time says when": (
        [belief("withdrawal", "w1", "succeeded", inside={"timed": False}, amount=5)],
        [("end_without_time", "w1", "a time", "succeeded")],
    ),
    "a time of success, and still pending": (
        [belief("withdrawal", "w1", "pending", inside={"timed": True}, amount=5)],
        [("time_without_end", "w1", "succeeded", "pending")],
    ),
    "money that moved before its object was": (
        [
            part(
                "order_refund",
                "r1",
                1,
                status="succeeded",
                order_id=None,
                created_at=SEEN,
                moved_at=SEEN - timedelta(seconds=301),
            )
        ],
        [("time_before_created", "r1", "1795431600", "1795431299")],
    ),
    "paid, it says, and ten fen are missing": (
        [order(amount_paid=90), charge(amount=90)],
        [("paid_short", "o1", "100", "90")],
    ),
    "paid with a coupon, and a fen is missing": (
        [order(amount_paid=90, inside={"actual_amount": 91}), charge(amount=90)],
        [("paid_short", "o1", "91", "90")],
    ),
    "all was paid, and it calls itself unpaid": (
        [order(status="created"), charge()],
        [("paid_unsaid", "o1", "paid", "created")],
    ),
    "money went back, and the flag says that no refund exists": (
        [
            order(status="refunded", amount_refunded=30, inside={"refund_asked": False}),
            part("order_refund", "r1", 30),
        ],
        [("refund_flag", "o1", "true", "false")],
    ),
    "an end that a later answer does not show": (
        [belief("withdrawal", "w1", "succeeded", contested="status")],
        [("answer_differs", "w1", "succeeded", "not ended")],
    ),
    "one refund above its charge": (
        [
            order(),
            charge(),
            part("order_refund", "r1", 101, status="pending", charge_id="ch1"),
            part("refund", "re1", 101, status="pending", charge_id="ch1", order_id=None),
        ],
        [("refund_over_charge", "ch1", "100", "101")],
    ),
    "a charge without an order, and a refund that nobody saw": (
        [charge(order_id=None, amount_refunded=30)],
        [("charge_refund_unseen", "ch1", "0", "30")],
    ),
    "recipients who get a fen too much": (
        [order(), part("allocation", "a1", 50, inside={"shares": [30, 21]})],
        [("recipients_sum", "a1", "51", "50")],
    ),
    "more taken back of an allocation than it gave": (
        [
            order(),
            part("allocation", "a1", 50),
            part("allocation_refund", "b1", 30, allocation_id="a1"),
            part("allocation_refund", "b2", 21, status="pending", allocation_id="a1"),
        ],
        [("allocation_returned", "a1", "50", "51")],
    ),
    "an allocation that nobody completed": (
        [
            order(),
            part("allocation", "a1", 50, created_at=LONG_AGO),
            belief("allocation_complete", "c1", "failed", order_id="o1"),
        ],
        [("allocation_unfinished", "o1", "completed", "begun")],
    ),
    "a user who bears more than the whole fee": (
        [belief("withdrawal", "w1", "succeeded", fee=20, inside={"user_fee": 21})],
        [("withdrawal_fee", "w1", "20", "21")],
    ),
}

SOUND: Mapping[str, list[Row]] = {
    "pending without a time": [belief("withdrawal", "w1", "pending")],
    "an order_refund, for which no time is documented": [
        part("order_refund", "r1", 1, order_id=None, inside={"timed": False})
    ],
    "an order in parts, of which the first is paid": [
        order(status="created", amount_paid=40, inside={"timed": True}),
        charge(amount=40),
    ],
    "clocks that differ by five minutes": [
        part(
            "order_refund",
            "r1",
            1,
            order_id=None,
            created_at=SEEN,
            moved_at=SEEN - timedelta(minutes=5),
        )
    ],
    "paid with a coupon": [order(amount_paid=90, inside={"actual_amount": 90}), charge(amount=90)],
    "an order for nothing": [order(status="created", amount=0, amount_paid=0)],
    "a refund that was asked for, and has not succeeded": [
        order(inside={"refund_asked": True}),
        charge(inside={"refund_asked": True}),
        part("order_refund", "r1", 30, status="pending", charge_id="ch1"),
    ],
    "no refund, and the flag says so": [order(inside={"refund_asked": False})],
    "a refund as large as its charge, and a failed one above it": [
        order(),
        charge(),
        part("order_refund", "r1", 100, status="pending", charge_id="ch1"),
        part("order_refund", "r2", 101, status="failed", charge_id="ch1"),
    ],
    "a charge's refund that is known": [
        charge(order_id=None, amount_refunded=30),
        part("refund", "re1", 30, charge_id="ch1", order_id=None),
    ],
    "recipients who get it all": [
        order(),
        part("allocation", "a1", 50, inside={"shares": [30, 20]}),
        part("allocation", "a2", 50),
        part("allocation_refund", "b1", 50, allocation_id="a2", inside={"shares": [50]}),
    ],
    "another allocation's refunds": [
        order(),
        part("allocation", "a1", 20),
        part("allocation", "a2", 50),
        part("allocation_refund", "b1", 50, allocation_id="a2"),
        part("allocation_refund", "b2", 50, status="failed", allocation_id="a2"),
    ],
    "an allocation that was completed": [
        order(),
        part("allocation", "a1", 50, created_at=LONG_AGO),
        belief("allocation_complete", "c1", "pending", order_id="o1"),
    ],
    "a user who bears the whole fee": [
        belief("withdrawal", "w1", "succeeded", fee=20, inside={"user_fee": 20})
    ],
    "an allocation of this week": [
        order(),
        part("allocation", "a1", 50, created_at=SEEN - timedelta(days=6)),
    ],
    "an allocation of an order that was given back": [
        order(status="refunded", amount_refunded=100),
        part("order_refund", "r1", 100),
        part("allocation", "a1", 50, created_at=LONG_AGO),
        part("allocation_refund", "b1", 50, allocation_id="a1"),
    ],
}
