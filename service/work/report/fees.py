"""What did moving money cost, by channel and payment by payment?"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from service.core.kinds import KINDS as ALL
from service.core.report.glossary import KINDS
from service.core.report.sheet import Column, Document, Form, Sheet, Words
from service.ledger.engine import Connection
from service.ledger.reporting import detail
from service.ledger.reporting.detail import By
from service.work.report.ask import Ask

_WHOSE = (
    Column("account", "账户", "account"),
    Column("app", "应用", "app", Form.ID),
)
_KIND = Column("kind", "类型", "kind", Form.WORD, labels=KINDS)
_CHANNEL = Column("channel", "渠道", "channel")
_FIGURES = (
    Column("amount", "金额", "amount", Form.AMOUNT, summed=True),
    Column("fee", "手续费", "fee", Form.AMOUNT, summed=True),
    Column("rate", "费率", "rate", Form.PERCENT),
)
_CURRENCY = Column("currency", "币种", "currency")
COLUMNS = (
    *_WHOSE,
    _KIND,
    Column("object_id", "ID", "id", Form.ID),
    Column("order_no", "商户订单号", "merchant's no", Form.ID),
    _CHANNEL,
    Column("moved_at", "入账时间", "moved at", Form.TIME),
    _CURRENCY,
    *_FIGURES,
)
SUMS = (
    *_WHOSE,
    _CHANNEL,
    _KIND,
    _CURRENCY,
    Column("count", "笔数", "count", Form.COUNT, summed=True),
    *_FIGURES,
)
TITLE = Words("手续费", "Fees")
DETAIL = Words("手续费明细", "Fees in detail")
# A batch or a settlement sums up what names its fee itself.
_KINDS = tuple(name for name in sorted(ALL) if not name.startswith(("batch_", "royalty_settle")))


def document(connection: Connection, ask: Ask) -> Document:
    """What names a fee and whose money moved within the days: by channel, then one by one."""
    stretch = replace(ask.stretch, by=By.MOVED)
    sheets = (
        Sheet("channels", TITLE, SUMS, _sums(detail.fee_sums(connection, stretch, _KINDS))),
        Sheet("fees", DETAIL, COLUMNS, _rows(detail.fees(connection, stretch, _KINDS))),
    )
    return Document("fees", TITLE, ask.remarks(), sheets)


def _rows(found: Iterator[Any]) -> Iterator[tuple[Any, ...]]:
    for *known, amount, fee in found:
        yield (*known, amount, fee, rate(amount, fee))


def _sums(found: Iterator[Any]) -> Iterator[tuple[Any, ...]]:
    for *known, amount, fee in found:
        whole, cost = int(amount or 0), int(fee)
        yield (*known, whole, cost, rate(whole, cost))


def rate(amount: int | None, fee: int) -> int | None:
    """Hundredths of a percent, to the nearest; of no amount there is none."""
    return (fee * 10_000 + amount // 2) // amount if amount else None
