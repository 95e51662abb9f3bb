"""Migrations make exactly the schema, many may start them at once, and old programs are refused."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from service.core.errors import Misconfigured
from service.core.instant import to_micros
from service.ledger.engine import Ledger, open_ledger
from service.ledger.migrations import check, head, migrate, read_epoch, revision
from service.ledger.schema import beliefs, metadata
from tests.books import belief, put

AT_ONCE = 5
MIGRATE = """
import sys
from service.ledger.engine import open_ledger
from service.ledger.migrations import migrate
sys.stdin.read(1)
print(migrate(open_ledger(sys.argv[1])))
"""
SQLITE_CATALOGUE = "SELECT type || ' ' || name, sql FROM sqlite_master WHERE sql <> ''"
POSTGRES_CATALOGUE = """
SELECT 'column', table_name || '.' || column_name || ' ' || data_type || ' '
  || coalesce(character_maximum_length::text, '') || ' ' || is_nullable || ' '
  || coalesce(column_default, '') || ' ' || is_identity
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT 'constraint', conrelid::regclass || ' ' || conname || ' '
  || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'index', indexdef FROM pg_indexes WHERE schemaname = 'public'
"""


@pytest.fixture
def blank(blank_database: Callable[[], str]) -> Iterator[Ledger]:
    with closing(open_ledger(blank_database())) as opened:
        yield opened


def set_revision(ledger: Ledger, word: str) -> None:
    with ledger.begin() as connection:
        connection.execute(sa.text(f"UPDATE alembic_version SET version_num = '{word}'"))


def make_tables_and_die(ledger: Ledger) -> None:
    with ledger.begin() as connection:
        metadata.create_all(connection)
        raise RuntimeError("killed half-way")


def described(ledger: Ledger) -> set[str]:
    """Everything the database says of its tables, but for alembic's own."""
    question = SQLITE_CATALOGUE if ledger.dialect == "sqlite" else POSTGRES_CATALOGUE
    with ledger.read() as connection:
        rows = [f"{name} {text}" for name, text in connection.execute(sa.text(question))]
    return {in_any_order(row) for row in rows if "alembic_version" not in row}


def in_any_order(statement: str) -> str:
    """What a CREATE TABLE lists, sorted: alembic orders constraints otherwise, and adds columns."""
    head, _, listed = statement.partition("(")
    parts, depth = [""], 0
    for letter in listed.strip().removesuffix(")"):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    # a table that was rebuilt has quotes around its name
    return " ".join(
        [head.replace('"', "").strip(), *sorted(" ".join(part.split()) for part in parts)]
    )


def test_migrations_make_what_the_schema_says(ledger: Ledger, blank: Ledger) -> None:
    with blank.begin() as connection:
        metadata.create_all(connection)
    assert described(ledger) == described(blank)


def test_what_was_heard_is_filled_from_what_is_believed(ledger: Ledger, now: datetime) -> None:
    words = {
        "r1": {"created": [5, 9, 0], "paid": [7, 9, 8]},
        "r2": {"created": [5, 5, 6], "paid": [7, 9, 8]},
        "r3": {"created": [5, 9, 0]},
    }
    rows = [
        belief("order", name, "paid", state=json.dumps({"words": each, "facts": {}}))
        for name, each in words.items()
    ]
    (step,) = [one for one in scripts().walk_revisions() if one.revision == "0007"]
    with ledger.begin() as connection:
        put(connection, rows)
        connection.execute(sa.text(step.module._FILL[ledger.dialect]))
        found = connection.execute(sa.select(beliefs.c.object_id, beliefs.c.heard_at))
        heard = {name: at and to_micros(at) for name, at in found}
    assert heard == {"r1": 8, "r2": 6, "r3": None}


def scripts() -> ScriptDirectory:
    return ScriptDirectory(str(Path(__file__).parents[2] / "migrations"))


def test_alembic_finds_nothing_to_add(ledger: Ledger) -> None:
    with ledger.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_five_processes_migrate_at_once(blank: Ledger) -> None:
    url = blank.writer.url.set(drivername=blank.dialect).render_as_string(hide_password=False)
    started = [
        subprocess.Popen(
            [sys.executable, "-c", MIGRATE, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(AT_ONCE)
    ]
    said = [process.communicate("!", timeout=60) for process in started]
    assert said == [(f"{head()}\n", "")] * AT_ONCE
    with blank.read() as connection:
        assert len(read_epoch(connection)) == 32
    check(blank)


def test_migrating_again_changes_nothing(ledger: Ledger) -> None:
    with ledger.read() as connection:
        before = read_epoch(connection)
    assert migrate(ledger) == head()
    with ledger.read() as connection:
        assert read_epoch(connection) == before
        assert revision(connection) == head()


def test_a_database_without_tables_is_refused(blank: Ledger) -> None:
    with pytest.raises(Misconfigured, match="pingledger migrate"):
        check(blank)


def test_a_step_that_was_cut_off_is_done_again(blank: Ledger) -> None:
    with pytest.raises(RuntimeError, match="killed"):
        make_tables_and_die(blank)
    assert migrate(blank) == head()
    check(blank)


@pytest.mark.parametrize("act", [check, migrate])
def test_a_newer_database_is_refused(ledger: Ledger, act: Callable[[Ledger], object]) -> None:
    set_revision(ledger, "9999")
    with pytest.raises(Misconfigured, match="9999 is unknown"):
        act(ledger)
