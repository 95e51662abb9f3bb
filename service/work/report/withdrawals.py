"""Who was paid out how much, for which fee?"""

from collections.abc import Iterator
from typing import Any

from service.core import belief
from service.core.report.glossary import STATUSES
from service.core.report.sheet import Column, Document, Form, Sheet, Words
from service.ledger.engine import Connection
from service.ledger.reporting import detail
from service.work.report.ask import Ask

COLUMNS = (
    Column("account", "账户", "account"),
    Column("app", "应用", "app", Form.ID),
    Column("withdrawal_id", "提现 ID", "withdrawal id", Form.ID),
    Column("order_no", "商户提现号", "merchant's no", Form.ID),
    Column("user_id", "用户", "user", Form.ID),
    Column("status", "状态", "status", Form.WORD, labels=STATUSES),
    Column("created_at", "创建时间", "created at", Form.TIME),
    Column("succeeded_at", "成功时间", "succeeded at", Form.TIME),
    Column("channel", "渠道", "channel"),
    Column("failure_code", "失败代码", "failure code"),
    Column("currency", "币种", "currency"),
    Column("amount", "申请金额", "asked", Form.AMOUNT, summed=True),
    Column("paid_out", "成功金额", "paid out", Form.AMOUNT, summed=True),
    Column("fee", "手续费", "fee", Form.AMOUNT, summed=True),
    Column("user_fee", "用户承担手续费", "fee borne by user", Form.AMOUNT, summed=True),
)
TITLE = Words("提现明细", "Withdrawals")


def document(connection: Connection, ask: Ask) -> Document:
    """Withdrawals within the days; their fees count once they have succeeded."""
    rows = _rows(detail.withdrawals(connection, ask.stretch))
    sheet = Sheet("withdrawals", TITLE, COLUMNS, rows)
    return Document("withdrawals", TITLE, ask.remarks(), (sheet,))


def _rows(found: Iterator[Any]) -> Iterator[tuple[Any, ...]]:
    for row in found:
        shown = belief.decode(row.state).shown[3]
        done = row.status == "succeeded"
        yield (
            *row[:8],
            shown.get("channel"),
            shown.get("failure_code"),
            row.currency,
            row.amount,
            row.amount if done else 0,
            (row.fee or 0) if done else None,
            shown.get("user_fee", 0) if done else None,
        )
