"""What was ordered, paid and given back?"""

from collections.abc import Iterator
from typing import Any

from service.core.report.glossary import STATUSES
from service.core.report.sheet import Column, Document, Form, Sheet, Words
from service.ledger.engine import Connection
from service.ledger.reporting import detail
from service.work.report.ask import Ask

COLUMNS = (
    Column("account", "账户", "account"),
    Column("app", "应用", "app", Form.ID),
    Column("order_id", "订单 ID", "order id", Form.ID),
    Column("order_no", "商户订单号", "merchant's order no", Form.ID),
    Column("status", "状态", "status", Form.WORD, labels=STATUSES),
    Column("created_at", "创建时间", "created at", Form.TIME),
    Column("paid_at", "支付时间", "paid at", Form.TIME),
    Column("channel", "渠道", "channel"),
    Column("transaction_no", "渠道流水号", "channel's number", Form.ID),
    Column("user_id", "用户", "user", Form.ID),
    Column("currency", "币种", "currency"),
    Column("amount", "订单金额", "amount", Form.AMOUNT, summed=True),
    Column("amount_paid", "实付金额", "paid", Form.AMOUNT, summed=True),
    Column("amount_refunded", "已退金额", "refunded", Form.AMOUNT, summed=True),
    Column("net", "净额", "net", Form.AMOUNT, summed=True),
    Column("fee", "手续费", "fee", Form.AMOUNT, summed=True),
)
TITLE = Words("订单明细", "Orders")


def document(connection: Connection, ask: Ask) -> Document:
    """Each order that was made, or paid, within the days."""
    rows = _rows(detail.orders(connection, ask.stretch))
    return Document("orders", TITLE, ask.remarks(), (Sheet("orders", TITLE, COLUMNS, rows),))


def _rows(found: Iterator[Any]) -> Iterator[tuple[Any, ...]]:
    """The ledger's columns, with what is left of the money before the fee."""
    for *known, paid, refunded, fee in found:
        yield (*known, paid, refunded, (paid or 0) - (refunded or 0), _whole(fee))


def _whole(value: Any) -> int | None:
    """A sum as PostgreSQL gives it: a Decimal."""
    return None if value is None else int(value)
