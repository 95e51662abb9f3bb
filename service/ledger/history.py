"""What was seen of each object, in order, for those who make the beliefs again."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from service.core.journal import Net
from service.core.observation import Key
from service.ledger import journal
from service.ledger.engine import Ledger
from service.ledger.schema import beliefs, postings
from service.ledger.schema import observations as seen

_BELIEF_KEY = (beliefs.c.account, beliefs.c.kind, beliefs.c.object_id)
_SEEN_KEY = (seen.c.account, seen.c.kind, seen.c.object_id)


# Objects compared in one snapshot.
SLICE = 500


class Believed(NamedTuple):
    """A belief as it is kept: its text, the columns that reports read, and what is booked."""

    state: str
    status: str
    final: bool
    amount_paid: int | None
    amount_refunded: int | None
    booked: Net


class Sighting(NamedTuple):
    """One sighting as it was kept: when it was recorded, in µs, and its text."""

    key: Key
    recorded_at: int
    body: str


def slices(
    ledger: Ledger,
    compare: Callable[[sa.Connection, Sequence[Key]], None],
    *,
    since: datetime | None,
    until: datetime | None,
) -> Iterator[None]:
    """Show `compare` every object that was seen then, some in one snapshot; yields between two."""
    after: Key | None = None
    while True:
        with ledger.read() as connection:
            keys = objects(connection, after=after, limit=SLICE, since=since, until=until)
            if keys:
                compare(connection, keys)
        yield
        if len(keys) < SLICE:
            return
        after = keys[-1]


def objects(
    connection: sa.Connection,
    *,
    after: Key | None,
    limit: int,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Key]:
    """The next objects that were seen (since then, before then), in the order of their keys."""
    statement = sa.select(*_SEEN_KEY).distinct().order_by(*_SEEN_KEY).limit(limit)
    if since is not None:
        statement = statement.where(seen.c.recorded_at >= since)
    if until is not None:
        statement = statement.where(seen.c.recorded_at < until)
    if after is not None:
        statement = statement.where(sa.tuple_(*_SEEN_KEY) > sa.tuple_(*map(sa.literal, after)))
    return [Key(*row) for row in connection.execute(statement)]


def observations(connection: sa.Connection, keys: Sequence[Key]) -> Iterator[tuple[Key, str]]:
    """Every sighting of `keys` as it was kept, those of one object together."""
    for one in sightings(connection, keys):
        yield one.key, one.body


def sightings(connection: sa.Connection, keys: Sequence[Key]) -> Iterator[Sighting]:
    """Every sighting of `keys` and when it was recorded, those of one object together."""
    recorded_at = sa.type_coerce(seen.c.recorded_at, sa.BigInteger())
    statement = (
        sa.select(*_SEEN_KEY, recorded_at, seen.c.body)
        .where(sa.tuple_(*_SEEN_KEY).in_([tuple(key) for key in keys]))
        .order_by(*_SEEN_KEY, seen.c.id)
    )
    for account, kind, object_id, at, body in connection.execute(statement):
        yield Sighting(Key(account, kind, object_id), at, body)


def unseen(connection: sa.Connection, limit: int) -> list[Key]:
    """Objects that something is booked of although they were never seen."""
    same = sa.and_(
        seen.c.account == postings.c.account,
        seen.c.kind == postings.c.kind,
        seen.c.object_id == postings.c.object_id,
    )
    was_seen = sa.select(sa.literal(1)).where(same).correlate(postings).exists()
    key = (postings.c.account, postings.c.kind, postings.c.object_id)
    chosen = sa.select(*key).where(sa.not_(was_seen)).distinct().order_by(*key).limit(limit)
    return [Key(*row) for row in connection.execute(chosen)]


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
