"""What a transaction on the ledger promises, on both databases."""

from collections.abc import Callable
from contextlib import closing

import sqlalchemy as sa

from service.ledger.engine import Ledger, open_ledger
from service.ledger.migrations import is_empty, migrate
from service.ledger.schema import meta
from service.ledger.snapshots import patient


def test_what_was_written_is_read_back(ledger: Ledger) -> None:
    with ledger.begin() as connection:
        connection.execute(sa.insert(meta).values(name="answer", value="42"))
    with ledger.read() as connection:
        assert connection.scalar(sa.select(meta.c.value).where(meta.c.name == "answer")) == "42"


def test_every_database_of_the_factory_is_empty(fresh_database: Callable[[], str]) -> None:
    assert fresh_database() != fresh_database()


def test_a_process_that_made_its_ledger_reads_much_of_it_as_any_other(
    blank_database: Callable[[], str],
) -> None:
    """Whoever looks for tables that are not there leaves SQLite something kept aside."""
    with closing(open_ledger(blank_database())) as made:
        assert is_empty(made)
        migrate(made)
        for _ in range(2):
            with patient(made) as connection:
                names = connection.scalars(sa.select(meta.c.name).order_by(meta.c.name)).all()
            assert "epoch" in names
