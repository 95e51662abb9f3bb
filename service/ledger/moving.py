"""What do postings say of money in, refunded, allocated, withdrawn, by the quarter of an hour?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.core.instant import MICROS, from_micros
from service.core.journal import BANK, ORDERS, REFUNDS, TRANSIT
from service.ledger.engine import Connection
from service.ledger.judging import bare
from service.ledger.keys import Selection
from service.ledger.schema import postings

MEASURES = ("paid", "refunded", "allocated", "withdrawn")

_CLEARING, _PAYABLE, _WALLET = "clearing:", "payable:", "wallet:"
# What a posting of a kind, between a debit and a credit, adds to or takes from a measure.
_SIGNS: Mapping[tuple[str, str, str], tuple[str, int]] = {
    ("charge", _CLEARING, ORDERS): ("paid", 1),
    ("charge", ORDERS, _CLEARING): ("paid", -1),
    ("charge", _CLEARING, _PAYABLE): ("paid", 1),
    ("charge", _PAYABLE, _CLEARING): ("refunded", 1),
    ("deposit", _CLEARING, _WALLET): ("paid", 1),
    ("deposit", _WALLET, _CLEARING): ("paid", -1),
    ("order_refund", REFUNDS, _CLEARING): ("refunded", 1),
    ("order_refund", _CLEARING, REFUNDS): ("refunded", -1),
    ("allocation", _PAYABLE, _WALLET): ("allocated", 1),
    ("allocation", _WALLET, _PAYABLE): ("allocated", -1),
    ("allocation_refund", _WALLET, _PAYABLE): ("allocated", -1),
    ("allocation_refund", _PAYABLE, _WALLET): ("allocated", 1),
    ("withdrawal", TRANSIT, BANK): ("withdrawn", 1),
    ("withdrawal", BANK, TRANSIT): ("withdrawn", -1),
}
_KINDS = tuple(sorted({kind for kind, _, _ in _SIGNS}))

# Zones differ from UTC by quarters of an hour: every business day is so many of them.
QUARTER_MICROS = 15 * 60 * MICROS


@dataclass(frozen=True, slots=True)
class Move:
    """What moved in the quarter of an hour from `at`: minor units, and by how many postings."""

    account: str
    measure: str
    currency: str
    at: datetime
    amount: int
    count: int


def happened() -> sa.ColumnElement[int]:
    """When a posting happened, as it is kept."""
    return sa.type_coerce(postings.c.happened_at, sa.BigInteger)


def summed(*conditions: sa.ColumnElement[bool]) -> Selection:
    """The question to some postings; it is built once, for that costs more than the answer."""
    chosen = sa.select(
        postings.c.account,
        postings.c.kind,
        _class_of(postings.c.debit).label("debit_class"),
        _class_of(postings.c.credit).label("credit_class"),
        postings.c.currency,
        (happened() // QUARTER_MICROS).label("quarter"),
        # of a charge that is no order's, a refund and a correction stand between the same two
        postings.c.corrects.is_(None).label("is_plain"),
        postings.c.amount,
    ).where(*conditions, bare(postings.c.kind).in_(_KINDS))
    each = chosen.subquery("each")
    grouped: list[Any] = [column for column in each.c if column.name != "amount"]
    both: Selection = sa.select(*grouped, sa.func.sum(each.c.amount), sa.func.count())
    return both.group_by(*grouped)


def moves_of(
    connection: Connection, question: Selection, values: Mapping[str, Any]
) -> Iterator[Move]:
    """The moves that `summed` finds; of one quarter and measure there may be several."""
    rows: Sequence[Any] = connection.execute(question, values).all()
    for account, kind, debit, credit, currency, quarter, is_plain, amount, count in rows:
        measure, sign = _sign(kind, debit, credit, is_plain=bool(is_plain))
        if measure:
            at = from_micros(int(quarter) * QUARTER_MICROS)
            yield Move(account, measure, currency, at, sign * int(amount), int(count))


def _class_of(column: Any) -> Any:
    """The word before the id, or the whole of an account that has none."""
    return sa.case(
        (sa.func.substr(column, 1, len(_CLEARING)) == _CLEARING, _CLEARING),
        (sa.func.substr(column, 1, len(_PAYABLE)) == _PAYABLE, _PAYABLE),
        (sa.func.substr(column, 1, len(_WALLET)) == _WALLET, _WALLET),
        else_=column,
    )


def _sign(kind: str, debit: str, credit: str, *, is_plain: bool) -> tuple[str, int]:
    """A charge without an order posts both its payment and its refund between the same two."""
    if kind == "charge" and _PAYABLE in (debit, credit) and not is_plain:
        return ("paid", -1) if debit == _PAYABLE else ("refunded", -1)
    return _SIGNS.get((kind, debit, credit), ("", 0))
