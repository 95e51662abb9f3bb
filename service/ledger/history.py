"""What was seen of each object, in order, for those who make the beliefs again."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from service.core.journal import Net
from service.core.observation import Key
from service.ledger import journal
from service.ledger.schema import beliefs
from service.ledger.schema import observations as seen

_BELIEF_KEY = (beliefs.c.account, beliefs.c.kind, beliefs.c.object_id)
_SEEN_KEY = (seen.c.account, seen.c.kind, seen.c.object_id)


class Believed(NamedTuple):
    """A belief as it is kept: its text, the columns that reports read, and what is booked."""

    state: str
    status: str
    final: bool
    amount_paid: int | None
    amount_refunded: int | None
    booked: Net


def objects(connection: sa.Connection, *, after: Key | None, limit: int) -> list[Key]:
    """The next objects that were ever seen, in the order of their keys."""
    statement = sa.select(*_SEEN_KEY).distinct().order_by(*_SEEN_KEY).limit(limit)
    if after is not None:
        statement = statement.where(sa.tuple_(*_SEEN_KEY) > sa.tuple_(*map(sa.literal, after)))
    return [Key(*row) for row in connection.execute(statement)]


def observations(connection: sa.Connection, keys: Sequence[Key]) -> Iterator[tuple[Key, str]]:
    """Every sighting of `keys` as it was kept, those of one object together."""
    statement = (
        sa.select(*_SEEN_KEY, seen.c.body)
        .where(sa.tuple_(*_SEEN_KEY).in_([tuple(key) for key in keys]))
        .order_by(*_SEEN_KEY, seen.c.id)
    )
    for account, kind, object_id, body in connection.execute(statement):
        yield Key(account, kind, object_id), body


def beliefs_of(connection: sa.Connection, keys: Sequence[Key]) -> dict[Key, Believed]:
    """What is believed of `keys`."""
    statement = sa.select(
        *_BELIEF_KEY,
        beliefs.c.state,
        beliefs.c.status,
        beliefs.c.final,
        beliefs.c.amount_paid,
        beliefs.c.amount_refunded,
    ).where(sa.tuple_(*_BELIEF_KEY).in_([tuple(key) for key in keys]))
    booked = journal.sums(connection, keys)
    rows = ((Key(*row[:3]), row[3:]) for row in connection.execute(statement))
    return {key: Believed(*values, booked.get(key, {})) for key, values in rows}
