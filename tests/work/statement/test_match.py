"""Is each difference between a statement and what is believed found, and none where both agree?"""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from service.ledger.engine import Ledger
from tests.books import Row, belief, charge, order, part
from tests.work.statement.matching import (
    CHANNEL,
    DAWN,
    DAY,
    NOON,
    ORDERS,
    Found,
    empty,
    found,
    line,
    paid,
)

NEXT_DAY = DAWN + timedelta(days=1)

PAYMENTS = replace(CHANNEL, covers=("payment",))
REFUND = part(
    "refund", "re1", 5, order_id=None, charge_id="ch_M1", moved_at=NOON, order_no="R1"
)  # fmt: skip

AGREE: dict[str, tuple[list[Row], list[str], dict[str, Any]]] = {
    "a payment": ([paid("M1")], [line("M1", 100)], {}),
    "a payment under the channel's number": (
        [paid("M1", transaction_no="T1")],
        [line("other", 100, transaction_no="T1")],
        {},
    ),
    "a payment under its id": ([paid("M1")], [line("", 100, object_id="ch_M1")], {}),
    "an order of two charges, two lines": (
        [
            charge("ch1", order_no="M1", amount=60, moved_at=NOON, transaction_no="T1"),
            charge("ch2", order_no="M1", amount=40, moved_at=NOON, transaction_no="T2"),
        ],
        [line("M1", 60, transaction_no="T1"), line("M1", 40, transaction_no="T2")],
        {},
    ),
    "an order of two charges, one line of the book": (
        [
            order("o1", order_no="M1", moved_at=NOON),
            charge("ch1", order_no="M1", amount=60, moved_at=NOON),
            charge("ch2", order_no="M1", amount=40, moved_at=NOON),
        ],
        [line("M1", 100)],
        {"reading": ORDERS},
    ),
    "a refund in three parts, two lines": (
        [
            paid("M1"),
            *(
                part("refund", f"re{n}", n, order_id=None, charge_id="ch_M1", moved_at=NOON)
                for n in (1, 2, 3)
            ),
        ],
        [line("M1", 100), line("M1", 4, what="refund"), line("M1", 2, what="refund")],
        {},
    ),
    "an order's refund shows in two kinds": (
        [
            order("o1", order_no="M1", moved_at=NOON),
            charge("ch1", order_no="M1", moved_at=NOON),
            part("order_refund", "r1", 30, moved_at=NOON, charge_id="ch1"),
            part("refund", "re1", 30, moved_at=NOON, order_id=None, charge_id="ch1"),
        ],
        [line("M1", 100), line("M1", 30, what="refund")],
        {},
    ),
    "a refund that only names itself": (
        [paid("M1"), part("refund", "re1", 5, order_id=None, charge_id="ch_M1", moved_at=NOON)],
        [line("M1", 100), line("", 5, what="refund", refund_no="re1")],
        {},
    ),
    "two seconds before midnight here, three after there": (
        [paid("M1", at=NEXT_DAY - timedelta(seconds=2))],
        [line("M1", 100, at=NEXT_DAY + timedelta(seconds=3))],
        {"days": (DAY[0], DAY[0] + 1)},
    ),
    "before midnight, and the next day is not imported": (
        [paid("M1", at=NEXT_DAY - timedelta(seconds=2)), paid("M2")],
        [line("M2", 100)],
        {},
    ),
    "of the day before, booked on ours": (
        [paid("M1", at=DAWN - timedelta(seconds=2))],
        [line("M1", 100, at=DAWN + timedelta(seconds=3))],
        {},
    ),
    "what happened on days that nobody covers": (
        [paid("M1", at=NOON - timedelta(days=1)), paid("M2", at=NOON + timedelta(days=1))],
        [],
        {},
    ),
    "a refund that only names its own number": (
        [paid("M1"), REFUND],
        [line("M1", 100), line("", 5, what="refund", refund_no="R1")],
        {},
    ),
    "a refund that names its own number for the order's": (
        [paid("M1"), REFUND],
        [line("M1", 100), line("R1", 5, what="refund")],
        {},
    ),
    "a refund by its own number, of a source that covers payments only": (
        [paid("M1"), REFUND],
        [line("M1", 100), line("", 5, what="refund", refund_no="R1")],
        {"reading": PAYMENTS},
    ),
    "an order's refund by its own number, of such a source": (
        [
            order("o1", order_no="M1", moved_at=NOON),
            charge("ch1", order_no="M1", moved_at=NOON),
            part("order_refund", "r1", 30, moved_at=NOON, charge_id="ch1", order_no="R1"),
            part("refund", "re1", 30, moved_at=NOON, charge_id="ch1", order_no="R1"),
        ],
        [line("M1", 100), line("R1", 30, what="refund")],
        {"reading": replace(ORDERS, covers=("payment",))},
    ),
    "what has not moved on both sides": (
        [paid("M1", status="created", moved_at=None)],
        [line("M1", 100, status="CLOSED")],
        {},
    ),
    "another account": ([paid("M1", account="other")], [], {}),
    "a fee that only one side names": ([paid("M1")], [line("M1", 100, fee="0.01")], {}),
    "the same fee": ([paid("M1", fee=1)], [line("M1", 100, fee="-0.01")], {}),
    "another channel": (
        [paid("M1", channel="alipay"), paid("M2", channel="wx_pub")],
        [line("M2", 100)],
        {"reading": replace(CHANNEL, channels=("wx",))},
    ),
    "a withdrawal": (
        [belief("withdrawal", "w1", "succeeded", amount=9, order_no="W1", moved_at=NOON)],
        [line("W1", 9, what="withdrawal")],
        {"reading": replace(CHANNEL, covers=("withdrawal",))},
    ),
    "withdrawals that the source does not cover": (
        [belief("withdrawal", "w1", "succeeded", amount=9, order_no="W1", moved_at=NOON)],
        [],
        {},
    ),
}


@pytest.mark.parametrize("case", AGREE)
def test_sides_that_agree_have_no_finding(ledger: Ledger, tmp_path: Path, case: str) -> None:
    rows, lines, how = AGREE[case]
    assert found(ledger, tmp_path, rows, lines, **how) == []


DIFFER: dict[str, tuple[list[Row], list[str], dict[str, Any], Found]] = {
    "missing here": (
        [],
        [line("M1", 100)],
        {},
        [("missing_here", "payment/M1", "nothing", "100")],
    ),
    "missing there": (
        [paid("M1")],
        [],
        {},
        [("missing_there", "payment/M1", "100", "nothing")],
    ),
    "a fen more": ([paid("M1")], [line("M1", 101)], {}, [("amount", "payment/M1", "100", "101")]),
    "a fen less": ([paid("M1")], [line("M1", 99)], {}, [("amount", "payment/M1", "100", "99")]),
    "doubled": (
        [paid("M1")],
        [line("M1", 100), line("M1", 100)],
        {},
        [("duplicate", "payment/M1", "1", "2")],
    ),
    "swapped": (
        [paid("M1", 100), paid("M2", 200)],
        [line("M1", 200), line("M2", 100)],
        {},
        [("amount", "payment/M1", "100", "200"), ("amount", "payment/M2", "200", "100")],
    ),
    "another day, which is covered": (
        [paid("M1", at=NOON - timedelta(days=1))],
        [line("M1", 100)],
        {"days": (DAY[0] - 1, DAY[0])},
        [("date", "payment/M1", str(DAY[0] - 1), str(DAY[0]))],
    ),
    "another day, which is not": (
        [paid("M1", at=NOON - timedelta(days=3))],
        [line("M1", 100)],
        {},
        [("date", "payment/M1", str(DAY[0] - 3), str(DAY[0]))],
    ),
    "a fee": (
        [paid("M1", fee=1)],
        [line("M1", 100, fee="0.02")],
        {},
        [("fee", "payment/M1", "1", "2")],
    ),
    "a currency": (
        [paid("M1")],
        [line("M1", 100, currency="USD")],
        {},
        [("currency", "payment/M1", "cny", "usd")],
    ),
    "done there, not here": (
        [paid("M1", status="created", moved_at=None)],
        [line("M1", 100)],
        {},
        [("status", "payment/M1", "created", "done")],
    ),
    "done here, not there": (
        [paid("M1")],
        [line("M1", 100, status="CLOSED")],
        {},
        [("status", "payment/M1", "done", "CLOSED")],
    ),
    "one part of a refund is missing there": (
        [
            paid("M1"),
            *(
                part("refund", f"re{n}", n, order_id=None, charge_id="ch_M1", moved_at=NOON)
                for n in (1, 2)
            ),
        ],
        [line("M1", 100), line("M1", 1, what="refund")],
        {},
        [("amount", "refund/M1", "3", "1")],
    ),
    "a refund that nobody here knows": (
        [paid("M1")],
        [line("M1", 100), line("M1", 1, what="refund")],
        {},
        [("missing_here", "refund/M1", "nothing", "1")],
    ),
    "a refund of another amount, of a source that covers payments only": (
        [paid("M1"), REFUND],
        [line("M1", 100), line("", 6, what="refund", refund_no="R1")],
        {"reading": PAYMENTS},
        [("amount", "refund/M1", "5", "6")],
    ),
    "a payment of the same day by a channel that the source does not speak for": (
        [paid("M1", channel="alipay")],
        [line("M1", 100)],
        {"reading": replace(CHANNEL, channels=("wx",))},
        [("missing_here", "payment/M1", "nothing", "100")],
    ),
    "one of two charges with one number of the channel": (
        [paid("M1", transaction_no="T1"), paid("M2", transaction_no="T1")],
        [line("", 100, transaction_no="T1")],
        {},
        [("missing_there", "payment/M2", "100", "nothing")],
    ),
}


@pytest.mark.parametrize("case", DIFFER)
def test_a_difference_is_found_with_both_sides(ledger: Ledger, tmp_path: Path, case: str) -> None:
    rows, lines, how, expected = DIFFER[case]
    assert found(ledger, tmp_path, rows, lines, **how) == expected


def test_a_line_is_first_of_what_bears_both_of_its_numbers(ledger: Ledger, tmp_path: Path) -> None:
    """A channel's number that two orders share leads a line to the order that it names."""
    rows = [paid("M1", transaction_no="T1"), paid("M2", transaction_no="T1")]
    lines = [line("M2", 100, transaction_no="T1")]
    assert found(ledger, tmp_path, rows, lines) == [
        ("missing_there", "payment/M1", "100", "nothing")
    ]


def test_swapped_numbers_of_the_channel_are_followed(ledger: Ledger, tmp_path: Path) -> None:
    rows = [paid("M1", transaction_no="T1"), paid("M2", 70, transaction_no="T2")]
    lines = [line("M1", 70, transaction_no="T2"), line("M2", 100, transaction_no="T1")]
    assert found(ledger, tmp_path, rows, lines) == []
    doubled = [line("M1", 100, transaction_no="T2"), line("M2", 70, transaction_no="T2")]
    empty(ledger)
    assert {one[:2] for one in found(ledger, tmp_path, rows, doubled)} == {
        ("missing_there", "payment/M1"),
        ("duplicate", "payment/M2"),
    }
