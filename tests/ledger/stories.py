"""Which small ledgers are honest, and what is to be found in those that are not?"""

from datetime import timedelta

from tests.books import SEEN, Row, belief, charge, order, part, watch
from tests.ledger.planted import PLANTED, SOUND

Found = list[tuple[str, str, str, str]]


HONEST: dict[str, list[Row]] = {
    "an order paid by one charge": [order(), charge()],
    "an order paid by two charges, a third unpaid": [
        order(amount=100, amount_paid=100),
        charge("ch1", amount=60),
        charge("ch2", amount=40),
        charge("ch3", status="created", amount=100),
    ],
    # facts §6, 2017: paid by coupon and balance; no amount_paid, no charge
    "an order of the old shape": [order(amount=30, amount_paid=None)],
    "an order whose charges nobody showed yet": [order()],
    "an unpaid order that was asked for": [
        order(status="created", amount_paid=0),
        watch("order", "o1", looks=1),
    ],
    "a reversed charge, still counted": [order(), charge(status="reversed")],
    "a reversed charge, no longer counted": [
        order(status="created", amount_paid=0),
        charge(status="reversed"),
    ],
    "a partial refund": [
        order(status="refunded", amount_refunded=30),
        charge(amount_refunded=30),
        part("order_refund", "r1", 30, charge_id="ch1"),
        part("order_refund", "r2", 50, status="failed"),
        part("order_refund", "r3", 20, status="pending"),
        part("refund", "re1", 30, charge_id="ch1", order_id=None),
    ],
    "a charge whose refunded amount nobody showed": [
        order(status="refunded", amount_refunded=30),
        charge(amount_refunded=None),
        part("order_refund", "r1", 30),
    ],
    "a canceled order without money": [
        order(status="canceled", amount_paid=0),
        charge(status="created"),
    ],
    "a canceled order whose late payment went back": [
        order(status="canceled", amount_refunded=100),
        charge(amount_refunded=100),
        part("order_refund", "r1", 100),
    ],
    "an order shared out, a part of it given back": [
        order(status="refunded", amount_refunded=40),
        charge(amount_refunded=40),
        part("order_refund", "r1", 40),
        part("allocation", "a1", 100),
        part("allocation", "a2", 50, status="failed"),
        part("allocation_refund", "b1", 40, status="created", allocation_id="a1"),
    ],
    "charges and refunds that bear their order's number": [
        order(order_no="n1"),
        charge("ch1", order_no="n1", amount=60),
        charge("ch2", order_no="n1", amount=40),
        part("order_refund", "r1", 1, status="pending", order_no="n1"),
        part("order_refund", "r2", 1, status="pending", order_no="n1"),
    ],
    "two attempts to pay under one number, one of them paid": [
        charge("ch1", order_id=None, order_no="n1", status="created"),
        charge("ch2", order_id=None, order_no="n1"),
    ],
    "a watched order before its deadline": [
        order(status="created", amount_paid=0),
        watch("order", "o1", deadline_at=SEEN + timedelta(hours=2)),
    ],
    "a final order whose watch goes on": [
        order(),
        charge(),
        watch("order", "o1", deadline_at=SEEN),
    ],
    "an order that nobody could be asked for yet": [
        part("order_refund", "r1", 1, order_id="o9"),
        watch("order", "o9", failures=2),
    ],
    "a failed attempt to pay": [
        order(status="created", amount_paid=0, failing=True),
        charge(status="created", failing=True),
    ],
    "an order canceled in silence, as documented": [
        order(status="canceled", amount_paid=0, notified_at=None),
    ],
    "history that nobody notifies of": [
        order(notified_at=None, created_at=SEEN - timedelta(days=90)),
    ],
    "a charge told of with its order": [order(), charge(notified_at=None)],
    "sums of objects in conflict": [order(conflict=True, amount_refunded=500), charge(amount=1)],
    "a withdrawal that went well": [belief("withdrawal", "w1", "succeeded", amount=5)],
    **SOUND,
}


WRONG: dict[str, tuple[list[Row], Found]] = {
    "a fen less than its charges": (
        [order(amount_paid=99), charge()],
        [("paid_short", "o1", "100", "99"), ("paid_sum", "o1", "100", "99")],
    ),
    "paid, though its charge is not": (
        [order(), charge(status="created")],
        [("paid_sum", "o1", "0", "100")],
    ),
    "paid by no charge, as our own question showed": (
        [order(), watch("order", "o1", looks=1)],
        [("paid_sum", "o1", "0", "100")],
    ),
    "a charge in another currency adds nothing": (
        [order(), charge(currency="usd")],
        [("other_currency", "ch1", "cny", "usd"), ("paid_sum", "o1", "0", "100")],
    ),
    "a refund that the charge does not know": (
        [
            order(status="refunded", amount_refunded=30),
            charge(amount_refunded=20),
            part("order_refund", "r1", 30),
        ],
        [("refunded_sum_charges", "o1", "20", "30")],
    ),
    "a refund that the order does not know": (
        [order(), charge(), part("order_refund", "r1", 30)],
        [("refunded_sum_refunds", "o1", "30", "0")],
    ),
    "a refund that is still pending counts for nothing": (
        [
            order(status="refunded", amount_refunded=30),
            part("order_refund", "r1", 30, status="pending"),
        ],
        [("refunded_sum_refunds", "o1", "0", "30")],
    ),
    "money went back and no refund was seen": (
        [order(status="refunded", amount_refunded=30)],
        [("refund_unseen", "o1", "0", "30")],
    ),
    "a charge and its refunds": (
        [
            charge(order_id=None, amount_refunded=30),
            part("refund", "re1", 20, charge_id="ch1", order_id=None),
        ],
        [("charge_refunded_sum", "ch1", "20", "30")],
    ),
    "more back than in": (
        [
            order(status="refunded", amount_refunded=101),
            charge(amount_refunded=101),
            part("order_refund", "r1", 101),
        ],
        [("refunded_over_paid", "ch1", "100", "101"), ("refunded_over_paid", "o1", "100", "101")],
    ),
    "canceled, and the order says paid": (
        [order(status="canceled"), charge()],
        [("canceled_but_paid", "o1", "100", "canceled")],
    ),
    "canceled, and a charge was paid": (
        [
            order(status="canceled", amount_paid=None, amount_refunded=None),
            charge(amount_refunded=30),
        ],
        [("canceled_but_paid", "o1", "70", "canceled")],
    ),
    "paid twice": (
        [order(amount_paid=200), charge("ch1"), charge("ch2")],
        [("overpaid", "o1", "100", "200")],
    ),
    "more shared out than there is": (
        [
            order(status="refunded", amount_refunded=40),
            part("order_refund", "r1", 40),
            part("allocation", "a1", 100),
            part("allocation_refund", "b1", 30, allocation_id="a1"),
            part("allocation_refund", "b2", 10, status="failed", allocation_id="a1"),
        ],
        [("allocated_over_paid", "o1", "60", "70")],
    ),
    "an amount that changed": (
        [belief("withdrawal", "w1", "pending", contested="amount")],
        [("fact_changed", "w1", "one value", "amount")],
    ),
    "a number on two orders": (
        [order("o1", order_no="n1"), order("o2", order_no="n1"), order("o3", order_no="n3")],
        [("order_no_twice", "o2", "o2", "o1")],
    ),
    "a number on two payments without an order": (
        [
            charge("ch1", order_id=None, order_no="n1"),
            charge("ch2", order_id=None, order_no="n1"),
        ],
        [("order_no_twice", "ch2", "ch2", "ch1")],
    ),
    "past its deadline": (
        [
            belief("withdrawal", "w1", "pending"),
            watch("withdrawal", "w1", deadline_at=SEEN + timedelta(minutes=59)),
        ],
        [("overdue", "w1", "final", "pending")],
    ),
    "asked for in vain": (
        [watch("order", "o1", failures=6)],
        [("overdue", "o1", "final", "never seen")],
    ),
    "pending although a failure is named": (
        [belief("allocation_complete", "c1", "pending", failing=True)],
        [("pending_with_failure", "c1", "no failure", "pending")],
    ),
    "two ends": (
        [belief("withdrawal", "w1", "succeeded", conflict=True)],
        [("conflict", "w1", "one end", "succeeded")],
    ),
    "an end that nobody notified": (
        [belief("withdrawal", "w1", "failed", notified_at=None)],
        [("learned_by_polling", "w1", "notified", "failed")],
    ),
    "a word that nobody knows": (
        [belief("withdrawal", "w1", "unknown:parked")],
        [("unknown_status", "w1", "a known word", "unknown:parked")],
    ),
    "another currency": (
        [order(currency="usd", amount_paid=0, status="created")],
        [("other_currency", "o1", "cny", "usd")],
    ),
    **PLANTED,
}
