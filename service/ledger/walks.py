"""Which objects there are, stretch by stretch, for work that must see all of them; and what is said
of none that there is?
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from service.core.observation import Key
from service.ledger.engine import Ledger
from service.ledger.keys import Selection, same_object
from service.ledger.rules.scopes import Stretch, stretch_of
from service.ledger.rules.single import is_overdue
from service.ledger.rules.sources import word
from service.ledger.rules.statements import KIND as STATEMENT
from service.ledger.schema import beliefs, mismatches, watches


class Walked(NamedTuple):
    """A stretch, and how many objects lie in it: believed in, or only known by name."""

    stretch: Stretch
    objects: int


def everything(ledger: Ledger, *, size: int) -> Iterator[Walked]:
    """All objects in stretches of one kind: about `size` each, and never twice as many.

    Each stretch is found by itself; an object that is born behind the walk is checked by its birth.
    """
    last = ("", "")
    while (named := _next_kind(ledger, last)) is not None:
        last = named
        yield from _stretches(ledger, *named, size)


def _next_kind(ledger: Ledger, last: tuple[str, str]) -> tuple[str, str] | None:
    """The account and kind that follow, by one look into each index."""
    following = [
        sa.select(table.c.account, table.c.kind)
        .where(sa.tuple_(table.c.account, table.c.kind) > sa.tuple_(*last))
        .order_by(table.c.account, table.c.kind)
        .limit(1)
        .subquery(f"of_{table.name}")
        for table in _TABLES
    ]
    both = sa.union(*(sa.select(one) for one in following)).subquery("both")
    with ledger.read() as connection:
        row = connection.execute(sa.select(both).order_by(both.c.account, both.c.kind)).first()
    return None if row is None else (row.account, row.kind)


def _stretches(ledger: Ledger, account: str, kind: str, size: int) -> Iterator[Walked]:
    after: str | None = ""
    while after is not None:
        with ledger.read() as connection:
            until = connection.scalar(
                _END, {"account": account, "kind": kind, "after": after, "skipped": size - 1}
            )
            stretch = Stretch(account, kind, after, until)
            objects = connection.scalar(_COUNT[until is not None], stretch.bounds)
        yield Walked(stretch, int(objects or 0))
        after = until


def _end() -> Selection:
    """The id at which a stretch is full; null when what is left does not fill it."""
    beyond = stretch_of(is_bounded=False)
    ids = [
        beyond(table, table.c.object_id)
        .order_by(table.c.object_id)
        .offset(sa.bindparam("skipped", type_=sa.Integer()))
        .limit(1)
        .subquery(f"of_{table.name}")
        for table in _TABLES
    ]
    # the smaller one as the database sorts them
    both = sa.union_all(*(sa.select(one) for one in ids)).subquery("both")
    return sa.select(sa.func.min(both.c.object_id))


def _count(*, is_bounded: bool) -> Selection:
    within = stretch_of(is_bounded=is_bounded)
    believed = within(beliefs, sa.func.count()).scalar_subquery()
    known = sa.exists().where(same_object(beliefs, watches)).correlate(watches)
    named = within(watches, sa.func.count()).where(sa.not_(known)).scalar_subquery()
    return sa.select(believed + named)


_TABLES = (beliefs, watches)
_END = _end()
_COUNT = {is_bounded: _count(is_bounded=is_bounded) for is_bounded in (False, True)}


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


def standing_alone(connection: sa.Connection, *, limit: int) -> list[tuple[str, Key]]:
    """Mismatches that people see, of kinds of which the account has no object; those of rules."""
    one = mismatches.c
    rows = connection.execute(
        sa.select(one.rule, one.account, one.kind, one.object_id)
        .where(
            one.state.not_in((word("settled"), word("suspected"))),
            one.kind != word(STATEMENT),
            *(sa.not_(_has_kind(table)) for table in _TABLES),
        )
        .order_by(one.id)
        .limit(limit)
    )
    return [(row.rule, Key(row.account, row.kind, row.object_id)) for row in rows]


def _has_kind(table: sa.Table) -> sa.ColumnElement[bool]:
    same = sa.and_(table.c.account == mismatches.c.account, table.c.kind == mismatches.c.kind)
    return sa.select(sa.literal(1)).where(same).correlate(mismatches).exists()
