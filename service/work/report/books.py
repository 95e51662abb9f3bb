"""What do the books say: the trial balance, each account line by line, and vouchers?"""

from collections.abc import Iterator
from datetime import tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from service.core.report.accounts import BOOKS, kind_of
from service.core.report.glossary import KINDS
from service.core.report.sheet import Column, Document, Form, Remark, Sheet, Words
from service.ledger.engine import Connection
from service.ledger.journal import Span
from service.ledger.reporting import booked
from service.work.report.ask import Ask

_ACCOUNT = Column("account", "账户", "account")
_BOOK = (
    Column("book", "科目", "ledger account", Form.ID),
    Column("book_name", "科目名称", "its name", Form.WORD, labels=BOOKS),
)
_CURRENCY = Column("currency", "币种", "currency")
_DEBIT = Column("debit", "借方", "debit", Form.AMOUNT, summed=True)
_CREDIT = Column("credit", "贷方", "credit", Form.AMOUNT, summed=True)
_OBJECT = (
    Column("kind", "类型", "kind", Form.WORD, labels=KINDS),
    Column("object_id", "对象 ID", "object", Form.ID),
    Column("entry", "分录序号", "entry", Form.COUNT),
)
BALANCE = (
    _ACCOUNT,
    *_BOOK,
    _CURRENCY,
    Column("opening", "期初余额", "opening", Form.AMOUNT, summed=True),
    _DEBIT,
    _CREDIT,
    Column("balance", "期末余额", "balance", Form.AMOUNT, summed=True),
)
LINES = (
    _ACCOUNT,
    *_BOOK,
    Column("happened_at", "发生时间", "happened at", Form.TIME),
    Column("known_at", "入账时间", "known at", Form.TIME),
    Column("voucher", "凭证号", "voucher", Form.ID),
    *_OBJECT,
    Column("other", "对方科目", "other account", Form.ID),
    _CURRENCY,
    _DEBIT,
    _CREDIT,
    Column("balance", "余额", "balance", Form.AMOUNT),
)
VOUCHERS = (
    Column("voucher", "凭证号", "voucher", Form.ID),
    Column("day", "凭证日期", "day", Form.DAY),
    Column("happened_at", "发生时间", "happened at", Form.TIME),
    Column("known_at", "入账时间", "known at", Form.TIME),
    _ACCOUNT,
    *_OBJECT,
    Column("order_id", "订单 ID", "order id", Form.ID),
    Column("corrects", "更正分录", "corrects entry", Form.COUNT),
    *_BOOK,
    _CURRENCY,
    _DEBIT,
    _CREDIT,
)
ACCOUNTS = (*_BOOK, Column("day", "首次发生日", "first day", Form.DAY))
TRIAL_TITLE = Words("科目余额表", "Trial balance")
LEDGER_TITLE = Words("明细账", "Ledger by account")
VOUCHER_TITLE = Words("记账凭证", "Vouchers")
ACCOUNTS_TITLE = Words("科目", "Accounts")


def trial(connection: Connection, ask: Ask) -> Document:
    """What stood on each account before the days, what moved in them, what stands after them."""
    rows = _standings(booked.standings(connection, _span(ask)))
    sheet = Sheet("balances", TRIAL_TITLE, BALANCE, rows)
    return Document("trial-balance", TRIAL_TITLE, _remarks(ask), (sheet,))


def ledger(connection: Connection, ask: Ask) -> Document:
    """Every line of every account, or of one, with what stood on it after the line."""
    rows = _lines(booked.account_lines(connection, _span(ask), ask.book))
    sheet = Sheet("lines", LEDGER_TITLE, LINES, rows)
    return Document("ledger", LEDGER_TITLE, _remarks(ask), (sheet,))


def vouchers(connection: Connection, ask: Ask) -> Document:
    """Each posting as a voucher of two lines, by the day on which it happened."""
    span, zone = _span(ask), ZoneInfo(ask.zone)
    entries = _vouchers(booked.entries(connection, span), zone)
    used = _first_uses(booked.first_uses(connection, span), zone)
    sheets = (
        Sheet("vouchers", VOUCHER_TITLE, VOUCHERS, entries),
        Sheet("accounts", ACCOUNTS_TITLE, ACCOUNTS, used),
    )
    return Document("vouchers", VOUCHER_TITLE, _remarks(ask), sheets)


def _span(ask: Ask) -> Span:
    known = None if ask.known is None else ask.ends(ask.known)
    return Span(ask.account, ask.since, ask.until, known)


def _remarks(ask: Ask) -> tuple[Remark, ...]:
    if ask.known is None:
        return ask.remarks()
    known = Words(f"截至 {ask.known} 所知", f"as it was known at the end of {ask.known}")
    return (*ask.remarks(), Remark(Words("口径", "basis"), known))


def _standings(found: Iterator[Any]) -> Iterator[tuple[Any, ...]]:
    for account, book, currency, *figures in found:
        opening, debit, credit = map(int, figures)
        closing = opening + debit - credit
        yield account, book, kind_of(book), currency, opening, debit, credit, closing


def _lines(found: Iterator[Any]) -> Iterator[tuple[Any, ...]]:
    """The line of the number 0 says what stood there before, and is on neither side."""
    last: tuple[str, ...] = ()
    balance = 0
    for row in found:
        name = (row.account, row.book, row.currency)
        balance = (balance if name == last else 0) + row.debit - row.credit
        last = name
        opens = row.id == 0
        yield (
            row.account,
            row.book,
            kind_of(row.book),
            row.happened_at,
            None if opens else row.known_at,
            None if opens else str(row.id),
            None if opens else row.kind,
            None if opens else row.object_id,
            None if opens else row.entry,
            None if opens else row.other,
            row.currency,
            (row.debit or None) if not opens else None,
            (row.credit or None) if not opens else None,
            balance,
        )


def _vouchers(found: Iterator[Any], zone: tzinfo) -> Iterator[tuple[Any, ...]]:
    for row in found:
        head = (
            str(row.id),
            row.happened_at.astimezone(zone).date(),
            row.happened_at,
            row.known_at,
            row.account,
            row.kind,
            row.object_id,
            row.entry,
            row.order_id,
            row.corrects,
        )
        yield (*head, row.debit, kind_of(row.debit), row.currency, row.amount, None)
        yield (*head, row.credit, kind_of(row.credit), row.currency, None, row.amount)


def _first_uses(found: Iterator[Any], zone: tzinfo) -> Iterator[tuple[Any, ...]]:
    for book, at in found:
        yield book, kind_of(book), at.astimezone(zone).date()
