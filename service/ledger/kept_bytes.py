"""Which bytes are kept as they came, sealed, with what is needed to check them?"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from service.core.observation import Key
from service.ledger.engine import Ledger
from service.ledger.schema import deliveries as delivered
from service.ledger.schema import observations

# Bodies may be large: a page of the largest is 200 MB.
PAGE = 200


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


class Answer(NamedTuple):
    """One answer to a question of ours, sealed."""

    id: int
    key: Key
    raw: bytes


def deliveries(ledger: Ledger, which: Range) -> Iterator[list[Delivery]]:
    """All deliveries, some at a time."""
    chosen = sa.select(*(delivered.c[name] for name in Delivery._fields))
    chosen = chosen.where(*_within(delivered.c.received_at, which))
    for rows in _pages(ledger, chosen, delivered.c.id):
        yield [Delivery(*row) for row in rows]


def answers(ledger: Ledger, which: Range) -> Iterator[list[Answer]]:
    """All answers, some at a time."""
    chosen = sa.select(
        observations.c.id,
        observations.c.account,
        observations.c.kind,
        observations.c.object_id,
        observations.c.raw,
    ).where(observations.c.raw.is_not(None), *_within(observations.c.recorded_at, which))
    for rows in _pages(ledger, chosen, observations.c.id):
        yield [Answer(row[0], Key(*row[1:4]), row[4]) for row in rows]


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
