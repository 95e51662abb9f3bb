"""Which messages gave up, and how is any message sent again?

Sending again changes neither a message's id nor its bytes, and keeps the order of each stream.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from service.core.masking import mask_text
from service.ledger.columns import Key
from service.ledger.dialect import insert_rows
from service.ledger.schema import dispatches, dropped, outbox


@dataclass(frozen=True, slots=True)
class Letter:
    """A message and where it stands with one sink."""

    outbox_id: int
    message_id: str
    stream: str
    seq: int
    type: str
    created_at: datetime
    sink: str
    state: str
    attempts: int
    next_try_at: datetime
    last_error: str | None
    settled_at: datetime | None


_LETTERS = sa.select(
    outbox.c.id,
    outbox.c.message_id,
    outbox.c.stream,
    outbox.c.seq,
    outbox.c.type,
    outbox.c.created_at,
    dispatches.c.sink,
    dispatches.c.state,
    dispatches.c.attempts,
    dispatches.c.next_try_at,
    dispatches.c.last_error,
    dispatches.c.settled_at,
).join(dispatches, dispatches.c.outbox_id == outbox.c.id)


def dead_letters(
    connection: sa.Connection, *, sink: str | None = None, after_id: int = 0, limit: int = 100
) -> list[Letter]:
    """What gave up, the oldest first, a page at a time."""
    found = _LETTERS.where(dispatches.c.state == "dead", outbox.c.id > after_id)
    if sink is not None:
        found = found.where(dispatches.c.sink == sink)
    ordered = found.order_by(outbox.c.id, dispatches.c.sink).limit(limit)
    return [Letter(*row) for row in connection.execute(ordered)]


class Told(NamedTuple):
    """A message and where it stands with one sink; sink and what follows: None where none has it.

    None has what was for no sink, and what all that it was for have dropped.
    """

    message_id: str
    seq: int
    type: str
    created_at: datetime
    sink: str | None
    state: str | None
    attempts: int | None
    last_error: str | None
    settled_at: datetime | None


_STREAMS: sa.BindParameter[str] = sa.bindparam("streams", expanding=True)
_TOLD = (
    sa.select(
        outbox.c.message_id, outbox.c.seq, outbox.c.type, outbox.c.created_at, dispatches.c.sink,
        dispatches.c.state, dispatches.c.attempts, dispatches.c.last_error, dispatches.c.settled_at,
    )
    .outerjoin(dispatches, dispatches.c.outbox_id == outbox.c.id)
    .where(outbox.c.stream.in_(_STREAMS))
    .order_by(outbox.c.stream, outbox.c.seq, dispatches.c.sink)
)  # fmt: skip


def told_in(connection: sa.Connection, streams: Sequence[str]) -> list[Told]:
    """Every message of some streams ("account/kind/id") with each sink, in order."""
    return [Told(*row) for row in connection.execute(_TOLD, {"streams": streams})]


class Dropped(NamedTuple):
    """A dead letter that a person gave up for good, and why."""

    seq: int
    message_id: str
    type: str
    sink: str
    attempts: int
    last_error: str | None
    dropped_at: datetime
    reason: str


_DROPPED = (
    sa.select(
        outbox.c.seq, outbox.c.message_id, outbox.c.type, dropped.c.sink, dropped.c.attempts,
        dropped.c.last_error, dropped.c.dropped_at, dropped.c.reason,
    )
    .join(outbox, outbox.c.id == dropped.c.outbox_id)
    .where(outbox.c.stream.in_(_STREAMS))
    .order_by(outbox.c.stream, outbox.c.seq, dropped.c.sink)
)  # fmt: skip


def dropped_in(connection: sa.Connection, streams: Sequence[str]) -> list[Dropped]:
    """What was dropped of some streams, in order."""
    return [Dropped(*row) for row in connection.execute(_DROPPED, {"streams": streams})]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which messages: None does not choose. Times are when a message was made, until exclusive."""

    states: Sequence[str] = ("dead",)
    sink: str | None = None
    stream: str | None = None
    message_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def resend(
    connection: sa.Connection, chosen: Chosen, *, after_id: int, limit: int, now: datetime
) -> tuple[int, int | None]:
    """Make one page of the chosen messages due, with a fresh schedule.

    Gives how many dispatches that were, and where the next page starts (None: that was all). What
    another worker has in its hands now is left to it.
    """
    page = _messages(chosen, after_id).order_by(outbox.c.id).limit(limit)
    ids = list(connection.scalars(page))
    if not ids:
        return 0, None
    again = sa.update(dispatches).where(
        dispatches.c.outbox_id.in_(ids),
        dispatches.c.state.in_(chosen.states),
        sa.or_(dispatches.c.claimed_until.is_(None), dispatches.c.claimed_until <= now),
    )
    if chosen.sink is not None:
        again = again.where(dispatches.c.sink == chosen.sink)
    fresh = again.values(
        state="waiting", attempts=0, next_try_at=now, last_error=None, settled_at=None
    )
    count = connection.execute(fresh).rowcount
    return count, ids[-1] if len(ids) == limit else None


def drop(
    connection: sa.Connection, chosen: Chosen, reason: str, *, limit: int, now: datetime
) -> int:
    """Give up one page of the chosen dead letters for good, and keep that it was done, and why."""
    found = sa.select(
        dispatches.c.outbox_id, dispatches.c.sink, dispatches.c.attempts, dispatches.c.last_error
    ).where(dispatches.c.state == "dead", dispatches.c.outbox_id.in_(_messages(chosen, 0)))
    if chosen.sink is not None:
        found = found.where(dispatches.c.sink == chosen.sink)
    rows = connection.execute(found.order_by(dispatches.c.outbox_id).limit(limit)).all()
    names = [column.name for column in dropped.columns]
    gone: list[dict[str, Any]] = []
    # masked, it may be longer than the column
    why = mask_text(reason)[: Key.length]
    for row in rows:
        deleted = sa.delete(dispatches).where(
            dispatches.c.outbox_id == row.outbox_id,
            dispatches.c.sink == row.sink,
            dispatches.c.state == "dead",
        )
        if connection.execute(deleted).rowcount:
            gone.append(dict(zip(names, (*row, now, why), strict=True)))
    insert_rows(connection, dropped, gone)
    return len(gone)


def count(connection: sa.Connection, chosen: Chosen) -> int:
    """How many dispatches are chosen."""
    found = sa.select(sa.func.count()).where(
        dispatches.c.outbox_id.in_(_messages(chosen, 0)), dispatches.c.state.in_(chosen.states)
    )
    if chosen.sink is not None:
        found = found.where(dispatches.c.sink == chosen.sink)
    return int(connection.scalar(found) or 0)


def _messages(chosen: Chosen, after_id: int) -> sa.Select[int]:
    conditions: list[sa.ColumnElement[bool]] = [
        dispatches.c.outbox_id == outbox.c.id,
        dispatches.c.state.in_(chosen.states),
    ]
    if chosen.sink is not None:
        conditions.append(dispatches.c.sink == chosen.sink)
    found = sa.select(outbox.c.id).where(outbox.c.id > after_id, sa.exists().where(*conditions))
    if chosen.stream is not None:
        found = found.where(outbox.c.stream == chosen.stream)
    if chosen.message_id is not None:
        found = found.where(outbox.c.message_id == chosen.message_id)
    if chosen.since is not None:
        found = found.where(outbox.c.created_at >= chosen.since)
    if chosen.until is not None:
        found = found.where(outbox.c.created_at < chosen.until)
    return found
