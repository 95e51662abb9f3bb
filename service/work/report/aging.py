"""What is pending, and for how long?"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from service.core.kinds import KINDS as ALL
from service.core.report.glossary import KINDS, STATUSES
from service.core.report.sheet import Column, Document, Form, Sheet, Words
from service.ledger.engine import Connection
from service.ledger.reporting import standing
from service.work.report.ask import Ask

_DAY = timedelta(days=1)
BANDS = (
    Words("1 天内", "less than 1 day"),
    Words("1–3 天", "1–3 days"),
    Words("3–7 天", "3–7 days"),
    Words("7–30 天", "7–30 days"),
    Words("30 天以上", "30 days and more"),
)
_AGES = {str(place): words for place, words in enumerate(BANDS)}
_AGE = Column("age", "账龄", "age", Form.WORD, labels=_AGES)
_KIND = Column("kind", "类型", "kind", Form.WORD, labels=KINDS)
COLUMNS = (
    Column("account", "账户", "account"),
    Column("app", "应用", "app", Form.ID),
    _KIND,
    Column("object_id", "ID", "id", Form.ID),
    Column("order_no", "商户订单号", "merchant's no", Form.ID),
    Column("status", "状态", "status", Form.WORD, labels=STATUSES),
    Column("since_at", "起始时间", "since", Form.TIME),
    _AGE,
    Column("days", "天数", "days", Form.COUNT),
    Column("last_looked_at", "上次查询", "last asked", Form.TIME),
    Column("next_look_at", "下次查询", "asked next", Form.TIME),
    Column("currency", "币种", "currency"),
    Column("amount", "金额", "amount", Form.AMOUNT, summed=True),
)
SUMS = (
    Column("account", "账户", "account"),
    _KIND,
    _AGE,
    Column("currency", "币种", "currency"),
    Column("count", "笔数", "count", Form.COUNT, summed=True),
    Column("amount", "金额", "amount", Form.AMOUNT, summed=True),
)
TITLE = Words("未完结账龄", "Aging of what is pending")
DETAIL = Words("未完结明细", "What is pending")
# Of the others none ever ends.
_ENDING = tuple(
    name for name, kind in sorted(ALL.items()) if any(word.branch for word in kind.words.values())
)


def document(connection: Connection, ask: Ask) -> Document:
    """What has not ended at the moment of asking: by age, then one by one, the oldest first."""
    sums = standing.pending_sums(connection, ask.stretch, _ENDING, ask.now)
    found = standing.pending(connection, ask.stretch, _ENDING, ask.now)
    sheets = (
        Sheet("ages", TITLE, SUMS, _sums(sums)),
        Sheet("pending", DETAIL, COLUMNS, _rows(found, ask.now)),
    )
    return Document("aging", TITLE, ask.remarks(), sheets)


def _sums(found: Iterator[Any]) -> Iterator[tuple[Any, ...]]:
    for account, kind, band, currency, count, amount in found:
        yield account, kind, str(band), currency, count, int(amount or 0)


def _rows(found: Iterator[Any], now: datetime) -> Iterator[tuple[Any, ...]]:
    for *known, since, band, looked, next_look, currency, amount in found:
        days = max((now - since) // _DAY, 0)
        yield (*known, since, str(band), days, looked, next_look, currency, amount)
