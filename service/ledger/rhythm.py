"""How do deliveries come: by the account's rhythm, how many are refused, which processes tick?"""

from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa

from service.core.instant import MICROS, from_micros, to_micros
from service.ledger.dialect import insert
from service.ledger.engine import Connection
from service.ledger.schema import deliveries, refusals, replicas, watches

WEEK = timedelta(days=7)
MINUTE = timedelta(minutes=1)


def last_deliveries(connection: Connection, *, since: datetime) -> dict[str, datetime]:
    """When each account had its newest delivery, of those since."""
    rows = connection.execute(
        sa.select(deliveries.c.account, sa.func.max(deliveries.c.received_at))
        .where(deliveries.c.received_at >= since)
        .group_by(deliveries.c.account)
    )
    return {row[0]: row[1] for row in rows}


def had_usually(
    connection: Connection, account: str, first: datetime, last: datetime, *, weeks: int, least: int
) -> bool:
    """Whether each of the weeks before had at least so many in the same hours of the same day."""
    return all(
        _count(connection, account, first - WEEK * week, last - WEEK * week, least) >= least
        for week in range(1, weeks + 1)
    )


def _count(
    connection: Connection, account: str, first: datetime, last: datetime, limit: int
) -> int:
    some = (
        sa.select(deliveries.c.id)
        .where(
            deliveries.c.account == account,
            deliveries.c.received_at >= first,
            deliveries.c.received_at < last,
        )
        .limit(limit)
    )
    return int(connection.scalar(sa.select(sa.func.count()).select_from(some.subquery())) or 0)


def good_between(
    connection: Connection, account: str, first: datetime, last: datetime, *, limit: int
) -> int:
    """How many deliveries with a good signature came in between; `limit` at most."""
    return _count(connection, account, first, last, limit)


def note_refusals(connection: Connection, fresh: Mapping[str, int], *, now: datetime) -> None:
    """Add what this process refused, by account, to the minute's count."""
    minute = from_micros(to_micros(now) // (60 * MICROS) * 60 * MICROS)
    for account, count in sorted(fresh.items()):
        statement = insert(connection, refusals).values(
            account=account, minute_at=minute, count=count
        )
        more = statement.on_conflict_do_update(
            index_elements=[refusals.c.account, refusals.c.minute_at],
            set_={"count": refusals.c.count + statement.excluded.count},
        )
        connection.execute(more)


def refused_since(connection: Connection, since: datetime) -> dict[str, int]:
    """How many were refused by account."""
    rows = connection.execute(
        sa.select(refusals.c.account, sa.cast(sa.func.sum(refusals.c.count), sa.BigInteger))
        .where(refusals.c.minute_at >= since)
        .group_by(refusals.c.account)
    )
    return {account: int(count) for account, count in rows}


def gone(
    connection: Connection, *, silent: timedelta, forgotten: timedelta, now: datetime
) -> list[tuple[str, datetime]]:
    """Processes that ticked last before `silent`, and that no later one of their role replaced."""
    one, other = replicas.alias("one"), replicas.alias("other")
    replaced = sa.select(other.c.name).where(
        other.c.role == one.c.role, other.c.started_at > one.c.ticked_at
    )
    rows = connection.execute(
        sa.select(one.c.name, one.c.ticked_at)
        .where(
            one.c.ticked_at < now - silent, one.c.ticked_at >= now - forgotten, ~replaced.exists()
        )
        .order_by(one.c.name)
    )
    return [(row[0], row[1]) for row in rows]


def overdue(connection: Connection, *, before: datetime) -> dict[str, int]:
    """By account, how many objects should have been asked for before."""
    rows = connection.execute(
        sa.select(watches.c.account, sa.func.count())
        .where(sa.text("state = 'active'"), watches.c.next_look_at < before)
        .group_by(watches.c.account)
    )
    return {account: int(count) for account, count in rows}


def prune(connection: Connection, *, before: datetime) -> int:
    """Forget counts of refusals from before; gives how many."""
    done = connection.execute(sa.delete(refusals).where(refusals.c.minute_at < before))
    return done.rowcount
