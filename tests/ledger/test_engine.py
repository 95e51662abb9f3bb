"""What a transaction on the ledger promises, on both databases."""

from collections.abc import Callable

import sqlalchemy as sa

from service.ledger.engine import Ledger
from service.ledger.schema import meta


def test_what_was_written_is_read_back(ledger: Ledger) -> None:
    with ledger.begin() as connection:
        connection.execute(sa.insert(meta).values(name="answer", value="42"))
    with ledger.read() as connection:
        assert connection.scalar(sa.select(meta.c.value).where(meta.c.name == "answer")) == "42"


def test_every_database_of_the_factory_is_empty(fresh_database: Callable[[], str]) -> None:
    assert fresh_database() != fresh_database()
