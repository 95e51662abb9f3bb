"""What moved on each business day, and is the day closed?"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, tzinfo
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from service.core.instant import from_micros
from service.core.report.accounts import BOOKS
from service.core.report.glossary import KINDS, Labels
from service.core.report.sheet import Column, Document, Form, Remark, Sheet, Words
from service.ledger.engine import Connection
from service.ledger.journal import Span
from service.ledger.reporting import booked
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
COLUMNS = (_DAY, _STATE, _ACCOUNT, _APP, _CHANNEL, _KIND, *_SIDES, _CURRENCY, _COUNT, _AMOUNT)
TITLE = Words("日结", "Daily closing")


class Moved(NamedTuple):
    """What moved on a day between two kinds of accounts: the key of the sums."""

    day: date
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
    sums = _sums(booked.movements(connection, Span(ask.account, ask.since, ask.until)), ask)
    sheets = (
        Sheet("days", TITLE, COLUMNS, _rows(sums)),
        _by(sums, "accounts", Words("按账户", "By account"), (_ACCOUNT,)),
        _by(sums, "apps", Words("按应用", "By app"), (_ACCOUNT, _APP)),
        _by(sums, "channels", Words("按渠道", "By channel"), (_ACCOUNT, _CHANNEL)),
        _by(sums, "kinds", Words("按类型", "By kind"), (_ACCOUNT, _KIND)),
    )
    return Document("closing", TITLE, (*ask.remarks(), *_state(sums)), sheets)


def _sums(found: Iterable[Any], ask: Ask) -> Sums:
    """Quarters of an hour become days; so few that they are held."""
    zone = ZoneInfo(ask.zone)
    counts: Counter[Moved] = Counter()
    amounts: Counter[Moved] = Counter()
    for quarter, account, app, channel, kind, currency, debit, credit, count, amount in found:
        day = _day_of(quarter, zone)
        moved = Moved(day, account, app or "", channel, kind, debit, credit, currency)
        counts[moved] += count
        amounts[moved] += int(amount)
    return {moved: (counts[moved], amounts[moved]) for moved in sorted(counts)}


def _day_of(quarter: int, zone: tzinfo) -> date:
    return from_micros(int(quarter) * booked.QUARTER_MICROS).astimezone(zone).date()


def _rows(sums: Sums) -> Iterator[tuple[Any, ...]]:
    for moved, (count, amount) in sums.items():
        yield (
            moved.day,
            "open",
            moved.account,
            moved.app,
            moved.channel or None,
            moved.kind,
            moved.debit,
            moved.credit,
            moved.currency,
            count,
            amount,
        )


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


def _state(sums: Sums) -> Iterator[Remark]:
    """A day that is not closed may still change, and says so."""
    days = sorted({moved.day for moved in sums})
    if days:
        listed = ", ".join(map(str, days))
        yield Remark(
            Words("未结账", "not closed"),
            Words(f"{listed}：数字可能变动", f"{listed}: figures may still change"),
            warns=True,
        )
