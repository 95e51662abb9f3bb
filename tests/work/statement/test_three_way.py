"""Are differences planted in the book, in Ping++ and at the channel named on the right side?"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from service.core.statement.mapping import READY
from service.ledger.engine import Ledger
from service.ledger.three_way import Source, compared
from tests.books import Row, charge, order, part, put
from tests.work.statement.matching import DAWN, NOON, bring, line

BOOK = Source("book", READY["book"])
BILL = Source("bill", replace(READY["book"], against="charges", channels=("wx",)))
TODAY = (20_779, 20_779)
Alone = dict[str, dict[str, tuple[str, ...]]]


def paid(number: str, amount: int = 100, **columns: Any) -> list[Row]:
    """An order, and the charge that pays it under a number of its own."""
    given: dict[str, Any] = {"moved_at": NOON, "amount": amount, "channel": "wx_pub"} | columns
    return [
        order(
            f"o_{number}",
            order_no=number,
            amount=amount,
            amount_paid=amount,
            moved_at=given["moved_at"],
        ),
        charge(
            f"ch_{number}",
            order_id=f"o_{number}",
            order_no=f"C{number}",
            transaction_no=f"T{number}",
            **given,
        ),
    ]


def billed(number: str, amount: int = 100, **more: Any) -> str:
    """A bill's line, under the numbers of the charge."""
    return line(f"C{number}", amount, transaction_no=f"T{number}", **more)


def lay(
    ledger: Ledger,
    folder: Path,
    rows: Iterable[Row],
    book: Iterable[str],
    bill: Iterable[str],
    days: tuple[int, int] | None = None,
    covers: tuple[int, int] = TODAY,
) -> Alone:
    with ledger.begin() as connection:
        put(connection, list(rows))
    bring(ledger, folder, book, source="book", reading=BOOK.reading, name="book.csv", days=covers)
    bring(ledger, folder, bill, source="bill", reading=BILL.reading, name="bill.csv", days=covers)
    return {
        f"{one.what}/{one.number}": dict(one.alone)
        for one in compared(ledger, "shop", BOOK, BILL, days)
    }


def test_the_odd_one_out_is_named_on_every_side(ledger: Ledger, tmp_path: Path) -> None:
    names = ("agree", "book", "ping", "bill", "nobook", "noping", "nobill", "twice", "usd", "open")
    rows: list[Row] = [
        row for name in names if name not in ("ping", "noping") for row in paid(name)
    ]
    rows += paid("ping", 99)
    book = [line(name, 101 if name == "book" else 100) for name in names if name != "nobook"]
    book[-1] = line("open", 100, status="待支付")
    bill = [
        billed(name, 98 if name == "bill" else 100, currency="usd" if name == "usd" else "cny")
        for name in (*names, "twice")
        if name != "nobill"
    ]
    found = lay(ledger, tmp_path, rows, book, bill)
    # what Ping++ does not know is not led to an order's number
    assert found == {
        "payment/agree": {},
        "payment/book": {"amount": ("book",)},
        "payment/ping": {"amount": ("pingpp",)},
        "payment/bill": {"amount": ("channel",)},
        "payment/nobook": {"missing": ("book",)},
        "payment/noping": {"missing": ("pingpp", "channel")},
        "payment/Cnoping": {"missing": ("book", "pingpp")},
        "payment/nobill": {"missing": ("channel",)},
        "payment/twice": {"duplicate": ("channel",)},
        "payment/usd": {"currency": ("channel",)},
        "payment/open": {"status": ("book",)},
    }


def test_an_order_of_two_charges_and_a_split_refund_agree(ledger: Ledger, tmp_path: Path) -> None:
    rows = [
        order("o1", order_no="M1", amount=100, amount_paid=100, moved_at=NOON),
        *(
            charge(
                f"ch{n}",
                order_id="o1",
                order_no=f"C{n}",
                transaction_no=f"T{n}",
                amount=amount,
                channel="wx",
                moved_at=NOON,
            )
            for n, amount in ((1, 60), (2, 40))
        ),
        *(
            part("order_refund", f"r{n}", amount, order_id="o1", charge_id=f"ch{n}", moved_at=NOON)
            for n, amount in ((1, 10), (2, 20))
        ),
    ]
    book = [line("M1", 100), line("M1", 30, what="refund")]
    bill = [
        line("C1", 60, transaction_no="T1"),
        line("C2", 40, transaction_no="T2"),
        line("C1", 10, what="refund", transaction_no="T1", refund_no="R1"),
        line("C2", 20, what="refund", transaction_no="T2", refund_no="R2"),
    ]
    assert lay(ledger, tmp_path, rows, book, bill) == {"payment/M1": {}, "refund/M1": {}}


def test_what_went_through_another_channel_is_not_missed(ledger: Ledger, tmp_path: Path) -> None:
    rows = [*paid("M1", channel="alipay"), *paid("M2", channel="wx_lite")]
    rows.append(order("o3", order_no="M3", amount_paid=7, moved_at=NOON))
    found = lay(ledger, tmp_path, rows, [line("M1", 100), line("M2", 100), line("M3", 7)], [])
    assert found == {"payment/M2": {"missing": ("channel",)}}


def test_a_payment_around_midnight_may_be_booked_on_either_day(
    ledger: Ledger, tmp_path: Path
) -> None:
    late = DAWN + timedelta(days=1) - timedelta(seconds=60)
    after = late + timedelta(seconds=120)
    rows = [*paid("M1", moved_at=late), *paid("M2", moved_at=NOON)]
    found = lay(
        ledger,
        tmp_path,
        rows,
        [line("M1", 100, at=late), line("M2", 100, at=NOON + timedelta(days=1))],
        [billed("M1", at=after), billed("M2")],
        covers=(20_779, 20_781),
        days=TODAY,
    )
    assert found == {"payment/M1": {}, "payment/M2": {"date": ("book",)}}


def test_only_days_that_both_cover_are_compared(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.begin() as connection:
        put(connection, paid("M1"))
    bring(ledger, tmp_path, [], source="book", reading=BOOK.reading, days=TODAY)
    bring(
        ledger, tmp_path, [], source="bill", reading=BILL.reading, days=(20_780, 20_780), name="b"
    )
    assert list(compared(ledger, "shop", BOOK, BILL, None)) == []


@pytest.mark.parametrize("day", [(20_778, 20_778), (20_780, 20_790)])
def test_a_number_belongs_to_the_first_day_that_names_it(
    ledger: Ledger, tmp_path: Path, day: tuple[int, int]
) -> None:
    covers = (20_770, 20_790)
    found = lay(ledger, tmp_path, paid("M1"), [line("M1", 1)], [], days=day, covers=covers)
    assert found == {}
