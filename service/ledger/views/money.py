"""How much came in and went out in a span of time, hour by hour? By the journal, never by guess."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.core.instant import MICROS, to_micros
from service.core.journal import BANK, DEPOSITS, ORDERS, REFUNDS, TRANSIT
from service.ledger.columns import Instant
from service.ledger.engine import Connection
from service.ledger.schema import postings
from service.ledger.views.walk import Scope, within

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
assert DEPOSITS.startswith(_CLEARING)  # noqa: S101  the table above stands on it


@dataclass(frozen=True, slots=True)
class Moved:
    """What moved in one hour after the beginning: minor units, and by how many postings."""

    measure: str
    currency: str
    hour: int
    amount: int
    count: int


def moved(
    connection: Connection, *, since: datetime, until: datetime, scope: Scope = None
) -> list[Moved]:
    """Every measure by currency and hour, of what happened from `since` until `until`."""
    passed = sa.type_coerce(postings.c.happened_at, sa.BigInteger) - to_micros(since)
    hour = passed // (3_600 * MICROS)
    columns = (
        postings.c.kind,
        _class_of(postings.c.debit).label("debit_class"),
        _class_of(postings.c.credit).label("credit_class"),
        postings.c.currency,
        hour.label("hour"),
        # of a charge that is no order's, a refund and a correction stand between the same two
        postings.c.corrects.is_(None).label("is_plain"),
    )
    chosen = sa.select(*columns, postings.c.amount).where(
        postings.c.happened_at >= sa.literal(since, Instant()),
        postings.c.happened_at < sa.literal(until, Instant()),
        postings.c.kind.in_(_KINDS),
        *within(postings.c.account, scope),
    )
    each = chosen.subquery("each")
    names = ("kind", "debit_class", "credit_class", "currency", "hour", "is_plain")
    grouped: list[Any] = [each.c[name] for name in names]
    rows: Iterable[Any] = connection.execute(
        sa.select(*grouped, sa.func.sum(each.c.amount), sa.func.count()).group_by(*grouped)
    )
    return list(_counted(rows))


def _class_of(column: Any) -> Any:
    """The word before the id, or the whole of an account that has none."""
    return sa.case(
        (sa.func.substr(column, 1, len(_CLEARING)) == _CLEARING, _CLEARING),
        (sa.func.substr(column, 1, len(_PAYABLE)) == _PAYABLE, _PAYABLE),
        (sa.func.substr(column, 1, len(_WALLET)) == _WALLET, _WALLET),
        else_=column,
    )


def _counted(rows: Iterable[Any]) -> Iterable[Moved]:
    for kind, debit, credit, currency, hour, is_plain, amount, count in rows:
        measure, sign = _sign(kind, debit, credit, is_plain=bool(is_plain))
        if measure:
            yield Moved(measure, currency, int(hour), sign * int(amount), int(count))


def _sign(kind: str, debit: str, credit: str, *, is_plain: bool) -> tuple[str, int]:
    """A charge without an order posts both its payment and its refund between the same two."""
    if kind == "charge" and _PAYABLE in (debit, credit) and not is_plain:
        return ("paid", -1) if debit == _PAYABLE else ("refunded", -1)
    return _SIGNS.get((kind, debit, credit), ("", 0))
