"""What happened to one object, in order: everything the ledger remembers of it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.core.instant import from_micros
from service.core.observation import Key
from service.ledger.engine import Connection
from service.ledger.letters import dropped_of, of_stream
from service.ledger.schema import (
    changes,
    deliveries,
    looks,
    mismatches,
    observations,
    outbox,
    watches,
)

# At one instant the cause stands before what follows from it.
_ORDER = (
    "delivery",
    "evidence",
    "look",
    "observation",
    "change",
    "suspected",
    "opened",
    "settled",
    "message",
    "dropped",
    "watch",
)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened: when, what (a word of the order above), and its figures."""

    at: datetime
    what: str
    figures: dict[str, Any]


def tell(connection: Connection, key: Key) -> list[Line]:
    """The whole story of one object, in order of time; the last line says when it is asked next."""
    lines = [
        *_deliveries(connection, key),
        *_observations(connection, key),
        *_looks(connection, key),
        *_changes(connection, key),
        *_mismatches(connection, key),
        *_messages(connection, key),
    ]
    lines.sort(key=lambda line: (line.at, _ORDER.index(line.what)))
    return [*lines, *_watch(connection, key)]


def _of(table: sa.Table, key: Key) -> sa.ColumnElement[bool]:
    return sa.and_(
        table.c.account == key.account, table.c.kind == key.kind, table.c.object_id == key.object_id
    )


_DELIVERED = (
    deliveries.c.id,
    deliveries.c.dedup_key,
    deliveries.c.event_type,
    deliveries.c.verdict,
    deliveries.c.state,
    deliveries.c.reason,
    deliveries.c.repeats,
    deliveries.c.key_fingerprint,
    deliveries.c.received_at,
)


def _deliveries(connection: Connection, key: Key) -> Iterator[Line]:
    """What was delivered about it, and what was delivered differently under the same event id."""
    seen = sa.select(observations.c.delivery_id).where(
        _of(observations, key), observations.c.delivery_id.is_not(None)
    )
    first = sa.select(*_DELIVERED).where(deliveries.c.id.in_(seen)).order_by(deliveries.c.id)
    rows = connection.execute(first).all()
    for row in rows:
        yield _delivery(row, "delivery")
        differing = sa.select(*_DELIVERED).where(
            deliveries.c.account == key.account,
            # a range that the unique index answers: "#" and what follows it
            deliveries.c.dedup_key > f"{row.dedup_key}#",
            deliveries.c.dedup_key < f"{row.dedup_key}$",
        )
        for other in connection.execute(differing):
            yield _delivery(other, "evidence")


def _delivery(row: Any, what: str) -> Line:
    figures = {
        "delivery": row.id,
        "event": row.dedup_key,
        "type": row.event_type,
        "state": row.state,
        "reason": row.reason,
        "repeats": row.repeats,
        "key": row.key_fingerprint,
    }
    return Line(row.received_at, what, figures)


def _observations(connection: Connection, key: Key) -> Iterator[Line]:
    rows = connection.execute(
        sa.select(
            observations.c.source,
            observations.c.recorded_at,
            observations.c.delivery_id,
            observations.c.decision,
            observations.c.body,
        )
        .where(_of(observations, key))
        .order_by(observations.c.id)
    )
    for row in rows:
        kept = json.loads(row.body)
        figures = {
            "source": row.source,
            "decision": row.decision,
            "status": kept["status"],
            **kept.get("totals", {}),
            "seen_at": from_micros(kept["seen_at"]),
            "delivery": row.delivery_id,
        }
        yield Line(row.recorded_at, "observation", figures)


def _looks(connection: Connection, key: Key) -> Iterator[Line]:
    rows = connection.execute(
        sa.select(looks.c.started_at, looks.c.answer).where(_of(looks, key)).order_by(looks.c.id)
    )
    for at, answer in rows:
        yield Line(at, "look", {"answer": answer})


def _changes(connection: Connection, key: Key) -> Iterator[Line]:
    rows = connection.execute(
        sa.select(
            changes.c.at,
            changes.c.seq,
            changes.c.source,
            changes.c.before,
            changes.c.after,
            changes.c.correction,
        )
        .where(_of(changes, key))
        .order_by(changes.c.seq)
    )
    for row in rows:
        figures = {
            "seq": row.seq,
            "source": row.source,
            "correction": row.correction,
            "before": json.loads(row.before) if row.before else None,
            "after": json.loads(row.after),
        }
        yield Line(row.at, "change", figures)


def _mismatches(connection: Connection, key: Key) -> Iterator[Line]:
    rows = connection.execute(
        sa.select(mismatches).where(_of(mismatches, key)).order_by(mismatches.c.id)
    )
    for row in rows:
        figures = {
            "rule": row.rule,
            "severity": row.severity,
            "ours": row.ours,
            "theirs": row.theirs,
            "currency": row.currency,
        }
        yield Line(row.found_at, "suspected", figures)
        if row.opened_at:
            yield Line(row.opened_at, "opened", figures)
        if row.settled_at:
            yield Line(row.settled_at, "settled", figures)


def _messages(connection: Connection, key: Key) -> Iterator[Line]:
    """Every message about it: its changes, and its mismatches under each rule it ever broke."""
    rules = connection.scalars(sa.select(mismatches.c.rule).where(_of(mismatches, key)).distinct())
    subject = f"{key.kind}/{key.object_id}"
    streams = [f"{key.account}/{subject}"]
    streams += [f"{key.account}/mismatch/{rule}/{subject}" for rule in sorted(rules)]
    for stream in streams:
        letters = of_stream(connection, stream)
        gone = dropped_of(connection, stream)
        sent = {letter.message_id for letter in letters} | {one.message_id for one in gone}
        yield from _unsent(connection, stream, sent)
        for one in gone:
            figures = {
                "type": one.type,
                "seq": one.seq,
                "message": one.message_id,
                "sink": one.sink,
                "attempts": one.attempts,
                "error": one.last_error,
                "reason": one.reason,
            }
            yield Line(one.dropped_at, "dropped", figures)
        for letter in letters:
            figures = {
                "type": letter.type,
                "seq": letter.seq,
                "message": letter.message_id,
                "sink": letter.sink,
                "state": letter.state,
                "attempts": letter.attempts,
                "error": letter.last_error,
                "settled_at": letter.settled_at,
            }
            yield Line(letter.created_at, "message", figures)


def _unsent(connection: Connection, stream: str, sent: set[str]) -> Iterator[Line]:
    """Messages that no sink was to have."""
    rows = connection.execute(
        sa.select(outbox.c.created_at, outbox.c.type, outbox.c.seq, outbox.c.message_id)
        .where(outbox.c.stream == stream)
        .order_by(outbox.c.seq)
    )
    for at, kind, seq, message_id in rows:
        if message_id not in sent:
            figures = {"type": kind, "seq": seq, "message": message_id, "sink": None}
            yield Line(at, "message", figures)


def _watch(connection: Connection, key: Key) -> Iterator[Line]:
    row = connection.execute(sa.select(watches).where(_of(watches, key))).first()
    if row is None or row.state != "active":
        return
    figures = {
        "reason": row.reason,
        "looks": row.looks,
        "failures": row.failures,
        "last_answer": row.last_answer,
        "deadline_at": row.deadline_at,
    }
    yield Line(row.next_look_at, "watch", figures)
