"""Where SQLite and PostgreSQL are spelt differently."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from service.core.instant import to_micros
from service.ledger.columns import Instant

# Rows of one statement on SQLite, which knows 32,766 parameters.
ROWS_TOGETHER = 50


def insert(connection: sa.Connection, table: sa.Table) -> Any:
    """An INSERT that knows ON CONFLICT: spelt alike by both, kept apart by SQLAlchemy."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def insert_rows(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert rows that all have the same columns in the same order."""
    insert_kept(connection, table, as_kept(table, rows))


def upsert_rows(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert rows that all have the same columns, or set those of rows that are there already."""
    upsert_kept(connection, table, as_kept(table, rows))


def add_rows(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all have the same columns, or add to those that are there already.

    Every column outside the primary key is a number that grows by what the row says.
    """
    if not rows:
        return
    names = tuple(rows[0])
    if connection.dialect.name == "postgresql":
        statement: Any = insert_document(table, names)
        given: Any = document(table, as_kept(table, rows))
    else:
        statement, given = sqlite.insert(table), rows
    grown = {name: table.c[name] + statement.excluded[name] for name in _changing(table, names)}
    connection.execute(
        statement.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=grown),
        given,
    )


def as_kept(table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows with instants as both databases keep them: in microseconds."""
    names = [name for name in (rows[0] if rows else ()) if isinstance(table.c[name].type, Instant)]
    converted = [dict(row) for row in rows]
    for row in converted:
        for name in names:
            if row[name] is not None:
                row[name] = to_micros(row[name])
    return converted


def insert_kept(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]
) -> None:
    """As `insert_rows`, the fastest way each database knows: the rows are `as_kept` already.

    PostgreSQL gets one JSON document: neither the driver nor the server then handles a statement
    or a parameter per row, which is most of what a row costs.
    """
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        connection.execute(insert_document(table, tuple(rows[0])), document(table, rows))
    else:
        _insert_many(connection, _plain_insert(table, tuple(rows[0])), rows)


def upsert_kept(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]
) -> None:
    """As `upsert_rows`, of rows that are `as_kept` already."""
    if not rows:
        return
    names = tuple(rows[0])
    if connection.dialect.name == "postgresql":
        connection.execute(_upsert_document(table, names), document(table, rows))
    else:
        _insert_many(connection, _plain_insert(table, names), rows, _set_clause(table, names))


def _insert_many(
    connection: sa.Connection,
    insert: str,
    rows: Sequence[Mapping[str, Any]],
    on_conflict: str = "",
) -> None:
    """SQLite: many rows in a statement, in which another thread can work; the rest one by one.

    Between two statements the driver waits for the interpreter: so does whoever wants the lock.
    """
    one = f"({', '.join('?' * len(rows[0]))})"
    values = [tuple(row.values()) for row in rows]
    whole = len(values) - len(values) % ROWS_TOGETHER
    for first in range(0, whole, ROWS_TOGETHER):
        together = ", ".join([one] * ROWS_TOGETHER)
        flat = tuple(chain.from_iterable(values[first : first + ROWS_TOGETHER]))
        connection.exec_driver_sql(f"{insert} VALUES {together}{on_conflict}", flat)
    if values[whole:]:
        connection.exec_driver_sql(f"{insert} VALUES {one}{on_conflict}", values[whole:])


@lru_cache
def _plain_insert(table: sa.Table, names: tuple[str, ...]) -> str:
    """The text for SQLite's driver: binding names row by row costs more than the insert."""
    listed = ", ".join(f'"{name}"' for name in names)
    return f"INSERT INTO {table.name} ({listed})"


@lru_cache
def _set_clause(table: sa.Table, names: tuple[str, ...]) -> str:
    keys = ", ".join(column.name for column in table.primary_key.columns)
    sets = ", ".join(f'"{name}" = excluded."{name}"' for name in _changing(table, names))
    return f" ON CONFLICT ({keys}) DO UPDATE SET {sets}"


def _changing(table: sa.Table, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if not table.c[name].primary_key]


def document(table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The rows, `as_kept`, as one JSON array, with bytes as their input syntax wants them."""
    for name in rows[0]:
        if isinstance(table.c[name].type, sa.LargeBinary):
            rows = [{**row, name: row[name] and f"\\x{row[name].hex()}"} for row in rows]
    return {"rows": msgspec.json.encode(rows).decode()}


@lru_cache
def _upsert_document(table: sa.Table, names: tuple[str, ...]) -> Any:
    statement = insert_document(table, names)
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={name: statement.excluded[name] for name in _changing(table, names)},
    )


@lru_cache
def insert_document(table: sa.Table, names: tuple[str, ...]) -> postgresql.Insert:
    """PostgreSQL's INSERT of what `document` makes."""
    document = sa.cast(sa.bindparam("rows", type_=sa.Text()), postgresql.JSON())
    shape: sa.ColumnElement[Any] = sa.literal_column(f"NULL::{table.name}")
    given = sa.func.json_populate_recordset(shape, document).table_valued(*names)
    return postgresql.insert(table).from_select(
        list(names), sa.select(*(given.c[name] for name in names)), include_defaults=False
    )
