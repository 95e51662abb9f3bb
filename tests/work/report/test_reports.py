"""Every report adds up to what the journal says, in every format, and is empty where nothing is."""

import io
from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa

from service.core.errors import GiveUp
from service.ledger import journal
from service.ledger.engine import Ledger
from service.ledger.journal import Span
from service.ledger.schema import beliefs, mismatches, postings, statement_lines, statements
from service.outbound.files.formats import TABLES, Shape
from service.work.close import ClosingTerms, close
from service.work.report.make import download, make
from service.work.report.table import REPORTS, Days
from tests import books, filed
from tests.work.report.conftest import Lines, fen

RULES = ClosingTerms(filed.ZONE)
FIRST, SECOND = date(2026, 11, 22), date(2026, 11, 23)


def moved(ledger: Ledger, span: Span | None = None) -> dict[str, int]:
    """What stands on each account of the journal."""
    with ledger.read() as connection:
        return {one.book: one.balance for one in journal.balances(connection, span or Span())}


def total(lines: list[dict[str, str]], name: str) -> int:
    return sum(fen(line[name]) for line in lines)


def test_refunds_are_what_left_the_channels(busy: Ledger, lines: Lines) -> None:
    found = lines("refunds")
    with busy.read() as connection:
        back = connection.scalar(
            sa.select(sa.func.sum(postings.c.amount)).where(
                postings.c.credit.startswith("clearing:"), postings.c.kind != "withdrawal"
            )
        )
    assert (total(found, "refunded"), total(found, "asked")) == (500, 800)
    assert int(back or 0) == 500
    assert [
        line["merchant's order no"] for line in found if line["kind"] != "refund of an order"
    ] == ["B1"]


def test_withdrawals_are_what_left_the_bank(busy: Ledger, lines: Lines) -> None:
    found, stands = lines("withdrawals"), moved(busy)
    assert (len(found), total(found, "paid out")) == (3, -stands["bank"])
    assert total(found, "fee") - total(found, "fee borne by user") == stands["fees"] == 1
    assert {line["channel"] for line in found} == {"yeepay"}


def test_shares_are_what_came_into_the_wallets(busy: Ledger, lines: Lines) -> None:
    shares, recipients = lines("allocations"), lines("allocations", "recipients")
    by_user: Counter[str] = Counter()
    for line in shares:
        by_user[line["recipient"]] += fen(line["arrived"])
    assert by_user == {"u1": 500, "u2": 300}
    assert {line["recipient"]: fen(line["net"]) for line in recipients} == by_user
    stands = moved(busy)
    wallets = {user: -stands[f"wallet:{filed.APP}-{user}"] for user in by_user}
    assert wallets == by_user


def test_fees_add_up_both_ways(busy: Ledger, lines: Lines) -> None:
    channels, detail = lines("fees"), lines("fees", "fees")
    assert total(channels, "fee") == total(detail, "fee") == 12 * 6 + 2
    assert total(channels, "amount") == total(detail, "amount")
    assert sum(int(line["count"]) for line in channels) == len(detail) == 13
    assert {line["rate"] for line in channels} == {"0.60%", "0.40%"}


def test_what_is_pending_has_its_age(ledger: Ledger, lines: Lines) -> None:
    ages = {"0": 0.9, "1": 1, "2": 2.99, "3": 3, "6": 6.9, "7": 7, "29": 29.9, "30": 30, "99": 99}
    with ledger.begin() as connection:
        books.put(
            connection,
            [
                books.belief(
                    "withdrawal",
                    name,
                    "pending",
                    amount=100,
                    created_at=filed.NOW - timedelta(days=days) + timedelta(seconds=days < 1),
                )
                for name, days in ages.items()
            ],
        )
        books.put(connection, [books.belief("user", "u", "known", final=False)])
    found = lines("aging", "pending")
    assert {line["id"].strip(): line["age"] for line in found} == {
        "0": "less than 1 day",
        "1": "1–3 days",
        "2": "1–3 days",
        "3": "3–7 days",
        "6": "3–7 days",
        "7": "7–30 days",
        "29": "7–30 days",
        "30": "30 days and more",
        "99": "30 days and more",
    }
    assert [line["days"] for line in found] == ["99", "30", "29", "7", "6", "3", "2", "1", "0"]
    sums = lines("aging")
    assert [int(line["count"]) for line in sums] == [1, 2, 2, 2, 2]
    assert total(sums, "amount") == total(found, "amount") == 900


def test_mismatches_show_both_sides_and_what_is_at_stake(
    ledger: Ledger, lines: Lines, now: datetime
) -> None:
    with ledger.begin() as connection:
        rows = [_mismatch(now, object_id="o1"), _mismatch(now, object_id="o2", state="settled")]
        connection.execute(sa.insert(mismatches), rows)
    (live,) = lines("mismatches")
    assert (live["ours"], live["theirs"], live["at stake"]) == ("130", "100", "0.30")
    assert live["meaning"] == "More was refunded than was paid."
    assert len(lines("mismatches", first_day=SECOND)) == 2
    assert lines("mismatches", first_day=SECOND + timedelta(days=1)) == []


def _mismatch(now: datetime, **columns: Any) -> dict[str, Any]:
    return {
        "rule": "refunded_over_paid",
        "account": "shop",
        "kind": "order",
        "object_id": "o1",
        "state": "open",
        "severity": "critical",
        "ours": "130",
        "theirs": "100",
        "currency": "cny",
        "found_at": now,
        "opened_at": now,
    } | columns


def test_statements_show_what_differs_and_which_there_are(
    ledger: Ledger, lines: Lines, now: datetime
) -> None:
    with ledger.begin() as connection:
        one = _mismatch(
            now, rule="statement_amount", kind="statement", object_id="wechat/payment/M/1"
        )
        connection.execute(sa.insert(mismatches), [one, _mismatch(now)])
        number = connection.scalar(
            sa.insert(statements)
            .values(
                account="shop", source="wechat", name="b.csv", digest="d", state="imported",
                lines=3, known=1, first_day=20_779, last_day=20_780, imported_at=now,
            )
            .returning(statements.c.id)
        )  # fmt: skip
        connection.execute(sa.insert(statement_lines), [_line(number, n) for n in range(1, 4)])
    (found,) = lines("statements")
    assert (found["source"], found["kind of line"], found["number there"]) == (
        "wechat",
        "payment",
        "M/1",
    )
    (file,) = lines("statements", "statements")
    assert (file["first day"], file["last day"], file["lines"]) == ("2026-11-22", "2026-11-23", "2")
    assert (file["amount"], file["fee"]) == ("3.00", "0.02")
    assert lines("statements", "statements", first_day=SECOND + timedelta(days=1)) == []


def _line(number: Any, line: int) -> dict[str, Any]:
    return {
        "statement_id": number, "line": line, "account": "shop", "source": "wechat",
        "what": "payment", "amount": line * 100, "fee": 1, "currency": "cny", "status": "",
        "done": True, "day": 20_779, "mark": f"m{line}", "known": line == 3,
    }  # fmt: skip


def test_the_trial_balance_is_zero_and_begins_where_the_day_before_ended(
    busy: Ledger, lines: Lines
) -> None:
    first = lines("trial-balance", first_day=FIRST, last_day=FIRST)
    second = lines("trial-balance", first_day=SECOND, last_day=SECOND)
    assert total(second, "balance") == total(second, "opening") == 0
    assert total(second, "debit") == total(second, "credit") > 0
    ended = {line["ledger account"]: fen(line["balance"]) for line in first}
    began = {line["ledger account"]: fen(line["opening"]) for line in second}
    assert {book: amount for book, amount in began.items() if book in ended} == ended
    whole = {line["ledger account"]: fen(line["balance"]) for line in lines("trial-balance")}
    assert whole == moved(busy)


def test_the_books_are_shown_as_they_were_known(busy: Ledger, lines: Lines) -> None:
    assert lines("trial-balance", known=SECOND) == []
    assert lines("ledger", known=SECOND) == []
    assert len(lines("trial-balance", known=filed.NOW.date())) == len(moved(busy))


def test_each_account_ends_at_its_balance(busy: Ledger, lines: Lines) -> None:
    last = {line["ledger account"]: fen(line["balance"]) for line in lines("ledger")}
    assert last == moved(busy)
    since = lines("ledger", first_day=SECOND)
    assert {line["ledger account"]: fen(line["balance"]) for line in since} == last
    openings = [line for line in since if not line["voucher"]]
    before = moved(busy, Span(until=filed.MIDNIGHT + timedelta(days=1)))
    assert {line["ledger account"]: fen(line["balance"]) for line in openings} == before


def test_one_account_is_shown_alone(busy: Ledger, lines: Lines) -> None:
    found = lines("ledger", book="fees")
    assert [line["ledger account"] for line in found] == ["fees", "fees"]
    assert sum(fen(line["debit"]) - fen(line["credit"]) for line in found) == moved(busy)["fees"]


def test_the_days_add_up_to_the_journal(busy: Ledger, lines: Lines) -> None:
    found = lines("closing")
    with busy.read() as connection:
        count, amount = connection.execute(
            sa.select(sa.func.count(), sa.func.sum(postings.c.amount))
        ).one()
    assert (sum(int(line["postings"]) for line in found), total(found, "amount")) == (count, amount)
    assert {line["day"] for line in found} == {"2026-11-22", "2026-11-23", "2026-11-24"}
    for sheet in REPORTS["closing"].sheets[1:]:
        assert total(lines("closing", sheet), "amount") == amount
    (day,) = {line["day"] for line in lines("closing", first_day=SECOND, last_day=SECOND)}
    assert day == "2026-11-23"


def test_a_closed_day_is_shown_as_it_was_frozen(busy: Ledger, lines: Lines) -> None:
    before = lines("closing")
    close(busy, FIRST, RULES, terms=filed.TERMS, now=filed.NOW, reason="for the test")
    frozen = lines("closing", first_day=FIRST, last_day=FIRST)
    assert {line["closing"] for line in frozen} == {"closed"}
    assert total(frozen, "amount") == total(
        [one for one in before if one["day"] == str(FIRST)], "amount"
    )
    filed.tell(busy, filed.order(30, 0))
    assert lines("closing", first_day=FIRST, last_day=FIRST) == frozen
    late = [one for one in lines("closing") if one["happened on"] < one["day"]]
    assert [(one["day"], one["closing"], one["amount"]) for one in late] == [
        (str(SECOND), "not closed", "10.30"),
        (str(SECOND), "not closed", "10.30"),
    ]
    with busy.read() as connection:
        amount = connection.scalar(sa.select(sa.func.sum(postings.c.amount)))
    assert total(lines("closing"), "amount") == amount


def test_a_day_that_is_not_closed_says_so(busy: Ledger, lines: Lines) -> None:
    assert {line["closing"] for line in lines("closing")} == {"not closed"}
    out = io.BytesIO()
    make(busy, "closing", filed.ask(), Shape.HTML, out)
    assert (
        '<dd class="open">2026-11-22, 2026-11-23, 2026-11-24：数字可能变动'
        in out.getvalue().decode()
    )


def test_the_provider_card_is_of_what_was_made_in_four_weeks(busy: Ledger, lines: Lines) -> None:
    found = lines("provider-card")
    since = filed.NOW - timedelta(weeks=4)
    with busy.read() as connection:
        known = connection.scalar(
            sa.select(sa.func.count()).select_from(beliefs).where(beliefs.c.created_at >= since)
        )
    assert sum(int(line["objects"]) for line in found) == known
    assert {line["week"] for line in found} == {"2026-11-16", "2026-11-23"}
    assert lines("provider-card", first_day=SECOND + timedelta(days=3)) == []


def test_each_report_is_the_same_in_every_format(busy: Ledger) -> None:
    for name in REPORTS:
        told: set[str] = set()
        for shape in TABLES:
            out = io.BytesIO()
            done = make(busy, name, filed.ask(), shape, out)
            told.add(str(done[0]))
            if shape is Shape.XLSX:
                _check_workbook(out.getvalue(), done)
        assert len(told) == 1, name


def _check_workbook(data: bytes, done: list[Any]) -> None:
    pages = openpyxl.load_workbook(io.BytesIO(data)).worksheets
    assert len(pages) == len(done) + 1
    for page, one in zip(pages, done, strict=False):
        rows = list(page.iter_rows(min_row=2, max_row=one.rows + 1, values_only=True))
        assert len([row for row in rows if any(value is not None for value in row)]) == one.rows


def test_a_ledger_without_anything_has_empty_reports(ledger: Ledger) -> None:
    for name, report in REPORTS.items():
        for shape in report.shapes:
            done = make(ledger, name, filed.ask(), shape, io.BytesIO())
            assert {one.rows for one in done} == {0}, name


@pytest.mark.parametrize(
    ("name", "asked", "sentence"),
    [
        ("invoices", {}, "there is no report invoices: closing, orders"),
        ("aging", {"first_day": FIRST}, "aging is of now, not of days"),
        ("orders", {"book": "fees"}, "orders is not of one account of the journal"),
        ("orders", {"known": FIRST}, "orders cannot be shown as it was known"),
        ("orders", {"first_day": SECOND, "last_day": FIRST}, "the first lies after the last"),
    ],
)
@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_question_without_sense_is_refused(
    ledger: Ledger, name: str, asked: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(GiveUp, match=sentence):
        make(ledger, name, filed.ask(**asked), Shape.CSV, io.BytesIO())


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_shapes_and_sheets_are_those_of_the_report(ledger: Ledger) -> None:
    with pytest.raises(GiveUp, match="orders is made as csv, xlsx, html, parquet, jsonl, not as"):
        make(ledger, "orders", filed.ask(), Shape.BEANCOUNT, io.BytesIO())
    with pytest.raises(GiveUp, match="fees has no sheet days: channels, fees"):
        make(ledger, "fees", filed.ask(), Shape.CSV, io.BytesIO(), sheet="days")


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_download_is_whole_before_it_begins(busy: Ledger) -> None:
    with download(busy, "orders", filed.ask(first_day=FIRST, last_day=FIRST), Shape.CSV) as got:
        assert (got.name, got.media_type) == ("orders-2026-11-22.csv", "text/csv; charset=utf-8")
        data = b"".join(got.chunks)
    assert len(data) == got.size
    assert data.count(b"\r\n") == 7


def test_a_report_of_days_is_told_apart_from_one_of_now() -> None:
    of_now = [name for name, one in REPORTS.items() if one.days is Days.NONE]
    assert of_now == ["aging"]
