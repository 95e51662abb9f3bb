"""Beliefs, watches and mismatches put straight into the tables, for tests of the rules."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from service.core.observation import Key
from service.ledger.engine import Connection, Ledger
from service.ledger.schema import beliefs, mismatches, outbox, watches

SEEN = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)

Row = Mapping[str, Any]


def state(
    status: str,
    *,
    timed: bool | None = None,
    shares: Iterable[int] = (),
    facts: Mapping[str, int] | None = None,
    said: int = 0,
    **attrs: Any,
) -> str:
    """A kept state, as far as rules look into it: the time of the end, the shares, attributes.

    said: when the provider said so, in seconds since 1970.
    """
    ended = status in ("succeeded", "paid", "refunded", "reversed")
    known = {"time_succeeded": 1} if (ended if timed is None else timed) else {}
    values = {name: [[0, one]] for name, one in (known | dict(facts or {})).items()}
    parts = {f"recipient/{n}/u{n}": [3, status, share] for n, share in enumerate(shares)}
    whole = {"facts": values, "parts": parts, "shown": [3, 0, said, attrs]}
    return msgspec.json.encode(whole).decode()


def belief(kind: str, object_id: str, status: str, **columns: Any) -> dict[str, Any]:
    """A belief's row: an ordinary, honestly notified object unless `columns` say otherwise.

    inside: what its state says (see `state`).
    """
    inside = columns.pop("inside", {})
    return {
        "account": "shop",
        "kind": kind,
        "object_id": object_id,
        "state": state(status, **inside),
        "status": status,
        "final": status in ("succeeded", "failed", "canceled", "paid", "refunded", "reversed"),
        "conflict": False,
        "failing": False,
        "contested": "",
        "order_no": None,
        "order_id": None,
        "charge_id": None,
        "currency": "cny" if kind in ("order", "charge") else None,
        "amount": None,
        "amount_paid": None,
        "amount_refunded": None,
        "created_at": SEEN - timedelta(minutes=5),
        "since_at": SEEN,
        "notified_at": SEEN,
        "seq": 1,
        "updated_at": SEEN,
    } | columns


def watch(kind: str, object_id: str, **columns: Any) -> dict[str, Any]:
    """An active watch's row."""
    return {
        "account": "shop",
        "kind": kind,
        "object_id": object_id,
        "state": "active",
        "reason": "open",
        "next_look_at": SEEN + timedelta(hours=1),
        "deadline_at": None,
        "looks": 0,
        "failures": 0,
        "claim_token": None,
    } | columns


def order(object_id: str = "o1", status: str = "paid", **columns: Any) -> dict[str, Any]:
    return belief(
        "order",
        object_id,
        status,
        **{"amount": 100, "amount_paid": 100, "amount_refunded": 0} | columns,
    )


def charge(object_id: str = "ch1", status: str = "paid", **columns: Any) -> dict[str, Any]:
    return belief(
        "charge",
        object_id,
        status,
        **{"order_id": "o1", "amount": 100, "amount_refunded": 0} | columns,
    )


def part(kind: str, object_id: str, amount: int, **columns: Any) -> dict[str, Any]:
    """A succeeded refund, allocation … of the order o1, unless `columns` say otherwise."""
    return belief(
        kind, object_id, **{"status": "succeeded", "order_id": "o1"} | columns, amount=amount
    )


def key(row: Row) -> Key:
    return Key(row["account"], row["kind"], row["object_id"])


def put(connection: Connection, rows: Iterable[Row]) -> list[Key]:
    """Insert beliefs (those with a state) and watches; the keys in order."""
    rows = list(rows)
    for row in rows:
        connection.execute(sa.insert(beliefs if "status" in row else watches), [dict(row)])
    return [key(row) for row in rows]


def put_many(connection: Connection, rows: Sequence[Row]) -> None:
    """Insert beliefs that all have the same columns, at once."""
    connection.execute(sa.insert(beliefs), [dict(row) for row in rows])


def change(ledger: Ledger, one: Key, **columns: Any) -> None:
    with ledger.begin() as connection:
        connection.execute(
            sa.update(beliefs)
            .where(sa.tuple_(beliefs.c.account, beliefs.c.kind, beliefs.c.object_id) == tuple(one))
            .values(**columns)
        )


def rows_of(ledger: Ledger, table: sa.Table) -> list[dict[str, Any]]:
    with ledger.read() as connection:
        found = connection.execute(sa.select(table).order_by(*table.primary_key.columns))
        return [dict(row) for row in found.mappings()]


def states(ledger: Ledger) -> list[tuple[str, str]]:
    """Every mismatch ever: its rule and its state."""
    return [(row["rule"], row["state"]) for row in rows_of(ledger, mismatches)]


def told(ledger: Ledger) -> list[dict[str, Any]]:
    return rows_of(ledger, outbox)
