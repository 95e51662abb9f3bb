"""What waits for each sink, and what would none of them take?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from service.ledger.engine import Connection
from service.ledger.rules.sources import word
from service.ledger.schema import dispatches, outbox
from service.ledger.views.walk import Scope, Walked, walk, within

# Beyond this it is only said that there are more.
COUNT_LIMIT = 1_000


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many messages wait (at most COUNT_LIMIT + 1 are counted); since when the oldest does."""

    count: int
    since: datetime | None


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


def backlog(connection: Connection, scope: Scope, sink: str) -> Backlog:
    """What waits for one sink."""
    some = (
        sa.select(outbox.c.created_at.label("at"))
        .join(dispatches, dispatches.c.outbox_id == outbox.c.id)
        .where(
            dispatches.c.state == word("waiting"),
            # as the index says it, so that it is taken
            sa.text("next_try_at > 0"),
            dispatches.c.sink == sink,
            *within(outbox.c.account, scope),
        )
        .limit(COUNT_LIMIT + 1)
        .subquery("some")
    )
    count, since = connection.execute(sa.select(sa.func.count(), sa.func.min(some.c.at))).one()
    return Backlog(int(count), since)


def dead(connection: Connection, scope: Scope, sink: str) -> int:
    """How many one sink would not take; at most COUNT_LIMIT + 1 are counted."""
    some = (
        sa.select(dispatches.c.outbox_id)
        .join(outbox, dispatches.c.outbox_id == outbox.c.id)
        .where(
            dispatches.c.state == word("dead"),
            dispatches.c.sink == sink,
            *within(outbox.c.account, scope),
        )
        .limit(COUNT_LIMIT + 1)
        .subquery("some")
    )
    return int(connection.scalar(sa.select(sa.func.count()).select_from(some)) or 0)


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


def visible(connection: Connection, scope: Scope, messages: Sequence[str]) -> set[str]:
    """Those of the messages that may be seen."""
    chosen = sa.select(outbox.c.message_id).where(
        outbox.c.message_id.in_(messages), *within(outbox.c.account, scope)
    )
    return set(connection.scalars(chosen))
