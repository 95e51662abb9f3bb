"""What is still pending, what does not agree, and which statements are there?"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from service.ledger.columns import Instant
from service.ledger.engine import Connection
from service.ledger.reporting.detail import Stretch, accounts, currency_of
from service.ledger.rules.sources import word
from service.ledger.schema import beliefs, mismatches, statement_lines, statements, watches
from service.ledger.snapshots import stream

# Whole days: younger than the first, than the second …, and older than the last.
BANDS = (1, 3, 7, 30)


def pending(
    connection: Connection, stretch: Stretch, kinds: Sequence[str], now: datetime
) -> Iterator[Any]:
    """Objects that have not ended, by account and kind, the oldest first."""
    one, watch = beliefs.alias("one"), watches.alias("watch")
    began = _began(one)
    statement = (
        sa.select(
            one.c.account,
            one.c.app,
            one.c.kind,
            one.c.object_id,
            one.c.order_no,
            one.c.status,
            sa.type_coerce(began, Instant()),
            _band(one, now),
            watch.c.last_looked_at,
            watch.c.next_look_at,
            currency_of(one),
            one.c.amount,
        )
        .select_from(one)
        .outerjoin(
            watch,
            sa.and_(
                watch.c.account == one.c.account,
                watch.c.kind == one.c.kind,
                watch.c.object_id == one.c.object_id,
                watch.c.state == word("active"),
            ),
        )
    )
    statement = statement.where(_is_pending(one, kinds), *stretch.of_app(one.c.app))
    for each in accounts(connection, stretch.account):
        chosen = statement.where(one.c.account == each)
        yield from stream(connection, chosen.order_by(one.c.kind, began, one.c.object_id))


def pending_sums(
    connection: Connection, stretch: Stretch, kinds: Sequence[str], now: datetime
) -> Iterator[Any]:
    """The same by account, kind and age: how many, of which amount."""
    one = beliefs.alias("one")
    key = (
        one.c.account,
        one.c.kind,
        _band(one, now).label("band"),
        currency_of(one),
    )
    count: sa.ColumnElement[int] = sa.func.count()
    statement = sa.select(*key, count, sa.func.sum(one.c.amount)).where(
        _is_pending(one, kinds), *stretch.of_app(one.c.app)
    )
    if stretch.account is not None:
        statement = statement.where(one.c.account == stretch.account)
    return stream(connection, statement.group_by(*key).order_by(*key))


def _is_pending(one: Any, kinds: Sequence[str]) -> sa.ColumnElement[bool]:
    return sa.and_(sa.not_(one.c.final), one.c.kind.in_(kinds))


def _began(one: Any) -> sa.ColumnElement[Any]:
    """When it was made; of one that does not say, since when it stands as it does."""
    return sa.func.coalesce(one.c.created_at, one.c.since_at)


def _band(one: Any, now: datetime) -> sa.ColumnElement[int]:
    """Which of BANDS is the first that it is younger than; their number for the oldest."""
    began = _began(one)
    younger = [
        (began > sa.literal(now - timedelta(days=days), Instant()), _number(place))
        for place, days in enumerate(BANDS)
    ]
    return sa.case(*younger, else_=_number(len(BANDS)))


def _number(value: int) -> sa.ColumnElement[int]:
    return sa.literal_column(str(value), sa.BigInteger())


MISMATCH = (
    "id", "rule", "state", "severity", "account", "kind", "object_id", "ours", "theirs",
    "currency", "found_at", "opened_at", "settled_at", "owner", "waived_until",
)  # fmt: skip


def differences(
    connection: Connection, stretch: Stretch, rules: Sequence[str] | None = None
) -> Iterator[Any]:
    """Mismatches, the oldest first: those found within the days, else all that are not settled."""
    one = mismatches
    statement = sa.select(*(one.c[name] for name in MISMATCH))
    if stretch.account is not None:
        statement = statement.where(one.c.account == stretch.account)
    if rules is not None:
        statement = statement.where(one.c.rule.in_(rules))
    if stretch.since is None and stretch.until is None:
        statement = statement.where(one.c.state != word("settled"))
    if stretch.since is not None:
        statement = statement.where(one.c.found_at >= stretch.since)
    if stretch.until is not None:
        statement = statement.where(one.c.found_at < stretch.until)
    return stream(connection, statement.order_by(one.c.id))


def statement_sums(
    connection: Connection, account: str | None, days: tuple[int | None, int | None]
) -> Iterator[Any]:
    """Each statement that counts, by kind of line: lines that are not known twice, their sums.

    days: the first and the last that one of its days must lie within, as days since 1970.
    """
    one, line = statements, statement_lines
    key = (
        one.c.id, one.c.account, one.c.source, one.c.name, one.c.first_day, one.c.last_day,
        one.c.imported_at, line.c.what, line.c.currency,
    )  # fmt: skip
    count: sa.ColumnElement[int] = sa.func.count()
    statement = (
        sa.select(*key, count, sa.func.sum(line.c.amount), sa.func.sum(line.c.fee))
        .join(line, line.c.statement_id == one.c.id)
        .where(one.c.state == word("imported"), sa.not_(line.c.known))
    )
    first, last = days
    if account is not None:
        statement = statement.where(one.c.account == account)
    if first is not None:
        statement = statement.where(one.c.last_day >= first)
    if last is not None:
        statement = statement.where(one.c.first_day <= last)
    return stream(connection, statement.group_by(*key).order_by(*key))
