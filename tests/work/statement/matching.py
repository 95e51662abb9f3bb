"""How are a statement's lines brought to what we believe of them, and what is found?"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from service.core.statement.mapping import READY, Reading
from service.ledger.engine import Ledger
from service.ledger.schema import beliefs, dispatches, mismatches, outbox, statement_lines
from service.ledger.schema import statements as statements_table
from service.work.statement.match import Matched, match
from service.work.statement.take import Order, take
from service.work.terms import Terms
from tests.books import Row, charge, put

# 2026-11-22 in Shanghai
DAWN = datetime(2026, 11, 21, 16, tzinfo=UTC)
NOON = DAWN + timedelta(hours=12)
DAY = (20_779, 20_779)
TERMS = Terms(epoch="e", sinks=("books",))
HEAD = "type,order_no,transaction_no,refund_no,id,amount,fee,currency,status,at\n"
CHANNEL = replace(READY["book"], against="charges")


def line(
    number: str,
    amount: int,
    *,
    what: str = "payment",
    at: datetime = NOON,
    transaction_no: str = "",
    refund_no: str = "",
    object_id: str = "",
    fee: str = "",
    currency: str = "cny",
    status: str = "",
) -> str:
    when = (at + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M:%S")
    yuan = f"{amount // 100}.{amount % 100:02}"
    cells = (what, number, transaction_no, refund_no, object_id, yuan, fee, currency, status, when)
    return ",".join(cells) + "\n"


def paid(number: str, amount: int = 100, *, at: datetime = NOON, **columns: Any) -> dict[str, Any]:
    """A charge without an order whose money moved."""
    given: dict[str, Any] = {
        "order_id": None,
        "order_no": number,
        "amount": amount,
        "moved_at": at,
    }
    return charge(f"ch_{number}", **given | columns)


def bring(
    ledger: Ledger,
    folder: Path,
    lines: Iterable[str],
    *,
    source: str = "channel",
    days: tuple[int, int] | None = DAY,
    name: str = "bill.csv",
    reading: Reading = CHANNEL,
) -> int:
    path = folder / name
    path.write_text(HEAD + "".join(lines), encoding="utf-8")
    return take(ledger, Order(path, "shop", source, reading, days), now=NOON).id


def matching(
    ledger: Ledger, now: datetime = NOON, *, source: str = "channel", reading: Reading = CHANNEL
) -> Matched:
    return match(ledger, "shop", source, reading, terms=TERMS, now=now)


Found = list[tuple[str, str, str, str]]


def found(
    ledger: Ledger, folder: Path, rows: Sequence[Row], lines: Iterable[str], **how: Any
) -> Found:
    with ledger.begin() as connection:
        put(connection, rows)
    bring(ledger, folder, lines, **how)
    seen = matching(ledger, reading=how.get("reading", CHANNEL))
    return [
        (f.rule.removeprefix("statement_"), f.key.object_id.partition("/")[2], f.ours, f.theirs)
        for f in seen.findings
    ]


ORDERS = READY["book"]


def empty(ledger: Ledger) -> None:
    with ledger.begin() as connection:
        for table in (statement_lines, statements_table, mismatches, dispatches, outbox, beliefs):
            connection.execute(sa.delete(table))
