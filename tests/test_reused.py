"""Does a database that was used before look like a new one, and is one that does not dropped?"""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest

from tests.reused import Shelf

pytestmark = pytest.mark.postgres


@pytest.fixture
def shelf(postgres_shelf: Shelf) -> Iterator[Shelf]:
    """A shelf of its own over the session's template."""
    own = Shelf(postgres_shelf.template, postgres_shelf.admin_url, prefix="reused")
    yield own
    for name in list(own.free):
        own.drop(name)


def ask(shelf: Shelf, name: str, question: str) -> Any:
    with closing(psycopg.connect(shelf.url(name), autocommit=True)) as connection:
        cursor = connection.execute(question.encode())
        return cursor.fetchall() if cursor.description else None


def test_rows_and_numbers_are_gone_and_what_migrations_wrote_stays(shelf: Shelf) -> None:
    name = shelf.take()
    before = ask(shelf, name, "SELECT name, value FROM meta ORDER BY name")
    assert before
    row = (
        "INSERT INTO outbox (message_id, stream, seq, account, type, body, created_at)"
        " VALUES ('m', 's', 1, 'shop', 't', 'b', 1) RETURNING id"
    )
    assert ask(shelf, name, row) == [(1,)]
    ask(shelf, name, "UPDATE meta SET value = 'other'")
    shelf.give_back(name)
    assert shelf.take() == name
    assert ask(shelf, name, "SELECT count(*) FROM outbox") == [(0,)]
    assert ask(shelf, name, "SELECT name, value FROM meta ORDER BY name") == before
    assert ask(shelf, name, row) == [(1,)]
    shelf.give_back(name)


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE more (id int)",
        "DROP INDEX ix_beliefs_order_no",
        "ALTER TABLE outbox ALTER COLUMN account DROP NOT NULL",
        "CREATE FUNCTION odd() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE SCHEMA other",
        "ALTER TABLE outbox DISABLE TRIGGER ALL",
    ],
)
def test_another_schema_is_never_used_again(shelf: Shelf, change: str) -> None:
    name = shelf.take()
    ask(shelf, name, change)
    shelf.give_back(name)
    assert shelf.free == []


def test_a_session_left_open_is_ended(shelf: Shelf) -> None:
    name = shelf.take()
    with closing(psycopg.connect(shelf.url(name))) as left:
        left.execute("LOCK TABLE outbox")
        shelf.give_back(name)
        with pytest.raises(psycopg.OperationalError):
            left.execute("SELECT 1")
    assert shelf.free == [name]
