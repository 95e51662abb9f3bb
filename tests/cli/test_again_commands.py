"""Is what gave up read or sent again, and only on purpose?"""

from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.ledger.engine import Ledger, open_ledger
from service.ledger.schema import dispatches, dropped
from service.work.drain import drain
from service.work.terms import Terms
from tests.cli.conftest import Call
from tests.cli.storied import arrival, insert, rows
from tests.conftest import VAULT


def test_quarantined_deliveries_are_read_again(call: Call, story: Ledger) -> None:
    assert "1 deliveries would be read again" in call("requeue", "2", "--dry-run").err
    assert rows(call("deliveries", "--json", "--state", "waiting").out) == []
    ended = call("requeue", "2")
    assert (ended.code, ended.err) == (0, "1 deliveries wait to be read again\n")
    assert len(rows(call("deliveries", "--json", "--state", "waiting").out)) == 1
    assert call("requeue", "2").code == 1
    assert call("requeue", "1", "--state", "applied").code == 0


@pytest.mark.parametrize(
    ("since", "until", "sentence"),
    [
        ("yesterday", "", "should be a time with its zone"),
        ("2026-11-23", "", "should be a time with its zone"),
        ("2026-11-23T12:00:00", "", "should be a time with its zone"),
        ("2999-01-01T00:00:00+08:00", "", "lies in the future"),
        ("2020-01-02T00:00:00Z", "2020-01-01T00:00:00Z", "should be before"),
    ],
)
def test_a_range_that_makes_no_sense_is_refused(  # C15
    call: Call, database: str, since: str, until: str, sentence: str
) -> None:
    for command in (["requeue"], ["dead-letters", "replay"], ["publish", "--again"]):
        ended = call(*command, "--since", since, *(("--until", until) if until else ()))
        assert ended.code == 64
        assert sentence in ended.err


def test_many_rows_are_only_touched_on_purpose(  # C15
    call: Call, story: Ledger, now: datetime, database: str
) -> None:
    with closing(open_ledger(database, VAULT)) as ledger:
        many = [arrival(f"evt_x{n}", b"{", now) for n in range(1_001)]
        insert(ledger, many)
        drain(ledger, terms=Terms(epoch="e"), clock=lambda: now)
    ended = call("requeue", "--since", "2020-01-01T00:00:00Z")
    assert ended.code == 64
    assert "1,002 deliveries would be read again: say --yes" in ended.err
    assert rows(call("deliveries", "--json", "--state", "waiting").out) == []
    assert call("requeue", "--since", "2020-01-01T00:00:00Z", "--yes").code == 0


def test_dead_letters_are_sent_again(call: Call, story: Ledger, database: str) -> None:
    assert call("dead-letters", "replay", "--sink", "books", "--config", "c.toml").code == 1
    with closing(open_ledger(database, VAULT)) as ledger, ledger.begin() as connection:
        connection.execute(sa.update(dispatches).values(state="dead"))
    assert (
        "known are: books"
        in call("dead-letters", "replay", "--sink", "nope", "--config", "c.toml").err
    )
    dry = call("dead-letters", "replay", "--sink", "books", "--dry-run", "--config", "c.toml")
    assert (dry.code, dry.out) == (0, "")
    count = int(dry.err.split()[0])
    assert count > 1
    ended = call("dead-letters", "replay", "--sink", "books", "--config", "c.toml")
    assert ended.err == f"{count} messages wait to be sent again\n"


def test_a_dead_letter_is_dropped_for_a_reason_that_is_kept(
    call: Call, story: Ledger, database: str
) -> None:
    with closing(open_ledger(database, VAULT)) as ledger, ledger.begin() as connection:
        connection.execute(sa.update(dispatches).values(state="dead", last_error="status 400"))
    listed = rows(call("dead-letters", "list", "--json", "--config", "c.toml").out)
    assert {(one["sink"], one["last_error"]) for one in listed} == {("books", "status 400")}
    drop = ("dead-letters", "drop", "--sink", "books", "--config", "c.toml")
    ended = call(*drop, "--reason", "agreed with them", "--yes")
    assert ended.err == f"{len(listed)} dead letters were dropped\n"
    assert call(*drop, "--reason", "agreed with them", "--yes").code == 1
    with closing(open_ledger(database, VAULT)) as ledger, ledger.read() as connection:
        kept = connection.execute(sa.select(dropped.c.sink, dropped.c.reason)).all()
    assert kept == [("books", "agreed with them")] * len(listed)


def test_a_sink_is_paused_shown_and_resumed(call: Call, story: Ledger, database: str) -> None:
    config = ("--config", "c.toml")
    assert call("sinks", "pause", "nope", *config).code == 64
    assert call("sinks", "resume", "books", *config).code == 1
    assert call("sinks", "pause", "books", "--reason", "they move", *config).code == 0
    assert call("sinks", "pause", "books", *config).code == 1
    (shown,) = rows(call("sinks", "--json", *config).out)
    assert (shown["name"], shown["state"], shown["paused_for"]) == ("books", "paused", "they move")
    assert shown["waiting"] > 0
    assert call("publish", *config).err == "0 sent, 0 later, 0 given up\n"
    assert call("sinks", "resume", "books", *config).code == 0
    count = shown["waiting"]
    assert call("publish", *config).err == f"{count} sent, 0 later, 0 given up\n"
    again = call("publish", "--again", "--sink", "books", *config)
    assert again.err.splitlines() == [
        f"{count} messages wait to be sent again", f"{count} sent, 0 later, 0 given up",
    ]  # fmt: skip


def test_why_messages_wait_is_shown_as_long_as_they_do(
    call: Call, story: Ledger, database: str
) -> None:
    config = ("--config", "c.toml")
    with closing(open_ledger(database, VAULT)) as ledger, ledger.begin() as connection:
        first = connection.scalar(sa.select(sa.func.min(dispatches.c.outbox_id)))
        later = ledger.now() + timedelta(hours=1)
        failed = dispatches.c.outbox_id == first
        put_off = sa.update(dispatches).where(failed)
        connection.execute(put_off.values(last_error="away: connect", next_try_at=later))
    (shown,) = rows(call("sinks", "--json", *config).out)
    assert shown["last_error"] == "away: connect"
    assert "away: connect" in call("sinks", *config).out
    assert call("dead-letters", "list", "--json", *config).out == ""
    with closing(open_ledger(database, VAULT)) as ledger, ledger.begin() as connection:
        connection.execute(sa.update(dispatches).where(failed).values(next_try_at=ledger.now()))
    assert call("publish", *config).code == 0
    (shown,) = rows(call("sinks", "--json", *config).out)
    assert (shown["waiting"], shown["last_error"]) == (0, None)


def test_what_a_sink_lost_between_two_times_is_sent_again_unchanged(
    call: Call, story: Ledger, folder: Path, now: datetime
) -> None:
    config = ("--sink", "books", "--config", "c.toml")
    assert call("publish", *config).code == 0
    file = folder / "books.jsonl"
    told = rows(file.read_text())
    file.unlink()
    since, until = (f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (now, now + timedelta(seconds=1)))
    dry = call("publish", "--again", "--since", since, "--until", until, "--dry-run", *config)
    wanted = [one for one in told if since <= one["time"] < until]
    assert 0 < len(wanted) < len(told)
    assert int(dry.err.split()[0]) == len(wanted)
    assert not file.exists()
    assert call("publish", "--again", "--since", since, "--until", until, *config).code == 0
    assert sorted(rows(file.read_text()), key=str) == sorted(wanted, key=str)
