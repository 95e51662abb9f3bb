"""How is much read from one snapshot: patiently, row by row, and without holding it all?"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from service.ledger.engine import Connection, Ledger
from service.ledger.schema import meta

# The longest that one statement, or a pause between two, may take on PostgreSQL.
PATIENCE_SECONDS = 900
# Rows that are held at a time.
ROWS_AT_ONCE = 2_000


_OPEN = "streams"


@contextmanager
def patient(ledger: Ledger) -> Generator[Connection]:
    """One snapshot for work that takes its time and, on SQLite, sorts on the disk."""
    with ledger.read(sorts_on_disk=True) as connection:
        _wait_long(connection)
        # both databases take the snapshot when something is first read
        connection.execute(sa.select(meta.c.name).limit(1))
        streams: list[sa.CursorResult[Any]] = []
        connection.info[_OPEN] = streams
        try:
            yield connection
        finally:
            # whoever broke off has left them half read
            for one in streams:
                one.close()
            del connection.info[_OPEN]


def _wait_long(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
            connection.exec_driver_sql(f"SET LOCAL {limit} = '{PATIENCE_SECONDS}s'")


def stream(connection: Connection, statement: Any) -> Iterator[sa.Row[Any]]:
    """The rows of a SELECT as the database finds them, a few at a time; within `patient` only."""
    found = connection.execute(statement, execution_options={"yield_per": ROWS_AT_ONCE})
    connection.info[_OPEN].append(found)
    yield from found
