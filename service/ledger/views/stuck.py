"""What stands still, and what does not add up? Counted up to a limit, with the oldest of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from service.ledger.columns import Instant
from service.ledger.engine import Connection
from service.ledger.judging import bare
from service.ledger.keys import Selection
from service.ledger.rules.sources import word
from service.ledger.schema import deliveries, dispatches, mismatches, outbox, watches
from service.ledger.views.walk import Scope, within

# Beyond this it is only said that there are more.
COUNT_LIMIT = 1_000
_ACTIVE = watches.c.state == word("active")
_NOW = sa.bindparam("now", type_=Instant())
_ACCOUNTS: sa.BindParameter[Any] = sa.bindparam("accounts", expanding=True)
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


class Standing(NamedTuple):
    """What stands still.

    inbox: deliveries that nobody has read yet. unsent: messages on their way, the tries of which
    are not used up. quarantined: deliveries that were not understood. dead: messages that were
    given up. overdue: objects that should have ended by now.
    """

    inbox: Waiting
    unsent: Waiting
    quarantined: Waiting
    dead: Waiting
    overdue: Waiting


def standing(connection: Connection, scope: Scope, *, now: datetime) -> Standing:
    """All of it by one question: each is a round trip, and the first page asks for all."""
    asked = {"now": now} if scope is None else {"now": now, "accounts": sorted(scope)}
    rows: list[Any] = sorted(connection.execute(_standing(everyones=scope is None), asked).all())
    return Standing(*(Waiting(int(count), since) for _, count, since in rows))


@cache
def _standing(*, everyones: bool) -> sa.CompoundSelect[*tuple[Any, ...]]:
    """Built once: to build it takes longer than to answer it."""
    chosen = (
        _delivered("waiting", everyones),
        _dispatched("waiting", everyones),
        _delivered("quarantined", everyones),
        _dispatched("dead", everyones),
        sa.select(watches.c.deadline_at.label("at")).where(
            _ACTIVE, watches.c.deadline_at < _NOW, *_seen(watches, everyones)
        ),
    )
    return sa.union_all(*(_counted(number, each) for number, each in enumerate(chosen)))


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


def _seen(table: sa.Table, everyones: bool) -> Sequence[sa.ColumnElement[bool]]:
    return () if everyones else (bare(table.c.account).in_(_ACCOUNTS),)


def _delivered(state: str, everyones: bool) -> Selection:
    return sa.select(deliveries.c.received_at.label("at")).where(
        deliveries.c.state == word(state), *_seen(deliveries, everyones)
    )


def _dispatched(state: str, everyones: bool) -> Selection:
    return (
        sa.select(outbox.c.created_at.label("at"))
        .join(dispatches, dispatches.c.outbox_id == outbox.c.id)
        .where(dispatches.c.state == word(state), *_seen(outbox, everyones))
    )


def _counted(number: int, chosen: Selection) -> Selection:
    """How many these are, up to the limit, and the oldest; number: of the question."""
    some = chosen.limit(COUNT_LIMIT + 1).subquery(f"some_{number}")
    which: sa.ColumnElement[int] = sa.literal_column(str(number), sa.Integer())
    return sa.select(which.label("which"), sa.func.count(), sa.func.min(some.c.at))
