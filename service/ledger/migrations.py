"""How the ledger's database gets its tables, and whether they are the ones this program knows."""

import fcntl
import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from service.core.errors import Misconfigured
from service.ledger.engine import Connection, Ledger
from service.ledger.schema import meta

# the advisory lock's number on PostgreSQL: "pingledg" as eight bytes
_LOCK = int.from_bytes(b"pingledg", "big")
LOCK_WAIT_SECONDS = 300
DDL_WAIT_SECONDS = 2
EPOCH = "epoch"


def migrate(ledger: Ledger) -> str:
    """Bring the database to the newest revision and return that; any number may start it at once.

    1. One process at a time: the others wait, then find nothing left to do.
    2. Each step commits by itself, so that after a crash the next start goes on where it stopped.
    3. The first migration gives the ledger its epoch.
    Raises Misconfigured when the database is newer than this program.
    """
    with _alone(ledger):
        while True:
            with _migrating(ledger) as connection:
                step = _next_step(revision(connection))
                if step is None:
                    _ensure_epoch(connection)
                    return head()
                command.upgrade(_config(connection), step)


def check(ledger: Ledger) -> None:
    """Raise Misconfigured unless the database has exactly the tables this program knows."""
    with ledger.read() as connection:
        current = revision(connection)
    if _next_step(current) is not None:
        raise Misconfigured("database", "its tables are not up to date: run `pingledger migrate`")


def is_empty(ledger: Ledger) -> bool:
    """Whether no migration was ever made in it."""
    with ledger.read() as connection:
        return revision(connection) is None


def head() -> str:
    """The newest revision this program knows."""
    return _revisions()[-1]


def revision(connection: Connection) -> str | None:
    """The revision the database is at; None for one without tables."""
    return MigrationContext.configure(connection).get_current_revision()


def read_epoch(connection: Connection) -> str:
    """The ledger's random name, which every message id is derived from."""
    epoch = connection.scalar(sa.select(meta.c.value).where(meta.c.name == EPOCH))
    if epoch is None:
        raise Misconfigured("database", "the ledger has no epoch: run `pingledger migrate`")
    return str(epoch)


def _next_step(current: str | None) -> str | None:
    """The revision that follows `current`; None at the newest."""
    known = _revisions()
    if current is None:
        return known[0]
    if current not in known:
        raise Misconfigured(
            "database",
            f"its revision {current} is unknown to this program, which is older: run the newer one",
        )
    following = known[known.index(current) + 1 :]
    return following[0] if following else None


@cache
def _revisions() -> tuple[str, ...]:
    """Every revision, oldest first."""
    walked = ScriptDirectory(str(_folder())).walk_revisions()
    return tuple(script.revision for script in walked)[::-1]


def _folder() -> Path:
    """Where the migrations lie: inside the package once installed, beside it in the repository."""
    package = Path(__file__).parent.parent
    installed = package / "migrations"
    return installed if installed.is_dir() else package.parent / "migrations"


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_folder()).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _ensure_epoch(connection: Connection) -> None:
    if connection.scalar(sa.select(meta.c.value).where(meta.c.name == EPOCH)) is None:
        connection.execute(sa.insert(meta).values(name=EPOCH, value=secrets.token_hex(16)))


@contextmanager
def _alone(ledger: Ledger) -> Generator[None]:
    """Hold the folder of an SQLite file: even turning WAL on fails when two do it at once.

    The kernel frees the lock when its holder dies. PostgreSQL locks inside each transaction.
    """
    if ledger.dialect != "sqlite":
        yield
        return
    folder = os.open(Path(ledger.writer.url.database or "").parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


@contextmanager
def _migrating(ledger: Ledger) -> Generator[Connection]:
    """A transaction for one step, held by one process at a time."""
    with ledger.begin() as connection:
        if ledger.dialect == "postgresql":
            _set_timeout(connection, "statement_timeout", 0)
            _set_timeout(connection, "lock_timeout", LOCK_WAIT_SECONDS)
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            # a step that cannot have its table at once must not make the receiver queue behind it
            _set_timeout(connection, "lock_timeout", DDL_WAIT_SECONDS)
        yield connection


def _set_timeout(connection: Connection, name: str, seconds: int) -> None:
    """Set it until the transaction ends."""
    connection.execute(sa.select(sa.func.set_config(name, f"{seconds}s", True)))
