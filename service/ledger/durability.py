"""Would what is committed survive a power cut? The database's settings, and what they should be."""

from typing import NamedTuple

import sqlalchemy as sa

from service.ledger.engine import Connection, Ledger

_SYNCHRONOUS = {0: "off", 1: "normal", 2: "full", 3: "extra"}
_POSTGRES = {
    "fsync": ("on",),
    "full_page_writes": ("on",),
    "synchronous_commit": ("on", "local", "remote_write", "remote_apply"),
}


class Fact(NamedTuple):
    """One setting, its value, and whether it is good enough."""

    name: str
    value: str
    good: bool


def durability(ledger: Ledger) -> list[Fact]:
    """What the database does to keep what was committed; raises TryLater when it is away."""
    with ledger.read() as connection:
        return _sqlite(connection) if ledger.dialect == "sqlite" else _postgres(connection)


def is_whole(ledger: Ledger) -> str:
    """Give "ok", or the first damage that SQLite finds in its file; PostgreSQL looks by itself."""
    if ledger.dialect != "sqlite":
        return "ok"
    with ledger.read() as connection:
        return str(connection.scalar(sa.text("PRAGMA quick_check(1)")))


def _sqlite(connection: Connection) -> list[Fact]:
    journal = str(connection.scalar(sa.text("PRAGMA journal_mode")))
    level = int(connection.scalar(sa.text("PRAGMA synchronous")) or 0)
    return [
        Fact("journal_mode", journal, journal == "wal"),
        Fact("synchronous", _SYNCHRONOUS.get(level, str(level)), level >= 2),
    ]


def _postgres(connection: Connection) -> list[Fact]:
    facts: list[Fact] = []
    for name, good in _POSTGRES.items():
        value = str(connection.scalar(sa.select(sa.func.current_setting(name))))
        facts.append(Fact(name, value, value in good))
    return facts
