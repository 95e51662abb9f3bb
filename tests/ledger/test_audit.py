"""Every line of the audit holds the hash of the one before, so that none can be changed unseen."""

from datetime import datetime

import pytest
import sqlalchemy as sa

from service.ledger import audit
from service.ledger.engine import Ledger
from service.ledger.schema import audit as lines


def write(ledger: Ledger, now: datetime) -> list[str]:
    return [
        audit.note(ledger, who="anna", what=f"delivery {n}", why="ticket 4711", now=now)
        for n in range(4)
    ]


def test_the_chain_holds(ledger: Ledger, now: datetime) -> None:
    assert len(set(write(ledger, now))) == 4
    assert list(audit.broken(ledger)) == []


@pytest.mark.parametrize("column", ["who", "what", "why", "hash"])
def test_a_line_that_was_changed_is_found(ledger: Ledger, now: datetime, column: str) -> None:
    write(ledger, now)
    with ledger.begin() as connection:
        connection.execute(sa.update(lines).where(lines.c.id == 2).values({column: "other"}))
    assert 2 in list(audit.broken(ledger))


def test_a_line_that_was_taken_out_is_found(ledger: Ledger, now: datetime) -> None:
    write(ledger, now)
    with ledger.begin() as connection:
        connection.execute(sa.delete(lines).where(lines.c.id == 2))
    assert list(audit.broken(ledger)) == [3]
