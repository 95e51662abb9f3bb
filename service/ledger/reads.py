"""What does the ledger say to whoever only reads? Objects, deliveries, mismatches, page by page."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from service.core.observation import Key
from service.ledger import stakes
from service.ledger.engine import Connection, Ledger
from service.ledger.schema import beliefs, deliveries, mismatches, observations, watches
from service.ledger.vault import OVERHEAD

PAGE = 1_000


class ObjectRow(NamedTuple):
    """One object as it is believed; amounts in minor units, None where it has none."""

    kind: str
    id: str
    account: str
    status: str
    final: bool
    conflict: bool
    amount: int | None
    amount_paid: int | None
    amount_refunded: int | None
    currency: str | None
    app: str | None
    order_no: str | None
    channel: str | None
    created_at: datetime | None
    updated_at: datetime
    found_by: str


class DeliveryRow(NamedTuple):
    """One kept delivery without its bytes; `bytes` is how many."""

    id: int
    account: str
    event: str
    type: str | None
    verdict: str
    state: str
    reason: str | None
    repeats: int
    bytes: int
    key: str
    received_at: datetime
    handled_at: datetime | None


class MismatchRow(NamedTuple):
    """One finding with its life; ours and theirs are the two sides that differ."""

    number: int
    rule: str
    state: str
    severity: str
    account: str
    kind: str
    id: str
    ours: str
    theirs: str
    currency: str | None
    found_at: datetime
    opened_at: datetime | None
    settled_at: datetime | None
    owner: str | None
    waived_until: datetime | None

    @property
    def at_stake(self) -> int | None:
        """By how much the two sides differ, minor units; None where they are no amounts."""
        return stakes.between(self.ours, self.theirs, self.rule)


def objects(
    ledger: Ledger,
    *,
    account: str | None = None,
    kind: str | None = None,
    status: str | None = None,
    final: bool | None = None,
    found_by: str | None = None,
    limit: int | None = None,
) -> Iterator[ObjectRow]:
    """Objects in the order of account, kind and id; `limit` counts, None gives them all.

    found_by: "notified" when a notification ever said anything of it, else "asked".
    """
    key = (beliefs.c.account, beliefs.c.kind, beliefs.c.object_id)
    asked = {"account": account, "kind": kind, "status": status, "final": final}
    conditions = [beliefs.c[name] == value for name, value in asked.items() if value is not None]
    was_heard = beliefs.c.heard_at.is_not(None)
    if found_by is not None:
        conditions.append(was_heard if found_by == "notified" else sa.not_(was_heard))
    statement = sa.select(
        beliefs.c.kind,
        beliefs.c.object_id,
        beliefs.c.account,
        beliefs.c.status,
        beliefs.c.final,
        beliefs.c.conflict,
        beliefs.c.amount,
        beliefs.c.amount_paid,
        beliefs.c.amount_refunded,
        beliefs.c.currency,
        beliefs.c.app,
        beliefs.c.order_no,
        beliefs.c.channel,
        beliefs.c.created_at,
        beliefs.c.updated_at,
        sa.case((was_heard, "notified"), else_="asked"),
    ).where(*conditions)

    def following(last: Any) -> Any:
        after = (last.account, last.kind, last.object_id) if last else ("", "", "")
        return statement.where(sa.tuple_(*key) > sa.tuple_(*after)).order_by(*key)

    return (ObjectRow(*row) for row in pages(ledger, following, limit))


def delivery_rows(
    ledger: Ledger,
    *,
    account: str | None = None,
    state: str | None = None,
    verdict: str | None = None,
    event_type: str | None = None,
    limit: int | None = None,
) -> Iterator[DeliveryRow]:
    """Deliveries, the newest first."""
    asked = {"account": account, "state": state, "verdict": verdict, "event_type": event_type}
    conditions = [deliveries.c[name] == value for name, value in asked.items() if value is not None]
    statement = DELIVERIES.where(*conditions)

    def following(last: Any) -> Any:
        older = statement.where(deliveries.c.id < last.id) if last else statement
        return older.order_by(deliveries.c.id.desc())

    return (DeliveryRow(*row) for row in pages(ledger, following, limit))


DELIVERIES = sa.select(
    deliveries.c.id,
    deliveries.c.account,
    deliveries.c.dedup_key,
    deliveries.c.event_type,
    deliveries.c.verdict,
    deliveries.c.state,
    deliveries.c.reason,
    deliveries.c.repeats,
    sa.func.length(deliveries.c.body) - OVERHEAD,
    deliveries.c.key_fingerprint,
    deliveries.c.received_at,
    deliveries.c.handled_at,
)


def mismatch_rows(
    ledger: Ledger,
    *,
    account: str | None = None,
    rule: str | None = None,
    state: str | None = None,
    settled: bool = False,
    limit: int | None = None,
) -> Iterator[MismatchRow]:
    """Mismatches, the oldest first; without those that the facts have settled, unless asked."""
    asked = {"account": account, "rule": rule, "state": state}
    conditions = [mismatches.c[name] == value for name, value in asked.items() if value is not None]
    if not settled and state is None:
        conditions.append(mismatches.c.state != "settled")
    statement = MISMATCHES.where(*conditions)

    def following(last: Any) -> Any:
        return statement.where(mismatches.c.id > (last.id if last else 0)).order_by(mismatches.c.id)

    return (MismatchRow(*row) for row in pages(ledger, following, limit))


MISMATCHES = sa.select(
    mismatches.c.id,
    mismatches.c.rule,
    mismatches.c.state,
    mismatches.c.severity,
    mismatches.c.account,
    mismatches.c.kind,
    mismatches.c.object_id,
    mismatches.c.ours,
    mismatches.c.theirs,
    mismatches.c.currency,
    mismatches.c.found_at,
    mismatches.c.opened_at,
    mismatches.c.settled_at,
    mismatches.c.owner,
    mismatches.c.waived_until,
)


def pages(ledger: Ledger, following: Callable[[Any], Any], limit: int | None) -> Iterator[Any]:
    """Row after row, read a page at a time, so that no snapshot stays open for long."""
    last: Any = None
    left = limit
    while left is None or left > 0:
        size = PAGE if left is None else min(PAGE, left)
        with ledger.read() as connection:
            rows = connection.execute(following(last).limit(size)).all()
        yield from rows
        if len(rows) < size:
            return
        last = rows[-1]
        left = None if left is None else left - size


def is_known(connection: Connection, key: Key) -> bool:
    """Whether an object is believed in, watched or was seen."""
    return any(
        connection.scalar(
            sa.select(sa.literal(1))
            .where(*(table.c[name] == value for name, value in key._asdict().items()))
            .limit(1)
        )
        for table in (beliefs, watches, observations)
    )


def find(connection: Connection, kind: str, object_id: str, account: str | None) -> list[Key]:
    """Which objects of any account have this id: believed in, watched or seen.

    A user may be named without the app: all apps' users of that id are found.
    """
    found: set[Key] = set()
    for table in (beliefs, watches, observations):
        named = table.c.object_id == object_id
        if kind == "user":
            named |= table.c.object_id.endswith(f"-{object_id}", autoescape=True)
        chosen = sa.select(table.c.account, table.c.object_id).where(table.c.kind == kind, named)
        if account is not None:
            chosen = chosen.where(table.c.account == account)
        rows = connection.execute(chosen.distinct())
        found.update(Key(row.account, kind, row.object_id) for row in rows)
    return sorted(found)
