"""What does the ledger keep of an object and what belongs to it, for whoever has to prove it?"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from service.core.observation import Key
from service.ledger.desk import Past, history
from service.ledger.engine import Connection
from service.ledger.kept_bytes import Delivery
from service.ledger.schema import beliefs, deliveries, mismatches, observations

# So many objects of one order, deliveries and answers are told of, the oldest first.
PARTS_LIMIT = 500
BODIES_LIMIT = 2_000
_SHOWN = (
    "account", "kind", "object_id", "status", "final", "conflict", "app", "order_no", "order_id",
    "charge_id", "user_id", "channel", "currency", "amount", "amount_paid", "amount_refunded",
    "created_at", "updated_at",
)  # fmt: skip


class Signed(NamedTuple):
    """A delivery with its sealed body, and what it is about."""

    delivery: Delivery
    event_type: str | None
    verdict: str


class Asked(NamedTuple):
    """An answer to a question of ours, sealed, with the decision that it led to."""

    id: int
    key: Key
    source: str
    seen_at: datetime
    recorded_at: datetime
    decision: str
    raw: bytes


class Disputed(NamedTuple):
    """A mismatch with its life, and what people did about it."""

    facts: dict[str, Any]
    acts: list[Past]


def family(connection: Connection, key: Key) -> list[Key]:
    """The object, and when it is an order all that belongs to it."""
    if key.kind != "order":
        return [key]
    rows = connection.execute(
        sa.select(beliefs.c.account, beliefs.c.kind, beliefs.c.object_id)
        .where(beliefs.c.account == key.account, beliefs.c.order_id == key.object_id)
        .order_by(beliefs.c.kind, beliefs.c.object_id)
        .limit(PARTS_LIMIT)
    )
    return [key, *(one for one in (Key(*row) for row in rows) if one != key)]


def believed(connection: Connection, keys: Sequence[Key]) -> list[dict[str, Any]]:
    """What is believed of each; amounts in minor units."""
    rows = connection.execute(
        sa.select(*(beliefs.c[name] for name in _SHOWN)).where(_of(beliefs, keys))
    ).mappings()
    found = {(row["account"], row["kind"], row["object_id"]): dict(row) for row in rows}
    return [found[key] for key in keys if key in found]


def signed(connection: Connection, keys: Sequence[Key]) -> list[Signed]:
    """The deliveries that showed them."""
    told = sa.select(observations.c.delivery_id).where(_of(observations, keys))
    columns = [deliveries.c[name] for name in Delivery._fields]
    rows = connection.execute(
        sa.select(*columns, deliveries.c.event_type, deliveries.c.verdict)
        .where(deliveries.c.id.in_(told))
        .order_by(deliveries.c.id)
        .limit(BODIES_LIMIT)
    )
    return [
        Signed(Delivery._make(row[: len(Delivery._fields)]), row.event_type, row.verdict)
        for row in rows
    ]


def asked(connection: Connection, keys: Sequence[Key]) -> list[Asked]:
    """The answers that showed them."""
    rows = connection.execute(
        sa.select(
            observations.c.id,
            observations.c.account,
            observations.c.kind,
            observations.c.object_id,
            observations.c.source,
            observations.c.seen_at,
            observations.c.recorded_at,
            observations.c.decision,
            observations.c.raw,
        )
        .where(_of(observations, keys), observations.c.raw.is_not(None))
        .order_by(observations.c.id)
        .limit(BODIES_LIMIT)
    )
    return [Asked(row[0], Key(*row[1:4]), *row[4:]) for row in rows]


def disputed(connection: Connection, keys: Sequence[Key]) -> list[Disputed]:
    """Every mismatch there ever was of them."""
    rows = connection.execute(
        sa.select(mismatches).where(_of(mismatches, keys)).order_by(mismatches.c.id)
    ).mappings()
    found = [dict(row) for row in rows]
    return [Disputed(one, list(history(connection, one["id"]))) for one in found]


def _of(table: sa.Table, keys: Sequence[Key]) -> sa.ColumnElement[bool]:
    key = (table.c.account, table.c.kind, table.c.object_id)
    return sa.tuple_(*key).in_([tuple(one) for one in keys])
