"""What a dated sighting of an object is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

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


class Part(NamedTuple):
    """One recipient or sender: `name` is role/position/user, `amount` minor units."""

    name: str
    status: str
    amount: int


@dataclass(frozen=True, slots=True)
class Observation:
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
    facts: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])
    totals: Mapping[str, int] = field(default_factory=dict[str, int])
    attrs: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])
    parts: tuple[Part, ...] = ()
    said_at: int | None = None
    delivery_id: int | None = None
    raw: bytes | None = None
