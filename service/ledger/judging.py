"""Which rows may be seen and are wanted, where no index shall be chosen for saying so?"""

import sqlalchemy as sa

from service.ledger.engine import Connection

# Whose objects may be seen: None for those of every account.
Scope = frozenset[str] | None


def within(column: sa.Column[str], scope: Scope) -> list[sa.ColumnElement[bool]]:
    """The condition that keeps to what may be seen."""
    return [] if scope is None else [bare(column).in_(sorted(scope))]


def bare(column: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    """A column as rows are judged by it, one by one.

    An index that begins with it is no way in: SQLite would take it, go through all of an account
    and sort that, rather than read the few rows that another index finds in order.
    """
    return column.concat("")


def judged(table: sa.Table, **wanted: str | None) -> list[sa.ColumnElement[bool]]:
    """Row by row: columns that hold a value, as far as one is wanted."""
    return [bare(table.c[name]) == value for name, value in wanted.items() if value is not None]


def few(connection: Connection, column: sa.Column[str], *, limit: int) -> list[str]:
    """The values of a column that has few; found one by one, by the index that begins with it."""
    found: list[str] = []
    last: str | None = ""
    while len(found) < limit:
        following = sa.select(column).where(column > last).order_by(column).limit(1)
        last = connection.scalar(following)
        if last is None:
            break
        found.append(last)
    return found
