"""What happened to one object, in order: everything the ledger remembers of it.

Eight questions at most, however much there is to tell: each is a round trip to the database. They
are built once.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.core.instant import from_micros
from service.core.observation import Key
from service.ledger.engine import Connection
from service.ledger.keys import Selection
from service.ledger.letters import Dropped, Told, dropped_in, told_in
from service.ledger.schema import (
    changes,
    deliveries,
    looks,
    mismatches,
    observations,
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
    seen = _ask(connection, _SEEN, key)
    found = _ask(connection, _MISMATCHES, key)
    lines = [
        *_deliveries(connection, seen),
        *(_observation(row) for row in seen),
        *(Line(at, "look", {"answer": answer}) for at, answer in _ask(connection, _LOOKS, key)),
        *(_change(row) for row in _ask(connection, _CHANGES, key)),
        *_mismatches(found),
        *_messages(connection, key, {row.rule for row in found}),
    ]
    lines.sort(key=lambda line: (line.at, _ORDER.index(line.what)))
    return [*lines, *(_watch(row) for row in _ask(connection, _WATCH, key))]


# --- what is asked ---


def _ask(connection: Connection, question: Selection, key: Key) -> Sequence[Any]:
    return connection.execute(question, key._asdict()).all()


def _of(table: sa.Table) -> sa.ColumnElement[bool]:
    return sa.and_(*(table.c[name] == sa.bindparam(name) for name in Key._fields))


_DELIVERED = (
    "id",
    "dedup_key",
    "event_type",
    "verdict",
    "state",
    "reason",
    "repeats",
    "key_fingerprint",
    "received_at",
)
# a sighting, and the delivery that brought it: its columns are null where none did
_SEEN: Selection = (
    sa.select(
        observations.c.source,
        observations.c.recorded_at,
        observations.c.delivery_id,
        observations.c.decision,
        observations.c.body,
        *(deliveries.c[name] for name in _DELIVERED),
    )
    .outerjoin(deliveries, deliveries.c.id == observations.c.delivery_id)
    .where(_of(observations))
    .order_by(observations.c.id)
)
_IDS: sa.BindParameter[int] = sa.bindparam("ids", expanding=True)
_other = deliveries.alias("other")
# what was delivered differently under the event id of some deliveries
_EVIDENCE: Selection = (
    sa.select(*(_other.c[name] for name in _DELIVERED))
    .join(
        deliveries,
        sa.and_(
            _other.c.account == deliveries.c.account,
            # a range that the unique index answers: "#" and what follows it
            _other.c.dedup_key > deliveries.c.dedup_key + "#",
            _other.c.dedup_key < deliveries.c.dedup_key + "$",
        ),
    )
    .where(deliveries.c.id.in_(_IDS))
    .order_by(_other.c.id)
)
_LOOKS: Selection = (
    sa.select(looks.c.started_at, looks.c.answer).where(_of(looks)).order_by(looks.c.id)
)
_CHANGES: Selection = (
    sa.select(
        changes.c.at,
        changes.c.seq,
        changes.c.source,
        changes.c.before,
        changes.c.after,
        changes.c.correction,
    )
    .where(_of(changes))
    .order_by(changes.c.seq)
)
_MISMATCHES: Selection = sa.select(mismatches).where(_of(mismatches)).order_by(mismatches.c.id)
_WATCH: Selection = sa.select(watches).where(_of(watches), watches.c.state == "active")


# --- how it is told ---


def _deliveries(connection: Connection, seen: Sequence[Any]) -> Iterator[Line]:
    """What was delivered about it, and what was delivered differently under the same event id."""
    delivered = {row.id: row for row in seen if row.id is not None}
    for _, row in sorted(delivered.items()):
        yield _delivery(row, "delivery")
    if delivered:
        for row in connection.execute(_EVIDENCE, {"ids": sorted(delivered)}):
            yield _delivery(row, "evidence")


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


def _observation(row: Any) -> Line:
    kept = json.loads(row.body)
    figures = {
        "source": row.source,
        "decision": row.decision,
        "status": kept["status"],
        **kept.get("totals", {}),
        "seen_at": from_micros(kept["seen_at"]),
        "delivery": row.delivery_id,
    }
    return Line(row.recorded_at, "observation", figures)


def _change(row: Any) -> Line:
    figures = {
        "seq": row.seq,
        "source": row.source,
        "correction": row.correction,
        "before": json.loads(row.before) if row.before else None,
        "after": json.loads(row.after),
    }
    return Line(row.at, "change", figures)


def _mismatches(rows: Iterable[Any]) -> Iterator[Line]:
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


def _messages(connection: Connection, key: Key, rules: Iterable[str]) -> Iterator[Line]:
    """Every message about it: its changes, and its mismatches under each rule it ever broke."""
    subject = f"{key.kind}/{key.object_id}"
    streams = [f"{key.account}/{subject}"]
    streams += [f"{key.account}/mismatch/{rule}/{subject}" for rule in sorted(rules)]
    gone = dropped_in(connection, streams)
    given_up = {one.message_id for one in gone}
    for one in gone:
        yield _dropped(one)
    for one in told_in(connection, streams):
        # what every sink dropped was for somebody all the same
        if one.sink is not None or one.message_id not in given_up:
            yield _message(one)


def _dropped(one: Dropped) -> Line:
    figures = {
        "type": one.type,
        "seq": one.seq,
        "message": one.message_id,
        "sink": one.sink,
        "attempts": one.attempts,
        "error": one.last_error,
        "reason": one.reason,
    }
    return Line(one.dropped_at, "dropped", figures)


def _message(one: Told) -> Line:
    figures = {"type": one.type, "seq": one.seq, "message": one.message_id, "sink": one.sink}
    if one.sink is not None:
        figures |= {
            "state": one.state,
            "attempts": one.attempts,
            "error": one.last_error,
            "settled_at": one.settled_at,
        }
    return Line(one.created_at, "message", figures)


def _watch(row: Any) -> Line:
    figures = {
        "reason": row.reason,
        "looks": row.looks,
        "failures": row.failures,
        "last_answer": row.last_answer,
        "deadline_at": row.deadline_at,
    }
    return Line(row.next_look_at, "watch", figures)
