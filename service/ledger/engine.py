"""How the ledger's database is opened, and what a transaction on it promises.

SQLite: WAL, synchronous=FULL, BEGIN IMMEDIATE for writers, plain BEGIN for readers (a second
engine, so that a question never waits for the write lock). PostgreSQL: READ COMMITTED with row
locks for writers, one REPEATABLE READ snapshot for readers.
"""

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from service.core.errors import Misconfigured, Raced, TryLater
from service.core.instant import from_micros
from service.ledger.mounts import remote_kind
from service.ledger.turns import Turns
from service.ledger.vault import Vault

BUSY_TIMEOUT_SECONDS = 5
POOL_SIZE = 8
POOL_WAIT_SECONDS = 2
# SQLite: between two looks at the clock, some ten a millisecond
_STEPS_A_LOOK = 10_000
# PostgreSQL: serialization failure, deadlock
_LOST_RACES = ("40001", "40P01")

Connection = sa.Connection


class Ledger:
    """One open ledger database: writers begin, readers read, and its clock is the only clock.

    vault: what personal data passes through, in and out.
    """

    def __init__(self, writer: sa.Engine, reader: sa.Engine, vault: Vault) -> None:
        self.writer = writer
        self.reader = reader
        self.vault = vault
        self.dialect = writer.dialect.name
        self._turns = Turns()

    @contextmanager
    def begin(self) -> Generator[Connection]:
        """A write transaction; commits when the block ends well, else rolls back.

        Raises TryLater when the database is away, locked or full.
        """
        with _translated(), self.turn(), self.writer.begin() as connection:
            yield connection

    def turn(self, *, first: bool = False) -> AbstractContextManager[None]:
        """This process's right to write where only one may; `first` is for the inbox."""
        if self.dialect != "sqlite":
            return nullcontext()
        return self._turns.take(wait_seconds=BUSY_TIMEOUT_SECONDS, first=first)

    @contextmanager
    def read(
        self, *, seconds: float | None = None, sorts_on_disk: bool = False
    ) -> Generator[Connection]:
        """One snapshot for reading; every SELECT in the block sees the same state.

        seconds: how long they may take, all in all on SQLite, each on PostgreSQL; then TryLater.
        sorts_on_disk: where SQLite sorts what is much; PostgreSQL decides by itself.
        """
        with (
            _translated(),
            self.reader.connect() as connection,
            _sorting(connection, on_disk=sorts_on_disk),
            connection.begin(),
        ):
            if seconds is None:
                yield connection
            else:
                with _ended_after(connection, seconds):
                    yield connection

    def now(self) -> datetime:
        """The database's own clock: all replicas agree on it."""
        if self.dialect == "sqlite":
            return datetime.now(UTC)  # noqa: TID251  the file's host is its only clock
        with self.read() as connection:
            micros = connection.scalar(
                sa.text("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
            )
        return from_micros(int(micros or 0))

    def close(self) -> None:
        """Give every connection back."""
        self.writer.dispose()
        self.reader.dispose()


def open_ledger(url: str, vault: Vault | None = None) -> Ledger:
    """Open the database at `url`: sqlite:////absolute/path or postgresql://…

    Without a vault nothing that holds personal data can be written or read.
    """
    vault = vault or Vault()
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError):
        # neither error is passed on: they may quote the password
        raise Misconfigured(
            "database.url", "is not a URL: characters such as @:/% in a password are written as %40"
        ) from None
    match parsed.get_backend_name():
        case "sqlite":
            return _open_sqlite(parsed, vault)
        case "postgresql":
            return _open_postgres(parsed.set(drivername="postgresql+psycopg"), vault)
        case other:
            raise Misconfigured("database.url", f"{other} is not supported: sqlite or postgresql")


@contextmanager
def _ended_after(connection: Connection, seconds: float) -> Generator[None]:
    """Let the database end what takes longer."""
    if connection.dialect.name != "sqlite":
        # of this transaction only, and safe behind a pooler
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(seconds * 1000)}")
        yield
        return
    raw: Any = connection.connection.driver_connection
    ends_at = monotonic() + seconds
    raw.set_progress_handler(lambda: monotonic() > ends_at, _STEPS_A_LOOK)
    try:
        yield
    finally:
        raw.set_progress_handler(None, 0)


@contextmanager
def _sorting(connection: Connection, *, on_disk: bool) -> Generator[None]:
    """Around a transaction: SQLite refuses it within one, once the connection kept anything aside.

    Looking for a table that is not there is enough for that.
    """
    if not on_disk or connection.dialect.name != "sqlite":
        yield
        return
    raw: Any = connection.connection.driver_connection
    raw.execute("PRAGMA temp_store=FILE").close()
    try:
        yield
    finally:
        raw.execute("PRAGMA temp_store=MEMORY").close()


@contextmanager
def _translated() -> Generator[None]:
    try:
        yield
    except (OperationalError, PoolTimeoutError, InterfaceError) as error:
        if getattr(getattr(error, "orig", None), "sqlstate", None) in _LOST_RACES:
            raise Raced("another transaction was first") from error
        raise TryLater(f"the ledger is not available: {_cause(error)}") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise TryLater("the ledger's connection was cut") from error
        raise


def _cause(error: Exception) -> str:
    """The driver's class name only: its text may quote the row."""
    origin = getattr(error, "orig", None) or error
    return type(origin).__name__


def _open_sqlite(url: sa.URL, vault: Vault) -> Ledger:
    if not url.database or url.database == ":memory:":
        raise Misconfigured(
            "database.url", "an SQLite ledger needs a file: memory does not survive"
        )
    path = Path(url.database)
    if not path.is_absolute():
        raise Misconfigured("database.url", "the path of the SQLite file must be absolute")
    if not path.parent.is_dir():
        raise Misconfigured("database.url", f"the folder {path.parent} does not exist")
    if kind := remote_kind(path.parent.resolve()):
        raise Misconfigured(
            "database.url",
            f"the folder {path.parent} is on a network file system ({kind}), where SQLite's locks"
            " do not hold: use a local disk, or PostgreSQL",
        )
    return Ledger(_sqlite_engine(url, "BEGIN IMMEDIATE"), _sqlite_engine(url, "BEGIN"), vault)


def _sqlite_engine(url: sa.URL, begin: str) -> sa.Engine:
    engine = sa.create_engine(
        url,
        connect_args={
            "timeout": BUSY_TIMEOUT_SECONDS,
            "isolation_level": None,
            "check_same_thread": False,
        },
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=POOL_WAIT_SECONDS,
        # the same few connections again and again: each keeps caches of its own
        pool_use_lifo=True,
    )

    def on_connect(connection: Any, _record: Any) -> None:
        set_durable(connection)

    def on_begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", on_begin)
    return engine


def set_durable(connection: Any) -> None:
    """Set a raw sqlite3 connection to survive a crash and a power cut."""
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_TIMEOUT_SECONDS * 1000}",
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _open_postgres(url: sa.URL, vault: Vault) -> Ledger:
    options = {
        # transaction pooling (pgbouncer) keeps no prepared statements between transactions
        "prepare_threshold": None,
        "connect_timeout": 3,
        "options": "-c lock_timeout=5s -c statement_timeout=60s"
        " -c idle_in_transaction_session_timeout=60s",
        "application_name": "pingledger",
    }
    engine = sa.create_engine(
        url,
        connect_args=options,
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=POOL_WAIT_SECONDS,
        # the same few connections again and again: each keeps caches of its own
        pool_use_lifo=True,
        pool_pre_ping=True,
    )
    reader = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return Ledger(engine, reader, vault)
