"""How long must somebody wait who gave a wrong password? Never for ever, and longer each time."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from service.ledger.dialect import insert
from service.ledger.engine import Connection
from service.ledger.schema import attempts


@dataclass(frozen=True, slots=True)
class Patience:
    """free: so many failures cost nothing; then 1 s, 2 s, 4 s … up to `longest`."""

    what: str
    free: int
    longest: timedelta

    def wait(self, failures: int) -> timedelta:
        """How long after that many failures."""
        over = failures - self.free
        if over < 0:
            return timedelta()
        return min(timedelta(seconds=2 ** min(over, 30)), self.longest)

    @property
    def digest(self) -> str:
        """What it is kept under: a name that was tried may be a password typed too early."""
        return hashlib.sha256(self.what.encode()).hexdigest()


def patience_with(name: str, address: str) -> tuple[Patience, Patience]:
    """A name tried from an address, and the address by itself, whatever the name."""
    return (
        Patience(f"name\0{name}\0{address}", 3, timedelta(minutes=15)),
        Patience(f"address\0{address}", 20, timedelta(minutes=1)),
    )


def wait(connection: Connection, asked: Sequence[Patience], *, now: datetime) -> timedelta:
    """How long it still takes until another try is heard; zero when it is now."""
    left = timedelta()
    for each in asked:
        row = connection.execute(
            sa.select(attempts.c.failures, attempts.c.last_at).where(
                attempts.c.digest == each.digest
            )
        ).first()
        if row is not None:
            left = max(left, row.last_at + each.wait(row.failures) - now)
    return left


def failed(connection: Connection, asked: Sequence[Patience], *, now: datetime) -> None:
    """Count one more failure."""
    for each in asked:
        made = insert(connection, attempts).values(digest=each.digest, failures=1, last_at=now)
        connection.execute(
            made.on_conflict_do_update(
                index_elements=[attempts.c.digest],
                set_={"failures": attempts.c.failures + 1, "last_at": now},
            )
        )


def went_well(connection: Connection, asked: Patience) -> None:
    """Forget what failed before."""
    connection.execute(sa.delete(attempts).where(attempts.c.digest == asked.digest))
