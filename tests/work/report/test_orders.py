"""The order detail shows each order once, and adds up to what the journal says."""

import csv
import io
from datetime import date
from typing import Any

import pytest

from service.ledger import journal
from service.ledger.engine import Ledger
from service.ledger.journal import Span
from service.ledger.reporting.detail import By
from service.outbound.files.formats import Shape
from service.work.report.make import make
from tests import filed

SECOND = date(2026, 11, 23)


@pytest.fixture
def shop(ledger: Ledger) -> Ledger:
    filed.shop(ledger)
    return ledger


def lines(ledger: Ledger, **asked: object) -> list[dict[str, str]]:
    out = io.BytesIO()
    make(ledger, "orders", filed.ask(**asked), Shape.CSV, out)
    return list(csv.DictReader(io.StringIO(out.getvalue().decode("utf-8-sig"), newline="")))


def fen(text: str) -> int:
    return round(float(text) * 100)


def test_the_paid_amounts_are_what_the_journal_moved(shop: Ledger) -> None:
    found = lines(shop)
    with shop.read() as connection:
        stands = {one.book: one.balance for one in journal.balances(connection, Span())}
    held = sum(amount for book, amount in stands.items() if book.startswith("clearing:"))
    assert len(found) == 12
    assert sum(fen(one["净额"]) for one in found) == held == sum(range(1000, 1012))


@pytest.mark.parametrize("by", list(By))
def test_days_are_those_of_the_business_zone(shop: Ledger, by: By) -> None:
    found = lines(shop, first_day=SECOND, last_day=SECOND, by=by)
    assert [one["创建时间"][:10] for one in found] == ["2026-11-23"] * 6
    assert [fen(one["实付金额"]) for one in found] == [1001, 1003, 1005, 1007, 1009, 1011]


def test_a_charge_lends_its_channel_number_and_fee(shop: Ledger) -> None:
    (first, *_) = lines(shop, first_day=SECOND)
    assert first["渠道"] == "yeepay_wx_pub"
    assert first["渠道流水号"] == "4200000000000000000000001\t"
    assert first["手续费"] == "0.06"
    assert first["状态"] == "已支付"


def test_another_account_sees_none_of_it(shop: Ledger) -> None:
    assert lines(shop, account="other") == []
    assert len(lines(shop, account="shop")) == 12


def test_what_is_written_meanwhile_does_not_show(shop: Ledger) -> None:
    added: list[int] = []

    class Adding(io.BytesIO):
        def write(self, data: Any) -> int:
            added.append(1)
            filed.tell(shop, filed.order(99, 0))
            return super().write(data)

    out = Adding()
    (done,) = make(shop, "orders", filed.ask(), Shape.CSV, out)
    assert (done.rows, added) == (12, [1])
    assert out.getvalue().count(b"\r\n") == 13
    assert len(lines(shop)) == 13


def test_the_totals_are_those_of_the_rows(shop: Ledger) -> None:
    out = io.BytesIO()
    (done,) = make(shop, "orders", filed.ask(), Shape.CSV, out)
    (currency, sums), *others = done.totals
    found = lines(shop)
    assert (currency, others, done.rows) == ("cny", [], len(found))
    assert sums["amount"] == sum(fen(one["订单金额"]) for one in found)
    assert sums["fee"] == sum(fen(one["手续费"]) for one in found) == 12 * 6
