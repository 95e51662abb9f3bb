"""Which sinks are known, which are paused, and what does a new one get of the past?

A pause is kept here, so that every replica sees it. A new sink that wants older messages gets them
page by page, and is sent nothing until it has all: else a newer message would be first.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from service.core.filter import Filter
from service.core.masking import mask_text
from service.core.messages import Message
from service.ledger.columns import Key
from service.ledger.dialect import insert
from service.ledger.engine import Connection
from service.ledger.schema import dispatches, outbox, sinks

# Why a sink is paused that said itself that it wants no more (F45).
GONE = "410 Gone"


@dataclass(frozen=True, slots=True)
class KnownSink:
    """What the ledger knows of one sink. filled_to: None when nothing of the past is left."""

    name: str
    known_since: datetime
    filled_to: int | None
    fill_from: datetime | None
    paused_at: datetime | None
    paused_for: str | None

    @property
    def state(self) -> str:
        """A word for it."""
        if self.paused_at is not None:
            return "paused"
        return "ready" if self.filled_to is None else "filling"


_COLUMNS = (
    sinks.c.name,
    sinks.c.known_since,
    sinks.c.filled_to,
    sinks.c.fill_from,
    sinks.c.paused_at,
    sinks.c.paused_for,
)


def register(
    connection: Connection, name: str, *, past: bool, since: datetime | None, now: datetime
) -> bool:
    """Make a sink known, once; past: it gets older messages (since a time, or all of them)."""
    row = {
        "name": name,
        "known_since": now,
        "filled_to": 0 if past else None,
        "fill_from": since,
    }
    statement = insert(connection, sinks).values(row).on_conflict_do_nothing()
    return connection.execute(statement).rowcount == 1


def known(connection: Connection) -> list[KnownSink]:
    """All of them, by name."""
    return [KnownSink(*row) for row in connection.execute(sa.select(*_COLUMNS).order_by("name"))]


def find(connection: Connection, name: str) -> KnownSink | None:
    """One of them."""
    row = connection.execute(sa.select(*_COLUMNS).where(sinks.c.name == name)).first()
    return None if row is None else KnownSink(*row)


def last_error(connection: Connection, name: str) -> str | None:
    """Why a sink took nothing when it was last tried in vain; None when nothing waits for that.

    Of what waits, that was tried last which comes last: so no backlog has to be walked.
    """
    of = dispatches.c
    return connection.scalar(
        sa.select(of.last_error)
        # as the index says it, so that it is taken
        .where(of.sink == name, sa.text("state = 'waiting' AND next_try_at > 0"))
        .order_by(of.next_try_at.desc())
        .limit(1)
    )


def is_ready(connection: Connection, name: str) -> bool:
    """Whether messages may go to it now; a sink that nobody has registered may get them."""
    found = find(connection, name)
    return found is None or found.state == "ready"


def pause(connection: Connection, name: str, reason: str, *, now: datetime) -> bool:
    """Send it nothing from now on; False when it is not known or paused already."""
    # masked, it may be longer than the column
    why = mask_text(reason)[: Key.length]
    return _set(connection, name, sinks.c.paused_at.is_(None), paused_at=now, paused_for=why)


def resume(connection: Connection, name: str) -> bool:
    """Send it messages again; False when it is not paused."""
    return _set(connection, name, sinks.c.paused_at.is_not(None), paused_at=None, paused_for=None)


def switch_off(connection: Connection, name: str, *, now: datetime) -> bool:
    """Pause a sink that wants no more, until a person resumes it; False when it is paused."""
    register(connection, name, past=False, since=None, now=now)
    return pause(connection, name, GONE, now=now)


def _set(
    connection: Connection,
    name: str,
    condition: sa.ColumnElement[bool],
    **values: datetime | str | None,
) -> bool:
    update = sa.update(sinks).where(sinks.c.name == name, condition).values(**values)
    return connection.execute(update).rowcount == 1


def fill(
    connection: Connection, name: str, takes: Filter, *, limit: int, now: datetime
) -> int | None:
    """Put the next older messages on their way to a new sink; gives how many, None at the end."""
    row = connection.execute(
        sa.select(*_COLUMNS).where(sinks.c.name == name).with_for_update()
    ).first()
    sink = None if row is None else KnownSink(*row)
    if sink is None or sink.filled_to is None:
        return None
    rows = connection.execute(
        sa.select(
            outbox.c.message_id, outbox.c.stream, outbox.c.seq, outbox.c.account, outbox.c.type,
            outbox.c.body, outbox.c.created_at, outbox.c.id,
        )
        .where(outbox.c.id > sink.filled_to)
        .order_by(outbox.c.id)
        .limit(limit)
    ).all()  # fmt: skip
    since = sink.fill_from
    wanted = [
        {
            "outbox_id": one.id,
            "sink": name,
            "stream": one.stream,
            "seq": one.seq,
            "state": "waiting",
            "attempts": 0,
            "next_try_at": now,
        }
        for one in rows
        if (since is None or one.created_at >= since) and takes.takes(Message(*one[:6]))
    ]
    if wanted:
        statement = insert(connection, dispatches).values(wanted).on_conflict_do_nothing()
        connection.execute(statement)
    last = rows[-1].id if len(rows) == limit else None
    connection.execute(sa.update(sinks).where(sinks.c.name == name).values(filled_to=last))
    return None if last is None else len(wanted)
