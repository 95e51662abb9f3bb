"""What columns, constraints and indexes are made of, so that both databases keep the same.

Instants are stored as whole microseconds since 1970 in UTC, compared and indexed alike by both;
outside this room they are aware datetimes.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from service.core.instant import from_micros, to_micros


class Instant(sa.TypeDecorator[datetime]):
    """An aware datetime, stored as microseconds since 1970 UTC."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:
        """Refuse a naive time: subtracting the epoch raises on one."""
        return None if value is None else to_micros(value)

    def process_result_value(self, value: int | None, dialect: Any) -> datetime | None:
        """Give back an aware UTC datetime."""
        return None if value is None else from_micros(value)


BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Word = sa.String(64)
Key = sa.String(200)
# an account of the journal: a word and an id
Book = sa.String(240)

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def words(column: str, *known: str) -> sa.CheckConstraint:
    """A column that holds one of a few words."""
    listed = ", ".join(f"'{word}'" for word in known)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


def partial(name: str, columns: list[Any], where: str, **kw: Any) -> sa.Index:
    """An index over the few rows that are still to be worked."""
    condition = sa.text(where)
    return sa.Index(name, *columns, sqlite_where=condition, postgresql_where=condition, **kw)


def append_only(table: sa.Table) -> None:
    """Let both databases refuse to change or remove a row of this table."""
    for statement, dialect in append_only_statements(table.name):
        event.listen(table, "after_create", sa.DDL(statement).execute_if(dialect=dialect))


def append_only_statements(name: str) -> list[tuple[str, str]]:
    """The triggers of `append_only`, each with its dialect."""
    refusal = f"{name} are never changed"
    lite = [
        (
            f"CREATE TRIGGER {name}_stay_{word}d BEFORE {word.upper()} ON {name}"
            f" BEGIN SELECT RAISE(ABORT, '{refusal}'); END",
            "sqlite",
        )
        for word in ("update", "delete")
    ]
    return [
        *lite,
        (
            f"CREATE OR REPLACE FUNCTION {name}_stay() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN RAISE EXCEPTION '{refusal}'; END $$",
            "postgresql",
        ),
        (
            f"CREATE TRIGGER {name}_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON {name}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {name}_stay()",
            "postgresql",
        ),
    ]
