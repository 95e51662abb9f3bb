"""What a dated sighting of an object is."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import msgspec

from service.core.instant import from_micros, to_micros

Scalar = str | int | bool


class Source(StrEnum):
    """How a sighting reached us."""

    WEBHOOK = "webhook"
    POLL = "poll"
    LIST = "list"
    STATEMENT = "statement"
    REPLAY = "replay"


class Key(NamedTuple):
    """Which object: the provider's id within one account and kind, never an order_no."""

    account: str
    kind: str
    object_id: str


def user_of(app: object, user: object) -> str:
    """A user's id within an account: it is the merchant's own, and unique in one app only (L94).

    No app's id holds a dash, so that the first one parts the two.
    """
    return f"{app}-{user}"


class Part(NamedTuple):
    """One recipient or sender: `name` is role/position/user, `amount` minor units."""

    name: str
    status: str
    amount: int


class Observation(msgspec.Struct, frozen=True):
    """One object as it was seen at one moment; absent values are left out, never null.

    seen_at: our clock; a notification's arrival, or the *start* of our own question.
    said_at: the provider's clock in whole seconds (an event's `created`), when it said so.
    status: a word of the kind's table, or "unknown:" and the raw word.
    facts: what never changes or is set once. totals: minor units that only grow.
    attrs: everything else that is shown; none of it personal.
    """

    key: Key
    source: Source
    seen_at: datetime
    status: str
    facts: Mapping[str, Scalar] = {}
    totals: Mapping[str, int] = {}
    attrs: Mapping[str, Scalar] = {}
    parts: tuple[Part, ...] = ()
    said_at: int | None = None
    delivery_id: int | None = None
    raw: bytes | None = None


class _Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a sighting is kept: what the join needs, and no more."""

    seen_at: int
    status: str
    source: Source
    facts: dict[str, Scalar] = {}
    totals: dict[str, int] = {}
    attrs: dict[str, Scalar] = {}
    parts: tuple[Part, ...] = ()
    said_at: int | None = None


_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(_Kept)


def encode(seen: Observation) -> str:
    """The canonical JSON text of a sighting, without its key, its delivery and its raw bytes."""
    kept = _Kept(
        seen_at=to_micros(seen.seen_at),
        status=seen.status,
        source=seen.source,
        facts=dict(seen.facts),
        totals=dict(seen.totals),
        attrs=dict(seen.attrs),
        parts=seen.parts,
        said_at=seen.said_at,
    )
    return _encoder.encode(kept).decode()


def decode(key: Key, text: str) -> Observation:
    """Read back what `encode` wrote."""
    kept = _decoder.decode(text)
    return Observation(
        key=key,
        source=kept.source,
        seen_at=from_micros(kept.seen_at),
        status=kept.status,
        facts=kept.facts,
        totals=kept.totals,
        attrs=kept.attrs,
        parts=kept.parts,
        said_at=kept.said_at,
    )
