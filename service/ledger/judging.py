"""Which rows may be seen and are wanted, where no index shall be chosen for saying so?"""

from functools import cache
from typing import Any

import sqlalchemy as sa

from service.ledger.engine import Connection
from service.ledger.keys import Selection

# Whose objects may be seen: None for those of every account.
Scope = frozenset[str] | None


def within(column: sa.Column[str], scope: Scope) -> list[sa.ColumnElement[bool]]:
    """The condition that keeps to what may be seen."""
    return [] if scope is None else [bare(column).in_(sorted(scope))]


def bare(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """A column, of text or whole numbers, as rows are judged by it or put in order, one by one.

    An index that begins with it is no way in: SQLite would take it, go through all of an account
    and sort that, rather than read the few rows that another index finds in order.
    """
    return column.concat("") if isinstance(column.type, sa.String) else column + 0


def judged(table: sa.Table, **wanted: str | None) -> list[sa.ColumnElement[bool]]:
    """Row by row: columns that hold a value, as far as one is wanted."""
    return [bare(table.c[name]) == value for name, value in wanted.items() if value is not None]


def few(connection: Connection, column: sa.Column[str]) -> list[str]:
    """All values of a column that has few; found one by one, by the index that begins with it."""
    return [str(value) for value in connection.scalars(_values(column))]


@cache
def _values(column: sa.Column[str]) -> Selection:
    """From each value to the next one: neither database does so by itself for DISTINCT."""
    each = sa.select(sa.func.min(column).label("value")).cte("each_value", recursive=True)
    following = sa.select(sa.func.min(column)).where(column > each.c.value).scalar_subquery()
    each = each.union_all(sa.select(following).where(each.c.value.is_not(None)))
    return sa.select(each.c.value).where(each.c.value.is_not(None))
