"""How does a test get a migrated, empty PostgreSQL database without waiting for a new one?

Copying a template costs the server hundreds of files. So a database is used again once what a test
left in it is gone: its rows, its sequences, its connections. One whose schema or statistics are not
as they were, or that held much, is dropped instead: no test meets what another one made.
"""

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from typing import Any, LiteralString

import psycopg
from psycopg import sql

# Rows removed from one database before it is dropped: they lie about in its pages.
ROWS_LIMIT = 5_000
# How long the server may take to end the sessions that a killed process left.
END_SECONDS = 5.0

_TABLES: LiteralString = """
    SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname
"""
_FIRST_NUMBERS: LiteralString = """
    SELECT setval(oid::regclass, 1, false) FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'S'
"""
# A copy has the numbers of its template: whatever was made or changed since shows.
_SHAPE: LiteralString = """
    WITH own AS (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
    SELECT md5(string_agg(line, ';' ORDER BY line)) FROM (
        SELECT concat_ws(' ', 'class', c.oid, relname, relkind, reltuples, reloptions)
        FROM pg_class c JOIN own ON own.oid = c.oid
        UNION ALL SELECT concat_ws(' ', 'column', attrelid, attnum, attname, atttypid, attnotnull)
        FROM pg_attribute JOIN own ON own.oid = attrelid
        UNION ALL SELECT concat_ws(' ', 'default', d.oid, adbin)
        FROM pg_attrdef d JOIN own ON own.oid = adrelid
        UNION ALL SELECT concat_ws(' ', 'index', indexrelid, indisvalid)
        FROM pg_index JOIN own ON own.oid = indrelid
        UNION ALL SELECT concat_ws(' ', 'constraint', c.oid, conname, convalidated)
        FROM pg_constraint c JOIN own ON own.oid = conrelid
        UNION ALL SELECT concat_ws(' ', 'trigger', oid, tgname, tgenabled) FROM pg_trigger
        UNION ALL SELECT concat_ws(' ', 'function', oid, proname, prosrc)
        FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        UNION ALL SELECT concat_ws(' ', 'statistics', starelid, staattnum)
        FROM pg_statistic JOIN own ON own.oid = starelid
        UNION ALL SELECT concat_ws(' ', 'schema', nspname)
        FROM pg_namespace WHERE nspname NOT LIKE 'pg_%temp_%'
        UNION ALL SELECT concat_ws(' ', 'setting', setrole, setconfig) FROM pg_db_role_setting
        WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
    ) AS lines (line)
"""


@dataclass(slots=True)
class Shelf:
    """Databases that are copies of one template; their names begin with `prefix`."""

    template: str
    admin_url: str
    prefix: str = "ledger"
    free: list[str] = field(default_factory=list[str])
    removed: dict[str, int] = field(default_factory=dict[str, int])
    numbers: Iterator[int] = field(default_factory=count)
    shape: str = ""
    rows: dict[str, str] = field(default_factory=dict[str, str])

    def url(self, database: str) -> str:
        return self.admin_url.replace("/postgres?", f"/{database}?")

    def take(self) -> str:
        """The name of a database as the template is."""
        if not self.shape:
            self._look()
        if self.free:
            return self.free.pop()
        name = f"{self.prefix}_{next(self.numbers)}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {self.template}")
        return name

    def give_back(self, name: str) -> None:
        """Empty it for the next test, or drop it where that would not make it as it was."""
        if self._end_sessions(name) and self._empty(name):
            self.free.append(name)
        else:
            self.drop(name)

    def drop(self, name: str) -> None:
        """Be rid of one for good."""
        self._run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _look(self) -> None:
        """What the template looks like, and the few rows that migrations left in it."""
        with closing(psycopg.connect(self.url(self.template), autocommit=True)) as connection:
            self.shape = _shape(connection)
            for (table,) in connection.execute(_TABLES).fetchall():
                rows = sql.SQL("SELECT json_agg(each)::text FROM {} AS each")
                found = connection.execute(rows.format(sql.Identifier(table))).fetchone()
                if found and found[0]:
                    self.rows[table] = found[0]

    def _end_sessions(self, name: str) -> bool:
        ending: LiteralString = (
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s"
        )
        until = time.monotonic() + END_SECONDS
        with closing(psycopg.connect(self.admin_url, autocommit=True)) as connection:
            while time.monotonic() < until:
                left = connection.execute(ending, (name,)).fetchone()
                if not left or not left[0]:
                    return True
                time.sleep(0.01)
        return False

    def _empty(self, name: str) -> bool:
        """Whether it is as the template is, now that its rows are gone."""
        try:
            with psycopg.connect(self.url(name)) as connection:
                if _shape(connection) != self.shape:
                    return False
                # no trigger may refuse it, nor a foreign key ask for an order
                connection.execute("SET session_replication_role = replica")
                removed = self.removed.get(name, 0) + self._remove(connection)
                connection.execute(_FIRST_NUMBERS)
        except psycopg.OperationalError:
            return False
        self.removed[name] = removed
        return removed <= ROWS_LIMIT

    def _remove(self, connection: psycopg.Connection[Any]) -> int:
        removed = 0
        for (table,) in connection.execute(_TABLES).fetchall():
            emptied = sql.SQL("DELETE FROM {}").format(sql.Identifier(table))
            removed += connection.execute(emptied).rowcount
        for table, rows in self.rows.items():
            again = sql.SQL("INSERT INTO {0} SELECT * FROM json_populate_recordset(NULL::{0}, %s)")
            connection.execute(again.format(sql.Identifier(table)), (rows,))
        return removed

    def _run(self, statement: str) -> None:
        with closing(psycopg.connect(self.admin_url, autocommit=True)) as connection:
            connection.execute(statement.encode())


def _shape(connection: psycopg.Connection[Any]) -> str:
    found = connection.execute(_SHAPE).fetchone()
    assert found
    return str(found[0])
