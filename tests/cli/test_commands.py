"""What commands print and how they end: their codes, their sentences, their rows."""

import json
import signal
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.cli.output import Format, cell, show
from service.core.instant import to_micros
from service.core.observation import Key, Observation, Source
from service.ledger import asking, slots
from service.ledger.engine import Ledger, open_ledger
from service.ledger.intake import Arrival, Intake, seal
from service.ledger.schema import deliveries, dispatches, dropped, looks
from service.ledger.slots import Replica
from service.work.apply import apply
from service.work.drain import drain
from service.work.terms import Terms
from tests.cli.conftest import Call
from tests.conftest import VAULT

ORDER = "2001708220000221911"
BODY = {
    "id": "evt_400240816160755820469807",
    "object": "event",
    "type": "charge.succeeded",
    "created": 1_700_000_000,
    "livemode": True,
    "pending_webhooks": 0,
    "data": {
        "object": {
            "id": "ch_1",
            "object": "charge",
            "created": 1_700_000_000,
            "livemode": True,
            "paid": True,
            "refunded": False,
            "app": "app_1",
            "channel": "wx",
            "order_no": "n1",
            "amount": 100,
            "amount_settle": 100,
            "currency": "cny",
            "time_paid": 1_700_000_001,
            "amount_refunded": 0,
        }
    },
}


@pytest.fixture
def database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A migrated, empty ledger that every command finds through the environment."""
    monkeypatch.setenv("PINGLEDGER_DATABASE__URL", database_url)
    return database_url


@pytest.fixture
def story(folder: Path, database: str, now: datetime) -> Ledger:
    """A ledger with a charge from a delivery, an order from a poll, a quarantined delivery."""
    ledger = open_ledger(database, VAULT)
    terms = Terms(sinks=("books",), epoch="e", grace_seconds=0)
    arrived = [
        _arrival("evt_1", json.dumps(BODY).encode(), now),
        _arrival("evt_2", b'{"id":"evt_2"}', now),
    ]
    _insert(ledger, arrived)
    drain(ledger, terms=terms, clock=lambda: now)
    order = Observation(
        key=Key("main", "order", ORDER),
        source=Source.POLL,
        seen_at=now,
        status="paid",
        facts={"amount": 100, "currency": "cny", "order_no": "n1"},
        totals={"amount_paid": 170, "amount_refunded": 0},
    )
    apply(ledger, [order], terms=terms, now=now + timedelta(seconds=1))
    with ledger.begin() as connection:
        connection.execute(
            sa.insert(looks).values(
                account="main", kind="order", object_id=ORDER, started_at=now, answer="ok"
            )
        )
    ledger.close()
    (folder / "c.toml").write_text('[sinks.books]\ntype = "jsonl"\npath = "books.jsonl"\n')
    return ledger


def _arrival(event: str, body: bytes, now: datetime) -> Arrival:
    return Arrival("main", event, "0" * 64, body, "c2ln", "f" * 64, now, "charge.succeeded")


def _insert(ledger: Ledger, arrived: list[Arrival]) -> None:
    with closing(Intake(ledger)) as intake:
        intake.insert([seal(ledger.vault, one) for one in arrived])


def rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_the_version_is_said(call: Call) -> None:
    assert call("--version").out.startswith("pingledger 0.")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--nope",),
        ("nope",),
        ("explain",),
        ("explain", "order", "../etc/passwd"),
        ("explain", "order", "x" * 10_000),
        ("explain", "order", "1' OR '1'='1"),
        ("explain", "order", "订单"),
        ("explain", "nothing", "1"),
        ("objects", "--kind", "nothing"),
        ("objects", "--limit", "0"),
        ("objects", "--format", "xml"),
        ("requeue", "x"),
        ("requeue", "--state", "waiting", "1"),
        ("requeue",),
        ("dead-letters", "replay"),
        ("dead-letters", "drop", "--sink", "books"),
        ("dead-letters", "drop", "--sink", "books", "--reason", "x"),
        ("publish", "--since", "2026-01-01T00:00:00Z"),
        ("publish", "--again"),
        ("poll", "order"),
        ("work", "--listen", "8080"),
        ("work", "--listen", "host:８０"),
    ],
)
def test_what_makes_no_sense_is_64_in_one_line(call: Call, arguments: tuple[str, ...]) -> None:
    ended = call(*arguments)
    assert (ended.code, ended.out) == (64, "")
    assert ended.err.startswith("pingledger: ")
    assert ended.err.count("\n") == 1
    assert len(ended.err) < 1_100


@pytest.mark.parametrize("command", ["objects", "up", "doctor", "migrate", "rebuild"])
def test_a_mistake_in_the_settings_is_78_before_or_behind_the_command(
    call: Call, folder: Path, command: str
) -> None:
    (folder / "bad.toml").write_text("[acounts.main]\napi_key = 'sk_live_secret'\n")
    for arguments in ((command, "--config", "bad.toml"), ("--config", "bad.toml", command)):
        ended = call(*arguments)
        assert (ended.code, ended.out) == (78, "")
        assert ended.err.startswith("pingledger: acounts: is not a known key: did you mean")
        assert ended.err.count("\n") == 1
        assert "secret" not in ended.err


def test_the_file_is_found_through_the_environment(call: Call, folder: Path) -> None:
    (folder / "bad.toml").write_text("nope = 1")
    assert call("objects", PINGLEDGER_CONFIG="bad.toml").code == 78


def test_a_ledger_without_tables_is_not_worked_on(call: Call) -> None:
    ended = call("objects")
    assert ended.code == 78
    assert "run `pingledger migrate`" in ended.err
    assert call("migrate").code == 0
    assert call("migrate").code == 0
    assert call("objects").code == 0


def test_what_we_write_is_for_our_user_only(call: Call, folder: Path) -> None:  # C24
    call("migrate")
    assert (folder / "pingledger.db").stat().st_mode & 0o777 == 0o600


def test_a_fault_of_ours_is_told_without_what_it_quotes(
    call: Call, story: Ledger, database: str
) -> None:
    with closing(open_ledger(database, VAULT)) as ledger, ledger.begin() as connection:
        connection.execute(sa.text("UPDATE observations SET body = 'secret1'"))
    ended = call("explain", "order", ORDER)
    assert ended.code == 70
    assert "this should not have happened: JSONDecodeError" in ended.err
    assert "secret1" not in ended.err
    assert ended.err.count("\n") == 1


def test_a_database_that_is_away_is_75(call: Call) -> None:
    ended = call("objects", PINGLEDGER_DATABASE__URL="postgresql://u:secret@127.0.0.1:1/x")
    assert ended.code == 75
    assert "not available" in ended.err
    assert "secret" not in ended.err


def test_objects_are_rows_for_programs(call: Call, story: Ledger) -> None:
    ended = call("objects", "--format", "jsonl")
    assert (ended.code, ended.err) == (0, "")
    charge, order = rows(ended.out)
    assert charge["kind"] == "charge"
    wanted: Mapping[str, Any] = {
        "kind": "order",
        "id": ORDER,
        "account": "main",
        "status": "paid",
        "amount": 100,
        "amount_paid": 170,
        "amount_refunded": 0,
        "found_by": "asked",
    }
    assert charge["found_by"] == "notified"
    assert {name: order[name] for name in wanted} == wanted
    assert isinstance(order["final"], bool)
    assert call("objects", "--json").out == ended.out


def test_objects_are_a_table_for_people(call: Call, story: Ledger) -> None:
    lines = call("objects").out.splitlines()
    assert lines[0].split()[:4] == ["KIND", "ID", "ACCOUNT", "STATUS"]
    assert len(lines) == 3
    assert "\x1b" not in "".join(lines)


def test_objects_can_be_chosen(call: Call, story: Ledger) -> None:
    for chosen, kinds in (
        (("--kind", "order"), ["order"]),
        (("--status", "paid"), ["charge", "order"]),
        (("--account", "other"), []),
        (("--found-by", "notified"), ["charge"]),
        (("--found-by", "asked"), ["order"]),
        (("--limit", "1"), ["charge"]),
    ):
        found = rows(call("objects", "--json", *chosen).out)
        assert [row["kind"] for row in found] == kinds
    finals = rows(call("objects", "--json", "--final").out)
    assert all(row["final"] for row in finals)


def test_deliveries_are_shown_newest_first(call: Call, story: Ledger) -> None:
    second, first = rows(call("deliveries", "--json").out)
    assert (first["event"], first["state"], first["repeats"]) == ("evt_1", "applied", 0)
    assert (second["event"], second["state"]) == ("evt_2", "quarantined")
    assert "body" not in first
    chosen = rows(call("deliveries", "--json", "--state", "quarantined").out)
    assert [row["event"] for row in chosen] == ["evt_2"]


def test_mismatches_are_shown_until_they_settle(call: Call, story: Ledger) -> None:
    found = rows(call("mismatches", "--json").out)
    assert [(m["rule"], m["kind"], m["id"], m["ours"]) for m in found if m["kind"] == "order"]
    assert {"state", "severity", "theirs", "found_at"} <= set(found[0])
    assert rows(call("mismatches", "--json", "--state", "settled").out) == []
    assert len(rows(call("mismatches", "--json", "--settled").out)) == len(found)


def test_many_rows_come_whole(call: Call, database: str, now: datetime) -> None:
    with closing(open_ledger(database, VAULT)) as ledger:
        seen = [
            Observation(
                key=Key("main", "charge", f"ch_{n:05}"),
                source=Source.POLL,
                seen_at=now,
                status="paid",
                facts={"amount": 1, "currency": "cny"},
            )
            for n in range(2_500)
        ]
        apply(ledger, seen, terms=Terms(epoch="e"), now=now)
    found = rows(call("objects", "--json").out)
    assert [row["id"] for row in found] == [one.key.object_id for one in seen]
    assert len(call("objects").out.splitlines()) == 101
    assert len(rows(call("objects", "--json", "--limit", "1500").out)) == 1500


def test_the_story_of_an_object_is_told_in_order(call: Call, story: Ledger) -> None:
    ended = call("explain", "charge", "ch_1")
    assert ended.code == 0
    told = [line.split("  ")[1].strip() for line in ended.out.splitlines()[1:]]
    assert told[:3] == ["delivery", "observation", "change"]
    assert "message" in told
    assert "evt_1" in ended.out
    assert "webhook of delivery #1 shows paid" in ended.out
    assert "to books: waiting" in ended.out


def test_a_user_is_meant_by_its_own_id_while_one_app_has_it(
    call: Call, database: str, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PINGLEDGER_ACCOUNTS__MAIN__API_KEY", "sk_live_1")
    with closing(open_ledger(database, VAULT)) as ledger:
        for app in ("app_1", "app_2"):
            key = Key("main", "user", f"{app}-cus_003")
            seen = Observation(key=key, source=Source.POLL, seen_at=now, status="known")
            apply(ledger, [seen], terms=Terms(), now=now)
            if app == "app_1":
                assert call("explain", "user", "cus_003").out.startswith("user app_1-cus_003")
    many = call("explain", "user", "cus_003")
    assert many.code == 64
    assert "several apps have it: say APP-ID: app_1-cus_003, app_2-cus_003" in many.err
    assert call("explain", "user", "app_2-cus_003").out.startswith("user app_2-cus_003")
    for command in ("poll", "journal"):
        ended = call(command, "user", "cus_003")
        assert (ended.code, "several apps have it" in ended.err) == (64, True)


def test_the_story_is_there_for_programs_too(call: Call, story: Ledger) -> None:
    found = rows(call("explain", "order", ORDER, "--json").out)
    whats = [row["what"] for row in found]
    assert whats[0] == "look"
    assert {"observation", "change", "suspected", "opened", "message"} <= set(whats)
    times = [row["at"] for row in found if row["what"] != "watch"]
    assert times == sorted(times)
    (change,) = [row for row in found if row["what"] == "change"]
    assert change["before"] is None
    assert change["after"]["status"] == "paid"


def test_evidence_is_part_of_the_story(
    call: Call, story: Ledger, now: datetime, database: str
) -> None:
    evidence = _arrival(f"evt_1#{'a' * 64}", b"{}", now)._asdict()
    with closing(open_ledger(database, VAULT)) as ledger, ledger.begin() as connection:
        connection.execute(
            sa.insert(deliveries).values(**evidence, verdict="evidence", state="kept")
        )
    assert "says something else" in call("explain", "charge", "ch_1").out


def test_what_nobody_knows_cannot_be_explained(call: Call, story: Ledger) -> None:
    ended = call("explain", "order", "1")
    assert (ended.code, ended.out) == (1, "")
    assert "nothing is known of order 1" in ended.err


def test_an_id_of_two_accounts_needs_an_account(
    call: Call, story: Ledger, now: datetime, database: str
) -> None:
    with closing(open_ledger(database, VAULT)) as ledger, ledger.begin() as connection:
        asking.ask_by(connection, [Key("other", "order", ORDER)], at=now)
    assert "main, other" in call("explain", "order", ORDER).err
    assert call("explain", "order", ORDER, "--account", "main").code == 0
    assert "is asked next" in call("explain", "order", ORDER, "--account", "other").out


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
        many = [_arrival(f"evt_x{n}", b"{", now) for n in range(1_001)]
        _insert(ledger, many)
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


def test_a_ledger_that_adds_up_is_rebuilt_in_silence(call: Call, story: Ledger) -> None:
    ended = call("rebuild")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err == "2 objects of 2 sightings, 0 differ from what is believed\n"


def test_a_belief_that_was_tampered_with_is_found(call: Call, story: Ledger, database: str) -> None:
    with closing(open_ledger(database, VAULT)) as ledger, ledger.begin() as connection:
        connection.execute(sa.text("UPDATE beliefs SET amount_paid = 99 WHERE kind = 'order'"))
    ended = call("rebuild", "--json")
    assert ended.code == 1
    assert rows(ended.out) == [{"account": "main", "kind": "order", "object_id": ORDER}]


def test_reconcile_says_what_does_not_agree(call: Call, story: Ledger) -> None:
    ended = call("reconcile", "--json")
    assert ended.code == 1
    assert sum(rows(ended.out)[0].values()) > 0
    assert "2 objects" in ended.err


def test_a_dry_run_shows_what_a_changed_rule_would_do(
    call: Call, story: Ledger, folder: Path
) -> None:
    before = call("mismatches", "--json").out
    (folder / "now.toml").write_text("[reconcile]\ngrace_seconds = 0\n")
    (folder / "new.toml").write_text(
        "[reconcile.rules]\ncharge_refund_unseen.enabled = true\n"
        + "".join(f"{one['rule']}.enabled = false\n" for one in rows(before))
    )
    call("--config", "now.toml", "reconcile")
    standing = call("mismatches", "--json").out
    ended = call("--config", "new.toml", "reconcile", "--dry-run", "--json")
    live = [one for one in rows(standing) if one["state"] != "settled"]
    assert live
    assert sum(one["would_settle"] for one in rows(ended.out)) == len(live)
    assert "nothing was written" in ended.err
    assert ended.code == 1
    assert call("mismatches", "--json").out == standing
    assert call("--config", "now.toml", "reconcile", "--dry-run").code == 0


def test_nothing_is_asked_without_a_key(call: Call, database: str) -> None:
    assert call("poll").code == 78


def test_the_doctor_finds_a_sound_house(
    call: Call, folder: Path, database: str, dialect: str
) -> None:
    (folder / "c.toml").write_text('[accounts.main]\npublic_keys = ["pingpp.pem"]\n')
    ended = call("doctor", "--config", "c.toml", "--json")
    found = {row["subject"]: row for row in rows(ended.out)}
    assert found["accounts.main"]["level"] == "good"
    assert len(found["accounts.main"]["fingerprints"][0]) == 64
    assert found["ledger.tables"]["level"] == found["inbox"]["level"] == "good"
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


def test_cells_hold_nothing_that_a_terminal_acts_upon() -> None:
    assert cell("\x1b[31m\u202e") == "\\u001b[31m\\u202e"
    assert cell("x" * 100) == "x" * 48 + "…"
    assert [cell(None), cell(True), cell(""), cell(0)] == ["-", "yes", "-", "0"]


def test_wide_rows_after_the_first_keep_their_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert show(({"a": n, "b": "x"} for n in range(700)), ("a", "b"), Format.TABLE) == 701
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "A    B"
    assert lines[-1] == "699  x"


def test_a_table_leaves_the_signals_of_its_process_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A broken pipe ended the process that had once shown a table, at its next cut connection."""
    before = signal.getsignal(signal.SIGPIPE)
    show([{"a": 1}], ("a",), Format.TABLE)
    assert signal.getsignal(signal.SIGPIPE) == before


def test_the_balance_proves_itself(call: Call, story: Ledger) -> None:
    ended = call("balance", "--json")
    found = {row["book"]: row["balance"] for row in rows(ended.out)}
    assert (ended.code, found["orders"], sum(found.values())) == (0, 170, 0)
    assert "difference 0" in ended.err
    assert call("balance", "--at", "2000-01-01").out == ""


def test_the_journal_of_one_object_is_listed(call: Call, story: Ledger) -> None:
    (line,) = rows(call("journal", "order", ORDER, "--json").out)
    assert (line["debit"], line["credit"], line["amount"]) == ("orders", "payable:unknown", 170)
    assert "DEBIT" in call("journal", "--book", "orders").out


@pytest.mark.parametrize(
    "arguments",
    [
        ("balance", "--at", "yesterday"),
        ("journal", "order"),
        ("journal", "order", "nobody"),
        ("journal", "--since", "2026-13-01"),
    ],
)
def test_a_bad_question_to_the_books_is_refused(
    call: Call, story: Ledger, arguments: tuple[str, ...]
) -> None:
    ended = call(*arguments)
    assert (ended.code, ended.out) == (64, "")
    assert len(ended.err.splitlines()) <= 2
