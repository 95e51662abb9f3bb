"""Who got which share of an order's money, and what of it has arrived?"""

from collections.abc import Iterator
from typing import Any

from service.core import belief
from service.core.journal import shares
from service.core.report.glossary import KINDS, STATUSES
from service.core.report.sheet import Column, Document, Form, Sheet, Words
from service.ledger.engine import Connection
from service.ledger.journal import Span
from service.ledger.reporting import booked, detail
from service.work.report.ask import Ask

COLUMNS = (
    Column("account", "账户", "account"),
    Column("app", "应用", "app", Form.ID),
    Column("kind", "类型", "kind", Form.WORD, labels=KINDS),
    Column("allocation_id", "分账 ID", "allocation id", Form.ID),
    Column("order_no", "商户分账号", "merchant's no", Form.ID),
    Column("order_id", "订单 ID", "order id", Form.ID),
    Column("status", "状态", "status", Form.WORD, labels=STATUSES),
    Column("created_at", "创建时间", "created at", Form.TIME),
    Column("succeeded_at", "成功时间", "succeeded at", Form.TIME),
    Column("recipient", "接收方", "recipient", Form.ID),
    Column("share_status", "分账状态", "share's status", Form.WORD, labels=STATUSES),
    Column("currency", "币种", "currency"),
    Column("amount", "应分金额", "share", Form.AMOUNT, summed=True),
    Column("arrived", "到账金额", "arrived", Form.AMOUNT, summed=True),
)
SUMS = (
    Column("account", "账户", "account"),
    Column("app", "应用", "app", Form.ID),
    Column("recipient", "接收方", "recipient", Form.ID),
    Column("currency", "币种", "currency"),
    Column("count", "笔数", "postings", Form.COUNT, summed=True),
    Column("arrived", "分入", "arrived", Form.AMOUNT, summed=True),
    Column("returned", "退回", "returned", Form.AMOUNT, summed=True),
    Column("net", "净额", "net", Form.AMOUNT, summed=True),
)
TITLE = Words("分账明细", "Allocations")
BY_RECIPIENT = Words("按接收方汇总", "By recipient")
_ROLES = {"allocation": ("recipient", 1), "allocation_refund": ("sender", -1)}


def document(connection: Connection, ask: Ask) -> Document:
    """Each share within the days; and by recipient, what the journal says arrived in them."""
    span = Span(ask.account, ask.since, ask.until)
    arrived = booked.shares_by_wallet(connection, span, ask.app)
    sheets = (
        Sheet("shares", TITLE, COLUMNS, _rows(detail.shares(connection, ask.stretch))),
        Sheet("recipients", BY_RECIPIENT, SUMS, _sums(arrived)),
    )
    return Document("allocations", TITLE, ask.remarks(), sheets)


def _rows(found: Iterator[Any]) -> Iterator[tuple[Any, ...]]:
    """A row for each recipient; what is given back is negative."""
    for row in found:
        parts = belief.decode(row.state).parts
        role, sign = _ROLES[row.kind]
        ended = row.status == "succeeded"
        for name, (_, status, amount) in sorted(parts.items()):
            of, _, user = name.split("/", 2)
            if of != role:
                continue
            one = {name: parts[name]}
            arrived = sum(share for _, share in shares(one, role, ended=ended))
            yield (*row[:9], user, status, row.currency, sign * amount, sign * arrived)


def _sums(found: Iterator[Any]) -> Iterator[tuple[Any, ...]]:
    for account, book, currency, count, arrived, returned in found:
        app, _, user = book.removeprefix("wallet:").partition("-")
        given, back = int(arrived), int(returned)
        yield account, app, user, currency, count, given, back, given - back
