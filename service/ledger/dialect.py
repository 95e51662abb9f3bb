"""Where SQLite and PostgreSQL are spelt differently."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from service.core.instant import to_micros
from service.ledger.columns import Instant


def insert(connection: sa.Connection, table: sa.Table) -> Any:
    """An INSERT that knows ON CONFLICT: spelt alike by both, kept apart by SQLAlchemy."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def insert_rows(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert rows that all have the same columns, the fastest way each database knows.

    PostgreSQL gets one JSON document: neither the driver nor the server then handles a statement
    or a parameter per row, which is most of what a row costs.
    """
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        connection.execute(insert_document(table, tuple(rows[0])), document(table, rows))
    else:
        text, values = _plain_insert(table, tuple(rows[0])), _tuples(table, rows)
        connection.exec_driver_sql(text, values)


def upsert_rows(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert rows that all have the same columns, or set those of rows that are there already."""
    if not rows:
        return
    names = tuple(rows[0])
    if connection.dialect.name == "postgresql":
        connection.execute(_upsert_document(table, names), document(table, rows))
    else:
        connection.execute(_or_set(sqlite.insert(table), table, names), rows)


@lru_cache
def _plain_insert(table: sa.Table, names: tuple[str, ...]) -> str:
    """The text for SQLite's driver: binding names row by row costs more than the insert."""
    listed = ", ".join(f'"{name}"' for name in names)
    return f"INSERT INTO {table.name} ({listed}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608


def _tuples(table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    """The rows' values in the order of the first, with instants as the driver keeps them."""
    columns = [
        [to_micros(value) if isinstance(value, datetime) else value for value in column]
        if isinstance(table.c[name].type, Instant)
        else column
        for name, column in ((name, [row[name] for row in rows]) for name in rows[0])
    ]
    return list(zip(*columns, strict=True))


def document(table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The rows as one JSON array, with times and bytes as the columns' input syntax wants them."""
    converted = [(name, _as_input(table.c[name].type)) for name in rows[0]]
    special = [(name, convert) for name, convert in converted if convert is not None]
    plain: list[dict[str, Any]] = []
    for row in rows:
        values = dict(row)
        for name, convert in special:
            if values[name] is not None:
                values[name] = convert(values[name])
        plain.append(values)
    return {"rows": msgspec.json.encode(plain).decode()}


def _as_input(kind: sa.types.TypeEngine[Any]) -> Callable[[Any], Any] | None:
    if isinstance(kind, Instant):
        return to_micros
    return _hex if isinstance(kind, sa.LargeBinary) else None


def _hex(value: bytes) -> str:
    return f"\\x{value.hex()}"


@lru_cache
def _upsert_document(table: sa.Table, names: tuple[str, ...]) -> Any:
    return _or_set(insert_document(table, names), table, names)


def _or_set(statement: Any, table: sa.Table, names: tuple[str, ...]) -> Any:
    changing = [name for name in names if not table.c[name].primary_key]
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={name: statement.excluded[name] for name in changing},
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
