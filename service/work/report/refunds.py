"""What was given back, and by which channel?"""

from collections.abc import Iterator
from typing import Any

from service.core.report.glossary import KINDS, STATUSES
from service.core.report.sheet import Column, Document, Form, Sheet, Words
from service.ledger.engine import Connection
from service.ledger.reporting import detail
from service.work.report.ask import Ask

COLUMNS = (
    Column("account", "账户", "account"),
    Column("app", "应用", "app", Form.ID),
    Column("kind", "类型", "kind", Form.WORD, labels=KINDS),
    Column("refund_id", "退款 ID", "refund id", Form.ID),
    Column("refund_no", "商户退款号", "merchant's refund no", Form.ID),
    Column("order_id", "订单 ID", "order id", Form.ID),
    Column("order_no", "商户订单号", "merchant's order no", Form.ID),
    Column("charge_id", "支付 ID", "charge id", Form.ID),
    Column("status", "状态", "status", Form.WORD, labels=STATUSES),
    Column("created_at", "创建时间", "created at", Form.TIME),
    Column("succeeded_at", "成功时间", "succeeded at", Form.TIME),
    Column("channel", "渠道", "channel"),
    Column("transaction_no", "渠道流水号", "channel's number", Form.ID),
    Column("currency", "币种", "currency"),
    Column("amount", "申请金额", "asked", Form.AMOUNT, summed=True),
    Column("refunded", "成功金额", "refunded", Form.AMOUNT, summed=True),
)
TITLE = Words("退款明细", "Refunds")


def document(connection: Connection, ask: Ask) -> Document:
    """Refunds of orders, and of charges without an order, within the days."""
    rows = _rows(detail.refunds(connection, ask.stretch))
    return Document("refunds", TITLE, ask.remarks(), (Sheet("refunds", TITLE, COLUMNS, rows),))


def _rows(found: Iterator[Any]) -> Iterator[tuple[Any, ...]]:
    """The ledger's columns, and what of the amount has arrived."""
    status = next(place for place, one in enumerate(COLUMNS) if one.name == "status")
    for row in found:
        yield (*row, row[-1] if row[status] == "succeeded" else 0)
