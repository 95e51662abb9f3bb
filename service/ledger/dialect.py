"""Where SQLite and PostgreSQL are spelt differently."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def insert(connection: sa.Connection, table: sa.Table) -> Any:
    """An INSERT that knows ON CONFLICT: spelt alike by both, kept apart by SQLAlchemy."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def upsert(connection: sa.Connection, table: sa.Table, columns: Iterable[str]) -> Any:
    """Insert rows, or set `columns` of those whose primary key is there already."""
    statement = insert(connection, table)
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={name: statement.excluded[name] for name in columns},
    )
