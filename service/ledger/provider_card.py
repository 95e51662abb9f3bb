"""How well does Ping++ notify? Delays, losses, repeats and order, by account, kind, channel, week.

Everything is about the objects that were created in a week. Percentiles are by nearest rank: the
value at place ⌈n·p/100⌉ of the sorted n, which is one that was measured, and the same on both
databases (SQLite knows no percentile_disc).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from service.core.instant import MICROS
from service.core.kinds import KINDS
from service.ledger.columns import Instant
from service.ledger.engine import Connection
from service.ledger.judging import bare, few
from service.ledger.keys import Selection
from service.ledger.rules.single import is_notified_end
from service.ledger.schema import beliefs, deliveries, observations

WEEK = timedelta(days=7)
# Its repeats come 5 s, 10 s, 2 min and 5 min after the first (facts §1.3): nothing is lost yet.
PATIENCE = timedelta(minutes=10)
# What was over so long before we first saw it is history, and nobody notifies of that.
HISTORY = timedelta(days=2)


class Group(NamedTuple):
    """What a line is about; channel is empty where the object has none."""

    account: str
    kind: str
    channel: str


class Spread(NamedTuple):
    """Durations in microseconds, None where there were none: how many, and two percentiles."""

    number: int = 0
    p50: int | None = None
    p99: int | None = None


class Ends(NamedTuple):
    """Objects; those in an end that is notified; never notified; seen by asking before that."""

    objects: int = 0
    due: int = 0
    lost: int = 0
    asked_first: int = 0


class Events(NamedTuple):
    """Notifications; how often one came again; those that told of a state already passed."""

    events: int = 0
    repeats: int = 0
    late: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the card. week: its Monday. delay: from the event's making to its arrival.

    to_final: from an object's creation, by the provider's clock, until its end was first seen.
    """

    group: Group
    week: date
    ends: Ends
    events: Events
    delay: Spread
    to_final: Spread

    @property
    def loss(self) -> float | None:
        """The share of what should have been notified that never was."""
        return self.ends.lost / self.ends.due if self.ends.due else None


def weeks(since: datetime, until: datetime, zone: str) -> Iterator[tuple[date, datetime, datetime]]:
    """The weeks of the zone that touch the span: Monday, and both ends, cut to the span."""
    place = ZoneInfo(zone)
    day = since.astimezone(place).date()
    monday = day - timedelta(days=day.weekday())
    while (begin := _midnight(monday, place)) < until:
        end = _midnight(monday + WEEK, place)
        yield monday, max(begin, since), min(end, until)
        monday += WEEK


def _midnight(day: date, place: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), place)


def read(
    connection: Connection, monday: date, begin: datetime, end: datetime, *, now: datetime
) -> list[Line]:
    """The lines of one week, by group; each question looks at the week's objects alone."""
    values = {
        "begin": begin,
        "end": end,
        "patient": now - PATIENCE,
        # the index of creation begins with them
        "accounts": few(connection, beliefs.c.account),
        "kinds": list(KINDS),
    }
    ends = _read(connection, _ends(), values, Ends)
    if not ends:
        return []
    told = _told(connection.dialect.name)
    events = _read(connection, _events(told), values, Events)
    delays = _read(connection, _spread(told, told.c.delay), values, Spread)
    finals = _finals()
    to_final = _read(connection, _spread(finals, finals.c.took), values, Spread)
    return [
        Line(
            group,
            monday,
            ends[group],
            events.get(group, Events()),
            delays.get(group, Spread()),
            to_final.get(group, Spread()),
        )
        for group in sorted(ends)
    ]


def _read(
    connection: Connection, asked: Selection, values: dict[str, Any], shape: Any
) -> dict[Group, Any]:
    rows: Sequence[Any] = connection.execute(asked, values).all()
    return {
        Group(*row[:3]): shape(*(None if one is None else int(one) for one in row[3:]))
        for row in rows
    }


_GROUP = (
    beliefs.c.account,
    beliefs.c.kind,
    sa.func.coalesce(beliefs.c.channel, "").label("channel"),
)
_IN_WEEK = sa.and_(
    beliefs.c.account.in_(sa.bindparam("accounts", expanding=True)),
    beliefs.c.kind.in_(sa.bindparam("kinds", expanding=True)),
    beliefs.c.created_at >= sa.bindparam("begin", type_=Instant()),
    beliefs.c.created_at < sa.bindparam("end", type_=Instant()),
)


def _micros(column: sa.Column[Any]) -> sa.ColumnElement[int]:
    """An instant as it is kept."""
    return sa.type_coerce(column, sa.BigInteger())


def _is_fresh() -> sa.ColumnElement[bool]:
    """Whether it ended under our eyes, or a notification spoke of it."""
    took = _micros(beliefs.c.since_at) - _micros(beliefs.c.created_at)
    return sa.or_(beliefs.c.heard_at.is_not(None), took <= int(HISTORY.total_seconds()) * MICROS)


def _count(*conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.sum(sa.case((sa.and_(*conditions), 1), else_=0))


def _ends() -> Selection:
    due = sa.and_(
        is_notified_end(beliefs),
        sa.not_(beliefs.c.conflict),
        beliefs.c.since_at <= sa.bindparam("patient", type_=Instant()),
        _is_fresh(),
    )
    unheard = beliefs.c.notified_at.is_(None)
    asked_first = sa.or_(unheard, beliefs.c.since_at < beliefs.c.notified_at)
    return (
        sa.select(
            *_GROUP, sa.func.count(), _count(due), _count(due, unheard), _count(due, asked_first)
        )
        .where(_IN_WEEK)
        .group_by(*_GROUP)
    )


def _told(dialect: str) -> sa.Subquery:
    """A row per notification, about the object that it names; what lies inside came with it."""
    first = observations.alias("first")
    named = (
        sa.select(sa.func.min(first.c.id))
        .where(first.c.delivery_id == observations.c.delivery_id)
        .scalar_subquery()
    )
    delay = _micros(deliveries.c.received_at) - _said_at(dialect) * MICROS
    return (
        sa.select(
            *_GROUP,
            deliveries.c.repeats,
            observations.c.decision,
            # clocks differ a little: nothing comes before it was sent
            sa.case((delay < 0, 0), else_=delay).label("delay"),
        )
        .join_from(beliefs, observations, _sighted())
        .join(deliveries, deliveries.c.id == observations.c.delivery_id)
        .where(_IN_WEEK, observations.c.source == "webhook", observations.c.id == named)
        .subquery("told")
    )


def _sighted() -> sa.ColumnElement[bool]:
    """A sighting of the object. Found from the week's objects: were the columns bare, SQLite would
    go through all sightings of these accounts and kinds instead.
    """
    return sa.and_(
        observations.c.account == bare(beliefs.c.account),
        observations.c.kind == bare(beliefs.c.kind),
        observations.c.object_id == beliefs.c.object_id,
    )


def _said_at(dialect: str) -> sa.ColumnElement[Any]:
    """The provider's time of an event, in seconds, out of the sighting that was kept."""
    if dialect == "postgresql":
        text = sa.cast(observations.c.body, postgresql.JSONB).op("->>")("said_at")
        return sa.cast(text, sa.BigInteger())
    return sa.func.json_extract(observations.c.body, "$.said_at", type_=sa.BigInteger())


def _events(told: sa.Subquery) -> Selection:
    group = (told.c.account, told.c.kind, told.c.channel)
    late = _count(told.c.decision == "late")
    return sa.select(*group, sa.func.count(), sa.func.sum(told.c.repeats), late).group_by(*group)


def _finals() -> sa.Subquery:
    took = _micros(beliefs.c.since_at) - _micros(beliefs.c.created_at)
    return (
        sa.select(*_GROUP, sa.case((took < 0, 0), else_=took).label("took"))
        .where(_IN_WEEK, beliefs.c.final, sa.not_(beliefs.c.conflict), _is_fresh())
        .subquery("finals")
    )


def _spread(source: sa.Subquery, value: sa.ColumnElement[Any]) -> Selection:
    """How many values each group has, and two of them by nearest rank."""
    group = (source.c.account, source.c.kind, source.c.channel)
    ranked = (
        sa.select(
            *group,
            value.label("value"),
            sa.func.row_number().over(partition_by=group, order_by=value).label("place"),
            sa.func.count().over(partition_by=group).label("size"),
        )
        .where(value.is_not(None))
        .subquery("ranked")
    )
    of = (ranked.c.account, ranked.c.kind, ranked.c.channel)
    return sa.select(*of, sa.func.count(), _at(ranked, 50), _at(ranked, 99)).group_by(*of)


def _at(ranked: sa.Subquery, percent: int) -> sa.ColumnElement[Any]:
    place = (ranked.c.size * percent + 99) // 100
    return sa.func.max(sa.case((ranked.c.place == place, ranked.c.value)))
