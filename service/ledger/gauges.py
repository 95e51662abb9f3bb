"""How much waits, how long already, and what is wrong: the numbers that monitoring watches."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from service.ledger import radar
from service.ledger.engine import Connection
from service.ledger.schema import deliveries, dispatches, mismatches, outbox, watches

RADAR_SPAN = timedelta(hours=27)


@dataclass(frozen=True, slots=True)
class Gauges:
    """Counts of rows; ages in seconds, 0 when nothing waits."""

    inbox_waiting: int
    inbox_oldest_seconds: float
    quarantined: int
    watches_overdue: int
    outbox_waiting: Mapping[str, int]
    outbox_oldest_seconds: Mapping[str, float]
    dead_letters: Mapping[str, int]
    mismatches_open: Mapping[str, int]
    radar_objects: Mapping[str, int]


def read_gauges(connection: Connection, *, now: datetime) -> Gauges:
    """Read them all in one snapshot; every question has a partial index of its own."""
    waiting, oldest = _inbox(connection)
    lag = _outbox(connection)
    return Gauges(
        inbox_waiting=waiting,
        inbox_oldest_seconds=_age(oldest, now),
        quarantined=_count(connection, deliveries, deliveries.c.state == "quarantined"),
        watches_overdue=_count(
            connection, watches, watches.c.state == "active", watches.c.next_look_at <= now
        ),
        outbox_waiting={sink: count for sink, (count, _) in lag.items()},
        outbox_oldest_seconds={sink: _age(since, now) for sink, (_, since) in lag.items()},
        dead_letters=_grouped(connection, dispatches.c.sink, dispatches.c.state == "dead"),
        mismatches_open=_grouped(
            connection, mismatches.c.rule, mismatches.c.state.in_(["open", "acknowledged"])
        ),
        radar_objects=_radar(connection, now),
    )


def _radar(connection: Connection, now: datetime) -> dict[str, int]:
    """How the objects of the last measured day came; the newest hours are not settled yet."""
    hours = radar.sums(connection, since=now - RADAR_SPAN)
    words = ("delivered", "asked", "unexplained")
    return {word: sum(getattr(hour, word) for hour in hours) for word in words}


def _age(since: datetime | None, now: datetime) -> float:
    return max((now - since).total_seconds(), 0.0) if since else 0.0


def _inbox(connection: Connection) -> tuple[int, datetime | None]:
    row = connection.execute(
        sa.select(sa.func.count(), sa.func.min(deliveries.c.received_at)).where(
            deliveries.c.state == "waiting"
        )
    ).one()
    return int(row[0]), row[1]


def _outbox(connection: Connection) -> dict[str, tuple[int, datetime | None]]:
    """Per sink: how many messages wait, and since when the oldest does."""
    rows = connection.execute(
        sa.select(dispatches.c.sink, sa.func.count(), sa.func.min(outbox.c.created_at))
        .join(outbox, outbox.c.id == dispatches.c.outbox_id)
        .where(dispatches.c.state == "waiting")
        .group_by(dispatches.c.sink)
    )
    return {sink: (int(count), since) for sink, count, since in rows}


def _count(connection: Connection, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
    counted = sa.select(sa.func.count()).select_from(table).where(*conditions)
    return int(connection.scalar(counted) or 0)


def _grouped(
    connection: Connection, column: sa.Column[str], condition: sa.ColumnElement[bool]
) -> dict[str, int]:
    rows = connection.execute(sa.select(column, sa.func.count()).where(condition).group_by(column))
    return {name: int(count) for name, count in rows}
