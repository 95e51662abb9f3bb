"""Which jobs ran when, who opened what, and which keys signed of late?"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from service.ledger.engine import Connection
from service.ledger.schema import audit, deliveries, slots
from service.ledger.slots import Slot
from service.ledger.views.walk import WINDOW, Scope, Walked, few, walk, within

_SLOT = sa.select(
    slots.c.job,
    slots.c.slot_at,
    slots.c.holder,
    slots.c.started_at,
    slots.c.finished_at,
    slots.c.outcome,
)


class Noted(NamedTuple):
    """One line of the audit."""

    id: int
    at: datetime
    who: str
    what: str
    why: str
    hash: str


def jobs(connection: Connection) -> list[str]:
    """The names of the jobs that ever fired."""
    return few(connection, slots.c.job)


def firings(connection: Connection, names: Sequence[str], *, limit: int) -> dict[str, list[Slot]]:
    """The last firings of some jobs, the newest first; one question for all of them."""
    found: dict[str, list[Slot]] = {name: [] for name in names}
    if not names:
        return found
    last = (
        _SLOT.where(slots.c.job == name).order_by(slots.c.slot_at.desc()).limit(limit).subquery()
        for name in names
    )
    rows = connection.execute(sa.union_all(*(sa.select(one) for one in last)))
    for row in rows:
        found[row.job].append(Slot(*row))
    return {
        name: sorted(some, key=lambda slot: slot.slot_at, reverse=True)
        for name, some in found.items()
    }


def noted(
    connection: Connection, *, who: str | None, after: tuple[Any, ...] | None, size: int
) -> Walked:
    """The audit, the newest line first; who: only what one person did."""
    statement = sa.select(*(audit.c[name] for name in Noted._fields))
    filters = [] if who is None else [audit.c.who == who]
    found = walk(connection, statement, (audit.c.id,), after=after, size=size, filters=filters)
    return found._replace(rows=[Noted(*row) for row in found.rows])


def keys_seen(connection: Connection, scope: Scope) -> dict[tuple[str, str], datetime]:
    """When each key of an account signed last, among the newest deliveries."""
    last = connection.scalar(sa.select(sa.func.max(deliveries.c.id))) or 0
    newest = (
        sa.select(deliveries.c.account, deliveries.c.key_fingerprint, deliveries.c.received_at)
        .where(deliveries.c.id > last - WINDOW, *within(deliveries.c.account, scope))
        # found by their numbers first: to group them, SQLite would take the index of accounts
        .limit(WINDOW)
        .subquery("newest")
    )
    key = (newest.c.account, newest.c.key_fingerprint)
    rows = connection.execute(sa.select(*key, sa.func.max(newest.c.received_at)).group_by(*key))
    return {(account, print_of): at for account, print_of, at in rows}
