"""What stands still, and what does not add up? Counted up to a limit, with the oldest of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from service.ledger.engine import Connection
from service.ledger.rules.sources import word
from service.ledger.schema import deliveries, dispatches, mismatches, outbox, watches
from service.ledger.views.walk import Scope, within

# Beyond this it is only said that there are more.
COUNT_LIMIT = 1_000
_ACTIVE = watches.c.state == word("active")
_LIVE = mismatches.c.state != word("settled")


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many rows wait (at most COUNT_LIMIT + 1 are counted), and since when the oldest does."""

    count: int
    since: datetime | None


class Overdue(NamedTuple):
    """An object that should have ended by now: since when, and how often it was asked for."""

    account: str
    kind: str
    object_id: str
    deadline_at: datetime
    looks: int
    last_answer: str | None


@dataclass(frozen=True, slots=True)
class Cause:
    """Live mismatches of one rule: how many, since when, and how many nobody has looked at."""

    rule: str
    severity: str
    count: int
    unseen: int
    since: datetime


def inbox(connection: Connection, scope: Scope) -> Waiting:
    """Deliveries that nobody has read yet."""
    return _waiting(connection, deliveries, deliveries.c.received_at, "waiting", scope)


def quarantined(connection: Connection, scope: Scope) -> Waiting:
    """Deliveries that were not understood."""
    return _waiting(connection, deliveries, deliveries.c.received_at, "quarantined", scope)


def dead_letters(connection: Connection, scope: Scope) -> Waiting:
    """Messages that were given up."""
    chosen = (
        sa.select(outbox.c.created_at.label("at"))
        .join(dispatches, dispatches.c.outbox_id == outbox.c.id)
        .where(dispatches.c.state == word("dead"), *within(outbox.c.account, scope))
    )
    return _counted(connection, chosen)


def unsent(connection: Connection, scope: Scope) -> Waiting:
    """Messages on their way, the tries of which are not used up."""
    chosen = (
        sa.select(outbox.c.created_at.label("at"))
        .join(dispatches, dispatches.c.outbox_id == outbox.c.id)
        .where(dispatches.c.state == word("waiting"), *within(outbox.c.account, scope))
    )
    return _counted(connection, chosen)


def overdue(connection: Connection, scope: Scope, *, now: datetime) -> Waiting:
    """Objects that should have ended by now."""
    chosen = sa.select(watches.c.deadline_at.label("at")).where(
        _ACTIVE, watches.c.deadline_at < now, *within(watches.c.account, scope)
    )
    return _counted(connection, chosen)


def longest(connection: Connection, scope: Scope, *, now: datetime, limit: int) -> list[Overdue]:
    """Those of them that wait the longest."""
    rows = connection.execute(
        sa.select(*(watches.c[name] for name in Overdue._fields))
        .where(_ACTIVE, watches.c.deadline_at < now, *within(watches.c.account, scope))
        .order_by(watches.c.deadline_at)
        .limit(limit)
    )
    return [Overdue(*row) for row in rows]


def causes(connection: Connection, scope: Scope) -> list[Cause]:
    """Live mismatches by rule, the most numerous first; suspicions are left out."""
    unseen = sa.case((mismatches.c.state == word("open"), 1), else_=0)
    rows = connection.execute(
        sa.select(
            mismatches.c.rule,
            mismatches.c.severity,
            sa.func.count(),
            sa.func.sum(unseen),
            sa.func.min(mismatches.c.found_at),
        )
        .where(
            _LIVE,
            mismatches.c.state.in_([word("open"), word("acknowledged")]),
            *within(mismatches.c.account, scope),
        )
        .group_by(mismatches.c.rule, mismatches.c.severity)
    ).all()
    return sorted(
        (_cause(row) for row in rows), key=lambda one: (_WEIGHT[one.severity], -one.count)
    )


_WEIGHT = {"critical": 0, "warning": 1, "info": 2}


def _cause(row: Sequence[Any]) -> Cause:
    return Cause(row[0], row[1], int(row[2]), int(row[3]), row[4])


def _waiting(
    connection: Connection, table: sa.Table, at: sa.Column[Any], state: str, scope: Scope
) -> Waiting:
    chosen = sa.select(at.label("at")).where(
        table.c.state == word(state), *within(table.c.account, scope)
    )
    return _counted(connection, chosen)


def _counted(connection: Connection, chosen: Any) -> Waiting:
    some = chosen.limit(COUNT_LIMIT + 1).subquery("some")
    count, since = connection.execute(sa.select(sa.func.count(), sa.func.min(some.c.at))).one()
    return Waiting(int(count), since)
