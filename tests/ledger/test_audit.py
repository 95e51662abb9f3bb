"""Every line of the audit holds the hash of the one before, so that none can be changed unseen."""

from datetime import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

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


def tamper(ledger: Ledger, *statements: sa.Executable) -> None:
    """As somebody who may do anything to the database, and takes the triggers away first."""
    without = {
        "sqlite": ("DROP TRIGGER audit_stay_updated", "DROP TRIGGER audit_stay_deleted"),
        "postgresql": ("ALTER TABLE audit DISABLE TRIGGER audit_stay",),
    }
    with ledger.begin() as connection:
        for text in without[ledger.dialect]:
            connection.execute(sa.text(text))
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize(
    "statement", [sa.update(lines).values(why="other"), sa.delete(lines).where(lines.c.id == 4)]
)
def test_no_line_is_changed_or_removed(
    ledger: Ledger, now: datetime, statement: sa.Executable
) -> None:
    write(ledger, now)
    with pytest.raises(DBAPIError, match="never changed"), ledger.begin() as connection:
        connection.execute(statement)
    assert list(audit.broken(ledger)) == []


@pytest.mark.parametrize("column", ["who", "what", "why", "hash"])
def test_a_line_that_was_changed_is_found(ledger: Ledger, now: datetime, column: str) -> None:
    write(ledger, now)
    tamper(ledger, sa.update(lines).where(lines.c.id == 2).values({column: "other"}))
    assert 2 in list(audit.broken(ledger))


@pytest.mark.parametrize(("first", "last", "found"), [(2, 2, 3), (1, 1, 2), (3, 4, 3), (1, 4, 1)])
def test_lines_that_were_taken_out_are_found(
    ledger: Ledger, now: datetime, first: int, last: int, found: int
) -> None:
    write(ledger, now)
    tamper(ledger, sa.delete(lines).where(lines.c.id.between(first, last)))
    assert list(audit.broken(ledger)) == [found]


def test_a_line_after_a_cut_does_not_hide_it(ledger: Ledger, now: datetime) -> None:
    write(ledger, now)
    tamper(ledger, sa.delete(lines).where(lines.c.id == 4))
    write(ledger, now)
    assert len(list(audit.broken(ledger))) == 1
