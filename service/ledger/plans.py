"""When each object is looked at next: the side of the watches that `work.apply` writes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sa

from service.core.observation import Key
from service.ledger.dialect import insert, upsert_rows
from service.ledger.keys import Selection, as_parameter, listed_keys, same_object
from service.ledger.schema import watches


class Planned(msgspec.Struct, frozen=True):
    """A watch as it stands: active until it has ended."""

    active: bool
    reason: str
    looks: int
    next_look_at: datetime | None
    deadline_at: datetime | None
    claim_token: str | None


class Next(msgspec.Struct, frozen=True):
    """A watch as it shall stand; `place` says where to ask: its app, order, charge."""

    key: Key
    place: Mapping[str, Any]
    reason: str
    looks: int
    next_look_at: datetime | None
    deadline_at: datetime | None


_COLUMNS = (
    watches.c.state,
    watches.c.reason,
    watches.c.looks,
    watches.c.next_look_at,
    watches.c.deadline_at,
    watches.c.claim_token,
)


@cache
def _select(dialect: str) -> Selection:
    asked = listed_keys(dialect).subquery("asked")
    return sa.select(*list(watches.primary_key.columns), *_COLUMNS).join_from(
        asked, watches, same_object(asked, watches)
    )


def read(connection: sa.Connection, keys: Sequence[Key]) -> dict[Key, Planned]:
    """The watches of `keys`, those that have one."""
    rows = connection.execute(_select(connection.dialect.name), {"keys": as_parameter(keys)})
    return {Key(*row[:3]): Planned(row[3] == "active", *row[4:]) for row in rows}


def write(connection: sa.Connection, plans: Sequence[Next]) -> None:
    """Set the next look of each object, free of any claim and of past failures."""
    written = [
        {
            **plan.key._asdict(),
            "app": plan.place.get("app"),
            "order_id": plan.place.get("order_id"),
            "charge_id": plan.place.get("charge_id"),
            "state": "ended" if plan.next_look_at is None else "active",
            "reason": plan.reason,
            "next_look_at": plan.next_look_at,
            "deadline_at": plan.deadline_at,
            "looks": plan.looks,
            "failures": 0,
            "claim_token": None,
            "claimed_until": None,
        }
        for plan in plans
    ]
    upsert_rows(connection, watches, written)


def want(connection: sa.Connection, keys: Sequence[Key], *, now: datetime) -> None:
    """Watch objects that are only known by name: another object refers to them (failure F35)."""
    if not keys:
        return
    statement = insert(connection, watches).on_conflict_do_nothing()
    connection.execute(
        statement,
        [
            {
                **key._asdict(),
                "state": "active",
                "reason": "linked",
                "next_look_at": now,
                "looks": 0,
                "failures": 0,
            }
            for key in keys
        ],
    )
