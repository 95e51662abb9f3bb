"""Which note goes to which people next, and what became of it?

Of one channel only the oldest note that waits can be claimed, so that notes keep their order.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa

from service.ledger.engine import Connection
from service.ledger.schema import people_notes

_WAITS = sa.literal_column("'waiting'", sa.String())


@dataclass(frozen=True, slots=True)
class Taken:
    """A note in our hands until the lease ends; `attempts` were made before this one."""

    number: int
    token: str
    attempts: int
    made_at: datetime
    content: str


class NoteRow(NamedTuple):
    """One note as it was made, and what became of it."""

    number: int
    channel: str
    what: str
    state: str
    made_at: datetime
    settled_at: datetime | None
    attempts: int
    last_error: str | None
    content: str


class Backlog(NamedTuple):
    """What waits for a channel: how many notes, since when, and why the oldest does."""

    waiting: int
    since: datetime | None
    last_error: str | None


def put(connection: Connection, channel: str, what: str, content: str, *, now: datetime) -> int:
    """Put a note behind the others of its channel; gives its number."""
    row = {
        "channel": channel,
        "what": what,
        "made_at": now,
        "content": content,
        "state": "waiting",
        "attempts": 0,
        "next_try_at": now,
    }
    made = connection.execute(sa.insert(people_notes).returning(people_notes.c.id), row)
    return int(made.scalar_one())


def is_waiting(connection: Connection, channel: str) -> bool:
    """Whether any note of the channel is still to be sent."""
    waiting = sa.select(people_notes.c.id).where(
        people_notes.c.channel == channel, people_notes.c.state == _WAITS
    )
    return connection.scalar(waiting.limit(1)) is not None


def last_made(connection: Connection, channel: str) -> datetime | None:
    """When the newest note that was no digest and no test was made."""
    made = sa.select(people_notes.c.made_at).where(
        people_notes.c.channel == channel, people_notes.c.what.not_in(["digest", "test"])
    )
    return connection.scalar(made.order_by(people_notes.c.id.desc()).limit(1))


def claim(connection: Connection, channel: str, *, lease: timedelta, now: datetime) -> Taken | None:
    """Take the oldest note that waits, if it is due and in nobody's hands."""
    columns = people_notes.c
    head = (
        sa.select(columns.id)
        .where(columns.channel == channel, columns.state == _WAITS)
        .order_by(columns.id)
        .limit(1)
    )
    number = connection.scalar(head)
    if number is None:
        return None
    return _take(connection, int(number), lease, now)


def take(connection: Connection, number: int, *, lease: timedelta, now: datetime) -> Taken:
    """Take the note that this transaction has made, whatever waits before it."""
    taken = _take(connection, number, lease, now)
    if taken is None:
        raise LookupError(f"note {number} is not ours to take")
    return taken


def _take(connection: Connection, number: int, lease: timedelta, now: datetime) -> Taken | None:
    columns = people_notes.c
    token = secrets.token_hex(16)
    row = connection.execute(
        sa.update(people_notes)
        .where(
            columns.id == number,
            columns.state == _WAITS,
            columns.next_try_at <= now,
            sa.or_(columns.claimed_until.is_(None), columns.claimed_until <= now),
        )
        .values(claim_token=token, claimed_until=now + lease)
        .returning(columns.attempts, columns.made_at, columns.content)
    ).first()
    return None if row is None else Taken(number, token, *row)


def settle(
    connection: Connection,
    taken: Taken,
    state: str,
    *,
    error: str | None = None,
    next_try_at: datetime | None = None,
    now: datetime,
) -> bool:
    """Write what became of a note; False when its lease ran out and another has it."""
    values = {
        "state": state,
        "attempts": taken.attempts + 1,
        "last_error": error,
        "claim_token": None,
        "claimed_until": None,
    }
    values |= {"next_try_at": next_try_at} if next_try_at else {"settled_at": now}
    done = connection.execute(
        sa.update(people_notes)
        .where(people_notes.c.id == taken.number, people_notes.c.claim_token == taken.token)
        .values(values)
    )
    return done.rowcount == 1


def backlog(connection: Connection, channel: str) -> Backlog:
    """What waits for it."""
    columns = people_notes.c
    rows = connection.execute(
        sa.select(columns.made_at, columns.last_error)
        .where(columns.channel == channel, columns.state == _WAITS)
        .order_by(columns.id)
    ).all()
    return Backlog(len(rows), *rows[0]) if rows else Backlog(0, None, None)


def history(connection: Connection, channel: str | None, *, limit: int) -> Iterator[NoteRow]:
    """The newest notes first."""
    columns = people_notes.c
    statement = sa.select(
        columns.id, columns.channel, columns.what, columns.state, columns.made_at,
        columns.settled_at, columns.attempts, columns.last_error, columns.content,
    ).order_by(columns.id.desc()).limit(limit)  # fmt: skip
    if channel is not None:
        statement = statement.where(columns.channel == channel)
    return (NoteRow(*row) for row in connection.execute(statement))
