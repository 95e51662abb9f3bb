"""What moved on each business day, and is the day closed?"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, timedelta, tzinfo
from itertools import chain
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from service.core.closing import Closing, Mark, Total
from service.core.instant import from_micros, to_micros
from service.core.report.accounts import BOOKS
from service.core.report.glossary import KINDS, Labels
from service.core.report.sheet import Column, Document, Form, Remark, Sheet, Words
from service.ledger.engine import Connection
from service.ledger.journal import Span
from service.ledger.moving import QUARTER_MICROS
from service.ledger.reporting import booked
from service.ledger.reporting.closed import closed, last_closed
from service.work.report.ask import Ask

CLOSED: Labels = {
    "open": Words("未结账", "not closed"),
    "closed": Words("已结账", "closed"),
}
_DAY = Column("day", "业务日", "day", Form.DAY)
_STATE = Column("closing", "结账", "closing", Form.WORD, labels=CLOSED)
_ACCOUNT = Column("account", "账户", "account")
_APP = Column("app", "应用", "app", Form.ID)
_CHANNEL = Column("channel", "渠道", "channel")
_KIND = Column("kind", "类型", "kind", Form.WORD, labels=KINDS)
_CURRENCY = Column("currency", "币种", "currency")
_SIDES = (
    Column("debit", "借方科目", "debit", Form.WORD, labels=BOOKS),
    Column("credit", "贷方科目", "credit", Form.WORD, labels=BOOKS),
)
_COUNT = Column("count", "笔数", "postings", Form.COUNT, summed=True)
_AMOUNT = Column("amount", "金额", "amount", Form.AMOUNT, summed=True)
_HAPPENED = Column("happened_on", "发生日", "happened on", Form.DAY)
COLUMNS = (
    _DAY,
    _STATE,
    _HAPPENED,
    _ACCOUNT,
    _APP,
    _CHANNEL,
    _KIND,
    *_SIDES,
    _CURRENCY,
    _COUNT,
    _AMOUNT,
)
TITLE = Words("日结", "Daily closing")


class Moved(NamedTuple):
    """What moved between two kinds of accounts: the key of the sums.

    day: in whose closing it is, or will be; what comes to be known of a day that was closed is an
    adjustment of the next one. happened: on which day it did.
    """

    day: date
    closing: str
    happened: date
    account: str
    app: str
    channel: str
    kind: str
    debit: str
    credit: str
    currency: str


# How many postings, and how much.
Sums = dict[Moved, tuple[int, int]]


def document(connection: Connection, ask: Ask) -> Document:
    """Every day's postings added up; then the same by account, app, channel and kind."""
    last = last_closed(connection)
    sums = _sums(chain(_closed(connection, ask), _open(connection, ask, last)))
    sheets = (
        Sheet("days", TITLE, COLUMNS, _rows(sums)),
        _by(sums, "accounts", Words("按账户", "By account"), (_ACCOUNT,)),
        _by(sums, "apps", Words("按应用", "By app"), (_ACCOUNT, _APP)),
        _by(sums, "channels", Words("按渠道", "By channel"), (_ACCOUNT, _CHANNEL)),
        _by(sums, "kinds", Words("按类型", "By kind"), (_ACCOUNT, _KIND)),
    )
    return Document("closing", TITLE, (*ask.remarks(), *_state(sums, ask, last)), sheets)


Part = tuple[Moved, int, int]


def _sums(parts: Iterable[Part]) -> Sums:
    """They are few: one for each way that money takes on a day."""
    counts: Counter[Moved] = Counter()
    amounts: Counter[Moved] = Counter()
    for moved, count, amount in parts:
        counts[moved] += count
        amounts[moved] += amount
    return {moved: (counts[moved], amounts[moved]) for moved in sorted(counts)}


def _closed(connection: Connection, ask: Ask) -> Iterator[Part]:
    """What closings hold, as it was frozen."""
    for one in closed(connection, ask.first_day, ask.last_day):
        for total in (*one.totals, *one.adjustments):
            if ask.account in (None, total.account):
                yield _frozen(one, total), total.count, total.amount


def _frozen(one: Closing, total: Total) -> Moved:
    return Moved(
        one.day,
        "closed",
        total.day,
        total.account,
        total.app,
        total.channel,
        total.kind,
        total.debit,
        total.credit,
        total.currency,
    )


def _open(connection: Connection, ask: Ask, last: Closing | None) -> Iterator[Part]:
    """What no closing holds yet: it may still change."""
    zone = ZoneInfo(ask.zone)
    since, mark = ask.since, None
    if last is not None:
        # of whichever day: what is late goes into the next closing
        since, mark = None, Mark(last.cut, to_micros(last.ends_at))
    span = Span(ask.account, since, ask.until)
    for (
        quarter,
        account,
        app,
        channel,
        kind,
        currency,
        debit,
        credit,
        count,
        amount,
    ) in booked.movements(connection, span, mark):
        happened = _day_of(quarter, zone)
        day = happened if last is None else max(happened, last.day + timedelta(days=1))
        moved = Moved(
            day, "open", happened, account, app or "", channel, kind, debit, credit, currency
        )
        if _within(day, ask):
            yield moved, count, int(amount)


def _within(day: date, ask: Ask) -> bool:
    return (ask.first_day or day) <= day <= (ask.last_day or day)


def _day_of(quarter: int, zone: tzinfo) -> date:
    return from_micros(int(quarter) * QUARTER_MICROS).astimezone(zone).date()


def _rows(sums: Sums) -> Iterator[tuple[Any, ...]]:
    for moved, (count, amount) in sums.items():
        yield (*moved[:5], moved.channel or None, *moved[6:], count, amount)


def _by(sums: Sums, name: str, title: Words, whose: tuple[Column, ...]) -> Sheet:
    """The days added up by fewer columns: which way money went stays among them."""
    columns = (*whose, *_SIDES, _CURRENCY, _COUNT, _AMOUNT)
    key = [one.name for one in columns[:-2]]
    counts: Counter[tuple[str, ...]] = Counter()
    amounts: Counter[tuple[str, ...]] = Counter()
    for moved, (count, amount) in sums.items():
        group = tuple(getattr(moved, one) for one in key)
        counts[group] += count
        amounts[group] += amount
    rows = [(*group, counts[group], amounts[group]) for group in sorted(counts)]
    return Sheet(name, title, columns, rows)


def _state(sums: Sums, ask: Ask, last: Closing | None) -> Iterator[Remark]:
    """A day that is not closed may still change, and says so, also when nothing moved on it."""
    days = {moved.day for moved in sums if moved.closing == "open"}
    asked = [day for day in (ask.first_day, ask.last_day) if day is not None]
    days.update(day for day in asked if last is None or day > last.day)
    if days:
        listed = ", ".join(map(str, sorted(days)))
        yield Remark(
            Words("未结账", "not closed"),
            Words(f"{listed}：数字可能变动", f"{listed}: figures may still change"),
            warns=True,
        )
