"""Does the doctor find what is wrong with a house, and nothing in a sound one?"""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from service.core.instant import to_micros
from service.ledger import sinks, slots
from service.ledger.engine import Ledger, open_ledger
from service.ledger.schema import dispatches
from service.ledger.slots import Replica
from tests.cli.conftest import Call
from tests.cli.storied import rows
from tests.conftest import VAULT


def test_the_doctor_finds_a_sound_house(
    call: Call, folder: Path, database: str, dialect: str
) -> None:
    with closing(open_ledger(database, VAULT)) as ledger, ledger.begin() as connection:
        sinks.register(connection, "books", past=False, since=None, now=ledger.now())
    (folder / "c.toml").write_text('[accounts.main]\npublic_keys = ["pingpp.pem"]\n')
    ended = call("doctor", "--config", "c.toml", "--json")
    found = {row["subject"]: row for row in rows(ended.out)}
    assert found["accounts.main"]["level"] == "good"
    assert len(found["accounts.main"]["fingerprints"][0]) == 64
    assert found["ledger.tables"]["level"] == found["inbox"]["level"] == "good"
    assert found["sinks.books"]["text"] == "0 messages wait, the oldest 0 s"
    assert {row["level"] for name, row in found.items() if name != "ledger.postgresql"} == {
        "good", "note",
    }  # fmt: skip
    assert found["replicas"]["text"] == "no process runs on this ledger"
    # the tests' own PostgreSQL runs without fsync, and that is what a doctor must see
    assert ended.code == (0 if dialect == "sqlite" else 1)
    assert ("may be lost" in ended.out) is (dialect == "postgres")


def test_the_doctor_goes_on_after_each_finding(
    call: Call, story: Ledger, folder: Path, database: str
) -> None:
    with closing(open_ledger(database, VAULT)) as ledger, ledger.begin() as connection:
        moment = ledger.now()
        connection.execute(sa.update(dispatches).values(state="dead"))
        connection.execute(
            sa.text("UPDATE deliveries SET state = 'waiting', received_at = :at WHERE id = 1"),
            {"at": to_micros(datetime(2026, 1, 1, tzinfo=UTC))},
        )
        slots.claim_slot(
            connection, "reconcile", moment, holder="x", lease=timedelta(1), now=moment
        )
        slots.finish_slot(connection, "reconcile", moment, holder="x", outcome="failed", now=moment)
        slots.heartbeat(
            connection, Replica("gone", "up", "http://127.0.0.1:1", "t", moment, moment)
        )
        slots.heartbeat(connection, Replica("mute", "work", None, "t", moment, moment))
    (folder / "c.toml").write_text(
        '[accounts.main]\npublic_keys = ["own.pem"]\napi_key = "k"\n'
        'api_base = "http://127.0.0.1:1"\n'
    )
    ended = call("doctor", "--config", "c.toml")
    assert ended.code == 1
    bad = [line.split()[1].rstrip(":") for line in ended.out.splitlines() if line[:3] == "BAD"]
    assert {
        "keys", "accounts.main", "inbox", "quarantine", "sinks.books", "jobs.reconcile",
        "replicas.gone",
    } <= set(bad)  # fmt: skip
    assert "it is a private key" in ended.out
    assert "work runs, without an address" in ended.out
    assert "does not answer our question" in ended.out


def test_the_doctor_sees_secrets_that_others_may_read(call: Call, folder: Path) -> None:  # C12
    (folder / "key").write_text("sk_live_secret")
    (folder / "key").chmod(0o644)
    (folder / "own.pem").chmod(0o600)
    (folder / "c.toml").write_text(
        '[accounts.main]\npublic_keys = ["pingpp.pem"]\napi_key_file = "key"\n'
        'private_key = "own.pem"\napi_base = "http://127.0.0.1:1"\n'
    )
    said = call("doctor", "--config", "c.toml").out
    assert "note  accounts.main.api_key_file: others may read" in said
    assert "accounts.main.private_key" not in said
    assert "sk_live_secret" not in said


def test_the_doctor_speaks_when_there_is_no_ledger(call: Call) -> None:
    ended = call("doctor")
    assert ended.code == 1
    assert "run `pingledger migrate`" in ended.out


def test_nobody_lives_where_nobody_listens(call: Call, port: int) -> None:
    assert call("doctor", "--live", PINGLEDGER_LISTEN__PORT=str(port)).code == 1
