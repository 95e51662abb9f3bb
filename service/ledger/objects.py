"""What we believe of each object, and how we came to: the one door is `work.apply`."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from service.core import belief, observation
from service.core.belief import State
from service.core.derived import derived
from service.core.errors import Raced
from service.core.instant import to_micros
from service.core.journal import Posting, Standing, read_standings, write_standings
from service.core.observation import Key, Observation, Scalar
from service.core.view import View
from service.ledger.dialect import insert_kept, upsert_kept
from service.ledger.keys import Selection, as_parameter, listed_keys, same_object
from service.ledger.schema import beliefs, changes, observations, postings
from service.ledger.vault import Vault, of_observation

_encoder = msgspec.json.Encoder(order="sorted")


@dataclass(slots=True)
class Known:
    """One object's row: what is believed (None: nothing yet), published last, and booked."""

    state: State | None = None
    seq: int = 0
    told: dict[str, Any] | None = None
    booked: tuple[Standing, ...] = ()


class Change(msgspec.Struct, frozen=True):
    """One accepted and published difference of an object."""

    key: Key
    seq: int
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]
    correction: bool
    source: str


class Booked(msgspec.Struct, frozen=True):
    """One posting of an object, with what it belongs to; happened_at: the provider's time (µs)."""

    key: Key
    posting: Posting
    app: Scalar | None
    order_id: Scalar | None
    happened_at: int


@dataclass(slots=True)
class Batch:
    """Everything that one transaction writes about objects."""

    born: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    grown: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    seen: list[tuple[Observation, str]] = field(default_factory=list[tuple[Observation, str]])
    changes: list[Change] = field(default_factory=list[Change])
    booked: list[Booked] = field(default_factory=list[Booked])


_KEY = (beliefs.c.account, beliefs.c.kind, beliefs.c.object_id)


@cache
def _locked(dialect: str) -> Selection:
    asked = listed_keys(dialect).subquery("asked")
    return (
        sa.select(*_KEY, beliefs.c.state, beliefs.c.seq, beliefs.c.told, beliefs.c.booked)
        .join_from(asked, beliefs, same_object(asked, beliefs))
        # one order for everybody: two batches never wait for each other in a circle
        .order_by(*_KEY)
        .with_for_update(of=beliefs)
    )


@cache
def _named(dialect: str) -> Selection:
    asked = listed_keys(dialect).subquery("asked")
    return sa.select(*_KEY).join_from(asked, beliefs, same_object(asked, beliefs))


def load(connection: sa.Connection, keys: Sequence[Key]) -> dict[Key, Known]:
    """Read and lock the rows of `keys`; objects that have none are left out."""
    rows = connection.execute(_locked(connection.dialect.name), {"keys": as_parameter(keys)})
    return {
        Key(account, kind, object_id): Known(
            belief.decode(state),
            seq,
            None if told is None else msgspec.json.decode(told),
            read_standings(booked),
        )
        for account, kind, object_id, state, seq, told, booked in rows
    }


def existing(connection: sa.Connection, keys: Iterable[Key]) -> set[Key]:
    """Which of `keys` are believed in at all."""
    asked = list(keys)
    if not asked:
        return set()
    statement = _named(connection.dialect.name)
    found = connection.execute(statement, {"keys": as_parameter(asked)})
    return {Key(*row) for row in found}


def row(key: Key, known: Known, view: View, now: int) -> dict[str, Any]:
    """The belief's row: the state, and the columns that are read from it; now: in µs."""
    assert known.state is not None  # noqa: S101  a row is only written for what was seen
    columns = derived(known.state, view)
    columns["account"], columns["kind"], columns["object_id"] = key
    columns["seq"] = known.seq
    columns["told"] = None if known.told is None else _encoder.encode(known.told).decode()
    columns["booked"] = write_standings(known.booked)
    columns["updated_at"] = now
    return columns


def store(connection: sa.Connection, batch: Batch, *, vault: Vault, now: int) -> None:
    """Write a batch at `now` (µs); raises Raced when another gave birth to one of the objects."""
    try:
        insert_kept(connection, beliefs, batch.born)
    except IntegrityError:
        raise Raced("an object was born twice") from None
    # their rows are locked: this never inserts
    upsert_kept(connection, beliefs, batch.grown)
    seen = [_seen_row(one, word, vault, now) for one, word in batch.seen]
    insert_kept(connection, observations, seen)
    insert_kept(connection, changes, [_change_row(change, now) for change in batch.changes])
    insert_kept(connection, postings, _posting_rows(batch.booked, now))


def _seen_row(seen: Observation, outcome: str, vault: Vault, now: int) -> dict[str, Any]:
    return {
        **seen.key._asdict(),
        "source": seen.source.value,
        "seen_at": to_micros(seen.seen_at),
        "recorded_at": now,
        "delivery_id": seen.delivery_id,
        "decision": outcome,
        "body": observation.encode(seen),
        "raw": seen.raw and vault.seal(seen.raw, of_observation(*seen.key)),
    }


def _change_row(change: Change, now: int) -> dict[str, Any]:
    before = None if change.before is None else _encoder.encode(change.before).decode()
    return {
        **change.key._asdict(),
        "seq": change.seq,
        "at": now,
        "source": change.source,
        "before": before,
        "after": _encoder.encode(change.after).decode(),
        "correction": change.correction,
    }


def _posting_rows(booked: Sequence[Booked], now: int) -> list[dict[str, Any]]:
    """Lines count within an entry, in the order in which they were made."""
    lines: Counter[tuple[Key, int]] = Counter()
    rows: list[dict[str, Any]] = []
    for one in booked:
        lines[one.key, one.posting.entry] += 1
        rows.append(
            {
                **one.key._asdict(),
                "entry": one.posting.entry,
                "line": lines[one.key, one.posting.entry],
                "debit": one.posting.debit,
                "credit": one.posting.credit,
                "amount": one.posting.amount,
                "currency": one.posting.currency,
                "app": one.app,
                "order_id": one.order_id,
                "happened_at": one.happened_at,
                "known_at": now,
                "corrects": one.posting.corrects,
            }
        )
    return rows
