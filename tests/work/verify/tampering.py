"""Whoever may do anything to the database changes it behind our back, and what verify says then."""

import sqlalchemy as sa

from service.ledger.engine import Ledger
from service.ledger.kept_bytes import Range
from service.ledger.schema import acts, audit, closings, postings
from service.pingpp.signature import KeyRing
from service.work.verify.everything import verify
from service.work.verify.found import Verified
from tests.conftest import KeyPair
from tests.days import DAWN, HOUR, deliver_paid

EVERYTHING = Range()
GUARDED = (postings, closings, audit, acts)
TRIGGERS = {
    "sqlite": ("DROP TRIGGER {0}_stay_updated", "DROP TRIGGER {0}_stay_deleted"),
    "postgresql": ("ALTER TABLE {0} DISABLE TRIGGER {0}_stay",),
}


def deliver(ledger: Ledger, pair: KeyPair, number: int, hours: int) -> None:
    """A signed event of a paid order comes in, and is read."""
    at = DAWN + hours * HOUR
    deliver_paid(ledger, pair, number, at, at + HOUR / 2)


def verified(ledger: Ledger, rings: dict[str, KeyRing], which: Range = EVERYTHING) -> Verified:
    *_, last = verify(ledger, rings, zone="Asia/Shanghai", which=which)
    return last


def faults(ledger: Ledger, rings: dict[str, KeyRing]) -> list[tuple[str, str, str]]:
    seen = verified(ledger, rings)
    assert seen.wrong == len([one for one in seen.named if one.known])
    return [(one.what, one.name, one.problem) for one in seen.named]


def tamper(ledger: Ledger, table: sa.Table, *statements: sa.Executable) -> None:
    """As somebody who may do anything to the database, and takes the triggers away first."""
    with ledger.begin() as connection:
        if table in GUARDED:
            for text in TRIGGERS[ledger.dialect]:
                connection.execute(sa.text(text.format(table.name)))
        for statement in statements:
            connection.execute(statement)
