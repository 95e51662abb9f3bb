"""Which bytes are kept as they came, sealed, and what is needed to check them and what they say?"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from service.core.observation import Key
from service.ledger.engine import Ledger
from service.ledger.schema import deliveries as delivered
from service.ledger.schema import observations

# Bodies may be large: a page of the largest is 200 MB.
PAGE = 200


_SEEN = (
    observations.c.id,
    observations.c.account,
    observations.c.kind,
    observations.c.object_id,
    observations.c.source,
    observations.c.seen_at,
    observations.c.body,
)


class Range(NamedTuple):
    """What came since then and before then; None: all."""

    since: datetime | None = None
    until: datetime | None = None


class Delivery(NamedTuple):
    """One delivery with its sealed body."""

    id: int
    account: str
    dedup_key: str
    content_digest: str
    body: bytes
    signature: str
    key_fingerprint: str
    received_at: datetime
    state: str


class Seen(NamedTuple):
    """One sighting as its row says: told apart from others by all but its number."""

    id: int
    key: Key
    source: str
    seen_at: datetime
    text: str


class Kept(NamedTuple):
    """A sighting of our own question; raw: the answer, sealed, with the first of what it shows.

    batch: when it was recorded, in µs, with all else that the answer shows.
    """

    seen: Seen
    batch: int
    raw: bytes | None


def deliveries(ledger: Ledger, which: Range) -> Iterator[list[Delivery]]:
    """All deliveries, some at a time."""
    chosen = sa.select(*(delivered.c[name] for name in Delivery._fields))
    chosen = chosen.where(*_within(delivered.c.received_at, which))
    for rows in _pages(ledger, chosen, delivered.c.id):
        yield [Delivery(*row) for row in rows]


def sightings(ledger: Ledger, ids: Sequence[int]) -> dict[int, list[Seen]]:
    """What was seen in these deliveries, by their numbers."""
    found: dict[int, list[Seen]] = {}
    chosen = sa.select(observations.c.delivery_id, *_SEEN).where(
        observations.c.delivery_id.in_(ids)
    )
    with ledger.read() as connection:
        for number, *row in connection.execute(chosen.order_by(observations.c.id)):
            found.setdefault(number, []).append(_seen(row))
    return found


def answers(ledger: Ledger, which: Range) -> Iterator[list[Kept]]:
    """All that our own questions brought, in the order in which it was recorded."""
    batch = sa.type_coerce(observations.c.recorded_at, sa.BigInteger())
    chosen = sa.select(*_SEEN, batch, observations.c.raw).where(
        observations.c.source == "poll", *_within(observations.c.recorded_at, which)
    )
    for rows in _pages(ledger, chosen, observations.c.id):
        yield [Kept(_seen(row), row[-2], row[-1]) for row in rows]


def unnamed(ledger: Ledger, limit: int) -> list[Seen]:
    """Sightings that are said to be of a delivery, and whose delivery is not there."""
    is_there = sa.select(delivered.c.id).where(delivered.c.id == observations.c.delivery_id)
    chosen = sa.select(*_SEEN).where(
        sa.or_(observations.c.source == "webhook", observations.c.delivery_id.is_not(None)),
        sa.not_(is_there.correlate(observations).exists()),
    )
    with ledger.read() as connection:
        return [_seen(row) for row in connection.execute(chosen.limit(limit))]


def _seen(row: Sequence[Any]) -> Seen:
    return Seen(row[0], Key(*row[1:4]), row[4], row[5], row[6])


def _within(column: sa.Column[datetime], which: Range) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if which.since is not None:
        found.append(column >= which.since)
    if which.until is not None:
        found.append(column < which.until)
    return found


def _pages(ledger: Ledger, chosen: Any, number: sa.Column[int]) -> Iterator[list[Any]]:
    after = 0
    while True:
        with ledger.read() as connection:
            page = chosen.where(number > after).order_by(number).limit(PAGE)
            rows = list(connection.execute(page).all())
        if rows:
            yield rows
        if len(rows) < PAGE:
            return
        after = rows[-1][0]
