"""Which days are closed, as the caller's snapshot knows it?"""

from collections.abc import Iterator
from datetime import date
from typing import Any

import sqlalchemy as sa

from service.core.closing import Closing, decode
from service.ledger.engine import Connection
from service.ledger.schema import closings
from service.ledger.snapshots import stream

_EPOCH = date(1970, 1, 1)


def closed(connection: Connection, first: date | None, last: date | None) -> Iterator[Closing]:
    """The closings of some days, the oldest first."""
    statement = sa.select(closings.c.content).order_by(closings.c.day)
    if first is not None:
        statement = statement.where(closings.c.day >= (first - _EPOCH).days)
    if last is not None:
        statement = statement.where(closings.c.day <= (last - _EPOCH).days)
    for (content,) in stream(connection, statement):
        yield decode(content)


def last_closed(connection: Connection) -> Closing | None:
    """The newest closing."""
    newest: Any = sa.select(closings.c.content).order_by(closings.c.day.desc()).limit(1)
    content = connection.scalar(newest)
    return None if content is None else decode(content)
