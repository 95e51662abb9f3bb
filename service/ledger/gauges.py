"""How much waits, how long already, and what is wrong: the numbers that monitoring watches."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from service.ledger import audit, radar, sealed, sinks, slots, stakes
from service.ledger.engine import Connection
from service.ledger.schema import closings, deliveries, dispatches, outbox, watches

RADAR_SPAN = timedelta(hours=27)
# A process that has not ticked for so long counts as gone.
ALIVE = timedelta(minutes=1)

Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Gauges:
    """Counts of rows; ages in seconds, 0 when nothing waits; money in minor units.

    quarantined: by reason. outbox_…, dead_letters, sinks_paused: by sink. mismatches: open ones and
    the money at stake. job_success: when each job last ended well. replicas: by role.
    delivered_at: when the newest delivery came. closed_day: the last one, whole days since 1970.
    vault_keys: ids of those the ledger needs.
    """

    inbox_waiting: int
    inbox_oldest_seconds: float
    delivered_at: datetime | None
    quarantined: Counts
    watches_overdue: int
    watches_oldest_seconds: float
    outbox_waiting: Counts
    outbox_oldest_seconds: Mapping[str, float]
    dead_letters: Counts
    sinks_paused: Counts
    mismatches: stakes.Stakes
    radar_objects: Counts
    job_success: Mapping[str, datetime]
    replicas: Counts
    closed_day: int | None
    audit: audit.End
    vault_keys: frozenset[str]


def read_gauges(connection: Connection, *, now: datetime) -> Gauges:
    """Read them all in one snapshot; every question has a partial index of its own."""
    waiting, received_at = _inbox(connection)
    overdue, due_at = _watches(connection, now)
    known = {sink.name: sink for sink in sinks.known(connection)}
    none = dict.fromkeys(known, 0)
    lag = dict.fromkeys(known, (0, None)) | _outbox(connection)
    return Gauges(
        inbox_waiting=waiting,
        inbox_oldest_seconds=_age(received_at, now),
        delivered_at=connection.scalar(sa.select(sa.func.max(deliveries.c.received_at))),
        quarantined=_grouped(connection, deliveries.c.reason, "state = 'quarantined'"),
        watches_overdue=overdue,
        watches_oldest_seconds=_age(due_at, now),
        outbox_waiting={name: count for name, (count, _) in lag.items()},
        outbox_oldest_seconds={name: _age(since, now) for name, (_, since) in lag.items()},
        dead_letters=none | _grouped(connection, dispatches.c.sink, "state = 'dead'"),
        sinks_paused={name: int(sink.paused_at is not None) for name, sink in known.items()},
        mismatches=stakes.read(connection),
        radar_objects=_radar(connection, now),
        job_success=slots.successes_of(connection),
        replicas=slots.count_running(connection, since=now - ALIVE),
        closed_day=connection.scalar(sa.select(sa.func.max(closings.c.day))),
        audit=audit.end(connection),
        vault_keys=frozenset(sealed.known_keys(connection)),
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
            sa.text("state = 'waiting'")
        )
    ).one()
    return int(row[0]), row[1]


def _watches(connection: Connection, now: datetime) -> tuple[int, datetime | None]:
    row = connection.execute(
        sa.select(sa.func.count(), sa.func.min(watches.c.next_look_at)).where(
            sa.text("state = 'active'"), watches.c.next_look_at <= now
        )
    ).one()
    return int(row[0]), row[1]


def _outbox(connection: Connection) -> dict[str, tuple[int, datetime | None]]:
    """Per sink: how many messages wait, and since when the one with the least number does.

    Numbers are given in the order of time but for moments; a join of a whole backlog is dear.
    """
    waiting = (
        sa.select(
            dispatches.c.sink,
            sa.func.count().label("count"),
            sa.func.min(dispatches.c.outbox_id).label("first"),
        )
        .where(sa.text("state = 'waiting'"))
        .group_by(dispatches.c.sink)
        .subquery()
    )
    rows = connection.execute(
        sa.select(waiting.c.sink, waiting.c.count, outbox.c.created_at).join(
            outbox, outbox.c.id == waiting.c.first
        )
    )
    return {sink: (int(count), since) for sink, count, since in rows}


def _grouped(connection: Connection, column: sa.Column[Any], where: str) -> dict[str, int]:
    """Counts by the column. where: a literal, which both planners hold against the indexes."""
    counted = sa.select(column, sa.func.count()).where(sa.text(where)).group_by(column)
    return {name or "none": int(count) for name, count in connection.execute(counted)}
