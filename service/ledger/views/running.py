"""Which jobs ran when, who opened what, and which dead letters are there: what operators ask."""

from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from service.ledger.engine import Connection
from service.ledger.rules.sources import word
from service.ledger.schema import audit, dispatches, outbox, slots
from service.ledger.slots import Slot
from service.ledger.views.walk import Scope, Walked, walk, within

_SLOT = sa.select(
    slots.c.job,
    slots.c.slot_at,
    slots.c.holder,
    slots.c.started_at,
    slots.c.finished_at,
    slots.c.outcome,
)
JOBS_LIMIT = 100


class Noted(NamedTuple):
    """One line of the audit."""

    id: int
    at: datetime
    who: str
    what: str
    why: str
    hash: str


class DeadLetter(NamedTuple):
    """A message that one sink would not take."""

    message_id: str
    sink: str
    account: str
    stream: str
    seq: int
    type: str
    attempts: int
    last_error: str | None
    created_at: datetime
    settled_at: datetime | None


def jobs(connection: Connection) -> list[str]:
    """The names of the jobs that ever fired; found one by one, since there are few of them."""
    found: list[str] = []
    last: str | None = ""
    while len(found) < JOBS_LIMIT:
        last = connection.scalar(
            sa.select(slots.c.job).where(slots.c.job > last).order_by(slots.c.job).limit(1)
        )
        if last is None:
            break
        found.append(last)
    return found


def firings(connection: Connection, job: str, *, limit: int) -> list[Slot]:
    """The last firings of a job, the newest first."""
    chosen = _SLOT.where(slots.c.job == job).order_by(slots.c.slot_at.desc()).limit(limit)
    return [Slot(*row) for row in connection.execute(chosen)]


def noted(connection: Connection, *, after: tuple[Any, ...] | None, size: int) -> Walked:
    """The audit, the newest line first."""
    statement = sa.select(*(audit.c[name] for name in Noted._fields))
    found = walk(connection, statement, (audit.c.id,), after=after, size=size)
    return found._replace(rows=[Noted(*row) for row in found.rows])


_DEAD = sa.select(
    outbox.c.message_id,
    dispatches.c.sink,
    outbox.c.account,
    outbox.c.stream,
    outbox.c.seq,
    outbox.c.type,
    dispatches.c.attempts,
    dispatches.c.last_error,
    outbox.c.created_at,
    dispatches.c.settled_at,
).join(outbox, dispatches.c.outbox_id == outbox.c.id)


def dead_letters(
    connection: Connection,
    scope: Scope,
    *,
    sink: str | None,
    after: tuple[Any, ...] | None,
    size: int,
) -> Walked:
    """What was given up, the newest first."""
    statement = _DEAD.where(dispatches.c.state == word("dead"))
    if sink is not None:
        statement = statement.where(dispatches.c.sink == sink)
    found = walk(
        connection,
        statement,
        (dispatches.c.outbox_id, dispatches.c.sink),
        after=after,
        size=size,
        filters=within(outbox.c.account, scope),
    )
    return found._replace(rows=[DeadLetter(*row) for row in found.rows])
