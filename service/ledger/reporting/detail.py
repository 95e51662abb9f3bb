"""Which orders, refunds, withdrawals and allocations lie within some days?"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from service.core.journal import CURRENCY
from service.ledger.columns import Instant
from service.ledger.engine import Connection
from service.ledger.keys import Selection
from service.ledger.rules.sources import word
from service.ledger.schema import beliefs
from service.ledger.snapshots import stream


class By(StrEnum):
    """Which of an object's times is meant: its making, or when its money moved."""

    CREATED = "created"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Of one account and app or of all (None): from `since` on, before `until`; None: no bound."""

    account: str | None
    since: datetime | None
    until: datetime | None
    by: By = By.CREATED
    app: str | None = None

    def of_app(self, app: Any) -> list[sa.ColumnElement[bool]]:
        """The WHERE that leaves one app's, by this column."""
        return [] if self.app is None else [app == self.app]

    def at(self, one: Any) -> Any:
        """The column of the time that is meant."""
        return one.c.created_at if self.by is By.CREATED else one.c.moved_at

    def within(self, one: Any) -> list[sa.ColumnElement[bool]]:
        """The WHERE of it, as its index is spelt; who has no such time is not within."""
        at = self.at(one)
        found: list[sa.ColumnElement[bool]] = [at.is_not(None)]
        if self.since is not None:
            found.append(at >= sa.literal(self.since, Instant()))
        if self.until is not None:
            found.append(at < sa.literal(self.until, Instant()))
        return found


def orders(connection: Connection, stretch: Stretch) -> Iterator[Any]:
    """Each order with what its charges that were paid say: channel, the channel's number, fee."""
    one = beliefs.alias("one")
    statement = sa.select(
        one.c.account,
        one.c.app,
        one.c.object_id,
        one.c.order_no,
        one.c.status,
        one.c.created_at,
        one.c.moved_at,
        _paid(one, sa.func.min, "channel"),
        _paid(one, sa.func.min, "transaction_no"),
        one.c.user_id,
        currency_of(one),
        one.c.amount,
        one.c.amount_paid,
        one.c.amount_refunded,
        _paid(one, sa.func.sum, "fee"),
    )
    return _each(connection, statement.where(*stretch.of_app(one.c.app)), one, "order", stretch)


def _paid(order: Any, aggregate: Any, column: str) -> sa.ColumnElement[Any]:
    """One figure of an order's charges that were paid."""
    charge = beliefs.alias(f"paid_{column}")
    return (
        sa.select(aggregate(charge.c[column]))
        .where(
            charge.c.account == order.c.account,
            charge.c.order_id == order.c.object_id,
            charge.c.kind == word("charge"),
            charge.c.status == word("paid"),
        )
        .correlate(order)
        .scalar_subquery()
    )


def currency_of(one: Any) -> sa.ColumnElement[str]:
    """The currency; most objects of the provider name none and mean this one."""
    named = sa.func.coalesce(one.c.currency, sa.literal_column(f"'{CURRENCY}'", sa.Text()))
    return named.label("currency")


def _each(
    connection: Connection, statement: Selection, one: Any, kind: str, stretch: Stretch
) -> Iterator[Any]:
    """The rows of a kind by account, time and id: one account after the other, as the index is."""
    for account in accounts(connection, stretch.account):
        yield from stream(
            connection,
            statement.where(
                one.c.account == account, one.c.kind == word(kind), *stretch.within(one)
            ).order_by(stretch.at(one), one.c.object_id),
        )


def accounts(connection: Connection, asked: str | None) -> list[str]:
    """The accounts that are meant, in order."""
    if asked is not None:
        return [asked]
    found = connection.scalars(sa.select(beliefs.c.account).distinct())
    return sorted(found)


REFUNDS = ("order_refund", "refund")
SHARES = ("allocation", "allocation_refund")


def refunds(connection: Connection, stretch: Stretch) -> Iterator[Any]:
    """Refunds of orders, and of charges without an order: an order's refund shows in both kinds."""
    one = beliefs.alias("one")
    whole, charge = beliefs.alias("whole"), beliefs.alias("of_charge")
    app = sa.func.coalesce(one.c.app, whole.c.app, charge.c.app)
    statement = (
        sa.select(
            one.c.account,
            app,
            one.c.kind,
            one.c.object_id,
            one.c.order_no,
            one.c.order_id,
            sa.func.coalesce(whole.c.order_no, charge.c.order_no),
            one.c.charge_id,
            one.c.status,
            one.c.created_at,
            one.c.moved_at,
            sa.func.coalesce(one.c.channel, charge.c.channel),
            one.c.transaction_no,
            currency_of(one),
            one.c.amount,
        )
        .select_from(one)
        .outerjoin(whole, _is(whole, "order", one.c.account, one.c.order_id))
        .outerjoin(charge, _is(charge, "charge", one.c.account, one.c.charge_id))
        .where(*stretch.of_app(app))
    )
    bare = statement.where(one.c.order_id.is_(None), charge.c.order_id.is_(None))
    yield from _each(connection, statement, one, "order_refund", stretch)
    yield from _each(connection, bare, one, "refund", stretch)


def _is(other: Any, kind: str, account: Any, object_id: Any) -> sa.ColumnElement[bool]:
    return sa.and_(
        other.c.account == account, other.c.kind == word(kind), other.c.object_id == object_id
    )


def withdrawals(connection: Connection, stretch: Stretch) -> Iterator[Any]:
    """Each withdrawal; the last column is its belief's state, for what has no column of its own."""
    one = beliefs.alias("one")
    statement = sa.select(
        one.c.account,
        one.c.app,
        one.c.object_id,
        one.c.order_no,
        one.c.user_id,
        one.c.status,
        one.c.created_at,
        one.c.moved_at,
        currency_of(one),
        one.c.amount,
        one.c.fee,
        one.c.state,
    ).where(*stretch.of_app(one.c.app))
    return _each(connection, statement, one, "withdrawal", stretch)


def shares(connection: Connection, stretch: Stretch) -> Iterator[Any]:
    """Each allocation and each refund of one; the last column, its state, has the recipients."""
    one = beliefs.alias("one")
    statement = sa.select(
        one.c.account,
        one.c.app,
        one.c.kind,
        one.c.object_id,
        one.c.order_no,
        one.c.order_id,
        one.c.status,
        one.c.created_at,
        one.c.moved_at,
        currency_of(one),
        one.c.state,
    ).where(*stretch.of_app(one.c.app))
    for kind in SHARES:
        yield from _each(connection, statement, one, kind, stretch)


def fees(connection: Connection, stretch: Stretch, kinds: Iterable[str]) -> Iterator[Any]:
    """Each object that names a fee."""
    one = beliefs.alias("one")
    statement = sa.select(
        one.c.account,
        one.c.app,
        one.c.kind,
        one.c.object_id,
        one.c.order_no,
        one.c.channel,
        one.c.moved_at,
        currency_of(one),
        one.c.amount,
        one.c.fee,
    ).where(one.c.fee.is_not(None), *stretch.of_app(one.c.app))
    for kind in kinds:
        yield from _each(connection, statement, one, kind, stretch)


def fee_sums(connection: Connection, stretch: Stretch, kinds: Sequence[str]) -> Iterator[Any]:
    """The same by account, app, channel and kind: how many, of which amount, for which fee."""
    one = beliefs.alias("one")
    key = (one.c.account, one.c.app, one.c.channel, one.c.kind, currency_of(one))
    count: sa.ColumnElement[int] = sa.func.count()
    statement = sa.select(*key, count, sa.func.sum(one.c.amount), sa.func.sum(one.c.fee)).where(
        one.c.fee.is_not(None),
        one.c.kind.in_(kinds),
        *stretch.of_app(one.c.app),
        *stretch.within(one),
    )
    if stretch.account is not None:
        statement = statement.where(one.c.account == stretch.account)
    return stream(connection, statement.group_by(*key).order_by(*key))
