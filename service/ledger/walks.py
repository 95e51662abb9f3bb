"""Which objects there are, slice by slice, for work that must see all of them."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.core.observation import Key
from service.ledger.engine import Ledger
from service.ledger.keys import same_object
from service.ledger.rules.single import is_overdue
from service.ledger.rules.sources import word
from service.ledger.schema import beliefs, mismatches, watches


def everything(ledger: Ledger, *, size: int) -> Iterator[list[Key]]:
    """All objects in slices of at most `size`: those believed in, then those only known by name.

    Each slice is read by itself; an object that is born behind the walk is checked by its birth.
    """
    yield from _walk(ledger, beliefs, sa.true(), size)
    believed = sa.exists().where(same_object(beliefs, watches))
    yield from _walk(ledger, watches, sa.not_(believed), size)


def _walk(
    ledger: Ledger, table: sa.Table, condition: sa.ColumnElement[bool], size: int
) -> Iterator[list[Key]]:
    last = Key("", "", "")
    key = (table.c.account, table.c.kind, table.c.object_id)
    while True:
        with ledger.read() as connection:
            rows = connection.execute(
                sa.select(*key)
                .where(sa.tuple_(*key) > sa.tuple_(*last), condition)
                .order_by(*key)
                .limit(size)
            )
            keys = [Key(*row) for row in rows]
        if not keys:
            return
        yield keys
        last = keys[-1]


def newly_overdue(connection: sa.Connection, *, now: datetime, limit: int) -> list[Key]:
    """Watched objects past their deadline that no live mismatch speaks of yet, the latest last."""
    rows = connection.execute(_NEWLY_OVERDUE, {"now": now, "limit": limit})
    return [Key(*row) for row in rows]


def _newly_overdue() -> sa.Select[*tuple[Any, ...]]:
    known = sa.exists().where(
        same_object(mismatches, watches),
        mismatches.c.rule == word("overdue"),
        mismatches.c.state != word("settled"),
    )
    return (
        sa.select(watches.c.account, watches.c.kind, watches.c.object_id)
        .select_from(watches.outerjoin(beliefs, same_object(watches, beliefs)))
        .where(is_overdue(watches, beliefs), watches.c.deadline_at < sa.bindparam("now"))
        .where(sa.not_(known))
        .order_by(watches.c.deadline_at)
        .limit(sa.bindparam("limit"))
    )


_NEWLY_OVERDUE = _newly_overdue()
