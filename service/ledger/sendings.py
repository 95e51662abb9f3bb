"""What was sent to Ping++ and has no answer yet: whoever sends it again must know of it.

A row is written before the request goes and taken away with its answer. What a process leaves that
died in between is a sending that nobody knows the end of.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from service.ledger.dialect import insert
from service.ledger.engine import Connection
from service.ledger.schema import sendings

SHOWN_LIMIT = 1_000


class Sending(NamedTuple):
    """One sending; `digest` stands for the values that tell it from another."""

    account: str
    operation: str
    digest: str


def sending_of(account: str, operation: str, values: Sequence[object]) -> Sending:
    """The sending that these values name; they may be personal, so that only a digest is kept."""
    text = json.dumps(list(values), ensure_ascii=True, separators=(",", ":"))
    return Sending(account, operation, hashlib.sha256(text.encode()).hexdigest())


def begin(
    connection: Connection, sending: Sending, *, now: datetime, again: bool = False
) -> datetime | None:
    """Remember that it is about to be sent; gives when it was sent before, if nobody answered.

    It then must not be sent, unless `again`: somebody has looked, and it had not arrived.
    """
    row = {**sending._asdict(), "started_at": now}
    statement = insert(connection, sendings).on_conflict_do_nothing().returning(sendings.c.account)
    if connection.execute(statement, row).first() is not None:
        return None
    if again:
        connection.execute(sa.update(sendings).where(*_this(sending)).values(started_at=now))
        return None
    return connection.scalar(sa.select(sendings.c.started_at).where(*_this(sending)))


def end(connection: Connection, sending: Sending) -> None:
    """It has its answer: done, or surely not done."""
    connection.execute(sa.delete(sendings).where(*_this(sending)))


def without_answer(connection: Connection) -> list[tuple[str, str, datetime]]:
    """Account, operation and time of what has none, the newest first, at most a thousand."""
    columns = (sendings.c.account, sendings.c.operation, sendings.c.started_at)
    newest = sa.select(*columns).order_by(sendings.c.started_at.desc()).limit(SHOWN_LIMIT)
    return [tuple(row) for row in connection.execute(newest)]


def _this(sending: Sending) -> Sequence[sa.ColumnElement[bool]]:
    return [sendings.c[name] == value for name, value in sending._asdict().items()]
