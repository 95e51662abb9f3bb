"""Which message goes to which sink next, and what became of it.

A message becomes claimable by its state, never by its id: ids commit out of order (failure F47).
Of one stream, a sink gets the messages in order of seq: a claim starts at the stream's first
waiting message, and nothing behind a waiting message can be claimed by anybody else.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa

from service.core.filter import Sinks, by_sinks
from service.core.instant import to_micros
from service.core.messages import Message
from service.ledger.columns import Instant
from service.ledger.dialect import document, insert_document, insert_kept
from service.ledger.judging import bare
from service.ledger.keys import Selection, listed_values, values_as_parameter
from service.ledger.schema import dispatches, outbox

# Names the sink itself as the cause (not reachable, not writable): nobody judged the message.
AWAY = "away: "


@dataclass(frozen=True, slots=True)
class Dispatch:
    """One message on its way to one sink; `attempts` were made before this one."""

    outbox_id: int
    attempts: int
    message: Message
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """Messages of one sink, ours until the lease ends; those of a stream stand in order."""

    sink: str
    token: str
    rows: tuple[Dispatch, ...]


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a claimed message: sent, dead, or waiting for `next_try_at`."""

    dispatch: Dispatch
    state: str
    error: str | None = None
    next_try_at: datetime | None = None


# A literal, so that both planners see that the partial indexes hold every row asked for.
_IS_WAITING: sa.ColumnElement[str] = sa.literal_column("'waiting'", sa.String())

# What the index over the due messages is partial on, besides.
_EPOCH: sa.ColumnElement[Any] = sa.literal_column("0", Instant())

_ON_ITS_WAY = ("outbox_id", "sink", "stream", "seq", "state", "attempts", "next_try_at")


def _on_its_way(told: Any, sink: Any) -> Selection:
    """The dispatches of each message to each sink, as they begin."""
    first = (told.c.id, sink.c[0], told.c.stream, told.c.seq, _IS_WAITING)
    row = sa.select(*first, sa.literal_column("0", sa.Integer()), told.c.created_at)
    return row.join_from(told, sink, sa.true())


@cache
def _send() -> Any:
    """SQLite: messages that are in the outbox go on their way to the sinks."""
    ids = listed_values("sqlite", "message_ids", sa.String())
    sink = listed_values("sqlite", "sinks", sa.String()).subquery("sink")
    chosen = _on_its_way(outbox, sink).where(outbox.c.message_id.in_(ids))
    return sa.insert(dispatches).from_select(_ON_ITS_WAY, chosen, include_defaults=False)


@cache
def _tell(names: tuple[str, ...]) -> Any:
    """PostgreSQL: into the outbox and on their way in one statement."""
    put = insert_document(outbox, names)
    told = put.returning(outbox.c.id, outbox.c.stream, outbox.c.seq, outbox.c.created_at)
    sink = listed_values("postgresql", "sinks", sa.String()).subquery("sink")
    chosen = _on_its_way(told.cte("told"), sink)
    return sa.insert(dispatches).from_select(_ON_ITS_WAY, chosen, include_defaults=False)


def enqueue(
    connection: sa.Connection,
    messages: Sequence[Message],
    sinks: Sinks,
    *,
    now: datetime,
    traced: Mapping[str, str] | None = None,
) -> None:
    """Put messages into the outbox, each on its way to every sink that takes it.

    All of it in the caller's transaction. traced: the traceparents of messages, by their ids.
    """
    for names, part in by_sinks(messages, sinks).items():
        _put(connection, part, names, now, traced)


def _put(
    connection: sa.Connection,
    messages: Sequence[Message],
    sinks: Sequence[str],
    now: datetime,
    traced: Mapping[str, str] | None,
) -> None:
    at = to_micros(now)
    rows: list[dict[str, Any]] = [
        {
            "message_id": message.message_id,
            "stream": message.stream,
            "seq": message.seq,
            "account": message.account,
            "type": message.type,
            "body": message.body,
            "created_at": at,
        }
        for message in messages
    ]
    if not rows:
        return
    if traced:
        for row in rows:
            row["traceparent"] = traced.get(row["message_id"])
    to = {"sinks": values_as_parameter(sinks)}
    if connection.dialect.name == "postgresql":
        connection.execute(_tell(tuple(rows[0])), document(outbox, rows) | to)
    else:
        insert_kept(connection, outbox, rows)
        ids = values_as_parameter(message.message_id for message in messages)
        connection.execute(_send(), {"message_ids": ids} | to)


def _heads() -> sa.Select[*tuple[Any, ...]]:
    """The first waiting message of each stream that is due and in nobody's hands.

    A subquery with a limit, and no index but one fits it. As NOT EXISTS it became a join, which
    PostgreSQL, with statistics from before a backlog, ran for 26 s instead of 10 ms.
    """
    head, first = dispatches.alias("head"), dispatches.alias("first")
    first_seq = (
        sa.select(first.c.seq)
        .where(
            first.c.sink == head.c.sink,
            first.c.stream == head.c.stream,
            first.c.state == _IS_WAITING,
        )
        .order_by(first.c.seq)
        .limit(1)
        .scalar_subquery()
    )
    return (
        sa.select(*_columns(head))
        .join(outbox, outbox.c.id == head.c.outbox_id)
        .where(
            head.c.sink == sa.bindparam("sink"),
            head.c.state == _IS_WAITING,
            head.c.next_try_at <= sa.bindparam("now"),
            head.c.next_try_at > _EPOCH,
            sa.or_(head.c.claimed_until.is_(None), head.c.claimed_until <= sa.bindparam("now")),
            head.c.seq == first_seq,
        )
        .order_by(head.c.next_try_at)
        .limit(sa.bindparam("limit"))
    )


def _columns(row: Any) -> tuple[sa.ColumnElement[Any], ...]:
    return (
        row.c.outbox_id,
        row.c.attempts,
        row.c.next_try_at,
        outbox.c.traceparent,
        outbox.c.message_id,
        outbox.c.stream,
        outbox.c.seq,
        outbox.c.account,
        outbox.c.type,
        outbox.c.body,
    )


DUE = _heads()
HEADS = DUE.with_for_update(of=dispatches.alias("head"), skip_locked=True)
FOLLOWERS = (
    sa.select(*_columns(dispatches))
    .join(outbox, outbox.c.id == dispatches.c.outbox_id)
    .where(
        dispatches.c.sink == sa.bindparam("sink"),
        dispatches.c.stream.in_(sa.bindparam("streams", expanding=True)),
        dispatches.c.state == _IS_WAITING,
        dispatches.c.seq < sa.bindparam("below"),
    )
    .order_by(dispatches.c.seq)
    .limit(sa.bindparam("limit"))
)
# By their primary key rows are found, and by nothing else: not "= 'waiting'", which has an index,
# nor the sink as it stands, of which PostgreSQL, with statistics from before a backlog, walked
# every row there ever was: 25 ms a claim at 100,000.
_TO_SINK = bare(dispatches.c.sink) == sa.bindparam("to_sink")
_NOT_SETTLED = dispatches.c.state.not_in(["sent", "dead"])
_TAKE = (
    sa.update(dispatches)
    .where(
        _TO_SINK,
        dispatches.c.outbox_id.in_(sa.bindparam("ids", expanding=True)),
        _NOT_SETTLED,
        sa.or_(
            dispatches.c.claimed_until.is_(None),
            dispatches.c.claimed_until <= sa.bindparam("now"),
        ),
    )
    .values(claim_token=sa.bindparam("token"), claimed_until=sa.bindparam("until"))
    .returning(dispatches.c.outbox_id)
)


def is_due(connection: sa.Connection, sink: str, *, now: datetime) -> bool:
    """Whether this sink can be sent anything now: a question that locks nothing."""
    return connection.execute(DUE, {"sink": sink, "limit": 1, "now": now}).first() is not None


def claim(
    connection: sa.Connection, sink: str, *, limit: int, lease: timedelta, now: datetime
) -> Claim:
    """Take about `limit` messages: the oldest due of each stream and what follows them at once."""
    token = secrets.token_hex(16)
    values = {"sink": sink, "limit": limit, "now": now}
    _by_index(connection)
    heads = list(connection.execute(HEADS, values).all())
    if not heads:
        return Claim(sink, token, ())
    found = {row.outbox_id: row for row in heads + _followers(connection, sink, heads, limit)}
    taken = connection.execute(
        _TAKE,
        {"to_sink": sink, "ids": list(found), "now": now, "token": token, "until": now + lease},
    )
    return Claim(sink, token, _in_order(list(found.values()), set(taken.scalars()), now))


def _by_index(connection: sa.Connection) -> None:
    """Let PostgreSQL walk what is asked for by its index, and stop when it has enough.

    With statistics from within a backlog it takes one row in 200 for a head, and gathers and sorts
    all that waits: 400 ms a claim at 100,000 instead of 10. Without any it goes through the table.
    """
    if connection.dialect.name == "postgresql":
        ways = ("seqscan", "bitmapscan", "sort")
        connection.exec_driver_sql("; ".join(f"SET LOCAL enable_{way} = off" for way in ways))


def _followers(connection: sa.Connection, sink: str, heads: Sequence[Any], limit: int) -> list[Any]:
    """The next messages of the heads' streams; locked by their heads, as none can pass one."""
    run = limit // len(heads)
    if run < 2:  # each stream's head is its whole share
        return []
    below = max(row.seq for row in heads) + run
    values = {"sink": sink, "streams": [row.stream for row in heads], "below": below}
    return list(connection.execute(FOLLOWERS, values | {"limit": limit}).all())


def _in_order(found: Sequence[Any], taken: set[int], now: datetime) -> tuple[Dispatch, ...]:
    """What was taken, without anything behind a message that waits for a later retry."""
    ended: set[str] = set()
    rows: list[Dispatch] = []
    for row in sorted(found, key=lambda row: (row.stream, row.seq)):
        if row.outbox_id not in taken or (row.attempts and row.next_try_at > now):
            ended.add(row.stream)
        if row.stream not in ended:
            rows.append(Dispatch(row.outbox_id, row.attempts, Message(*row[4:]), row.traceparent))
    return tuple(rows)


_SETTLE = (
    sa.update(dispatches)
    .where(
        _TO_SINK,
        dispatches.c.outbox_id.in_(sa.bindparam("ids", expanding=True)),
        dispatches.c.claim_token == sa.bindparam("token"),
        _NOT_SETTLED,
    )
    .values(claim_token=None, claimed_until=None)
)
_TRIED = _SETTLE.values(
    attempts=dispatches.c.attempts + 1,
    state=sa.bindparam("to_state"),
    last_error=sa.bindparam("error"),
)
_ENDED = _TRIED.values(settled_at=sa.bindparam("at"))
_AGAIN = _TRIED.values(next_try_at=sa.bindparam("at"))
# What follows a message that waits is not due before it: it would only be looked at in vain.
_BEHIND = (
    sa.update(dispatches)
    .where(
        dispatches.c.sink == sa.bindparam("to_sink"),
        dispatches.c.stream == sa.bindparam("of_stream"),
        dispatches.c.state == _IS_WAITING,
        dispatches.c.seq > sa.bindparam("after_seq"),
        dispatches.c.attempts == 0,
        dispatches.c.next_try_at < sa.bindparam("at"),
    )
    .values(next_try_at=sa.bindparam("at"))
)


def settle(
    connection: sa.Connection, claimed: Claim, results: Sequence[Settled], *, now: datetime
) -> int:
    """Write what became of a claim and free the rest of it; gives how many rows came too late.

    A row is too late when its lease ran out and another worker took it: it is that worker's then.
    """
    _by_index(connection)
    fence = {"to_sink": claimed.sink, "token": claimed.token}
    sent = [one.dispatch.outbox_id for one in results if one.state == "sent"]
    hit = 0
    if sent:
        values = {"ids": sent, "to_state": "sent", "error": None, "at": now}
        hit += connection.execute(_ENDED, fence | values).rowcount
    for one in results:
        if one.state != "sent":
            hit += _settle_failed(connection, fence, one, now)
    tried = {one.dispatch.outbox_id for one in results}
    left = [row.outbox_id for row in claimed.rows if row.outbox_id not in tried]
    if left:
        connection.execute(_SETTLE, fence | {"ids": left})
    return len(results) - hit


def _settle_failed(
    connection: sa.Connection, fence: dict[str, Any], one: Settled, now: datetime
) -> int:
    values = {"ids": [one.dispatch.outbox_id], "to_state": one.state, "error": one.error}
    if one.next_try_at is None:
        return connection.execute(_ENDED, fence | values | {"at": now}).rowcount
    hit = connection.execute(_AGAIN, fence | values | {"at": one.next_try_at}).rowcount
    if hit:
        message = one.dispatch.message
        stream = {"of_stream": message.stream, "after_seq": message.seq, "at": one.next_try_at}
        connection.execute(_BEHIND, {"to_sink": fence["to_sink"]} | stream)
    return hit


def hasten(connection: sa.Connection, sink: str, *, now: datetime) -> int:
    """A sink is back: what waits only because it was away is due now; gives how many."""
    return connection.execute(
        sa.update(dispatches)
        .where(
            dispatches.c.sink == sink,
            dispatches.c.state == _IS_WAITING,
            dispatches.c.next_try_at > now,
            sa.or_(dispatches.c.attempts == 0, dispatches.c.last_error.startswith(AWAY)),
        )
        .values(next_try_at=now)
    ).rowcount
