"""A person who is sent through everything leaves no trace outside of `open`.

A new exit is one more line in `EXITS`; a new way in is one more in `tests.cli.canary`.
"""

import json
import zipfile
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.core.kinds import KINDS
from service.core.kinds.summary import SUMMARIES
from service.core.observation import Key
from service.ledger.engine import Ledger, open_ledger
from service.ledger.intake import Intake, seal
from service.ledger.repeats import note_repeats
from service.ledger.schema import beliefs, metadata, observations, outbox
from service.ledger.vault import OVERHEAD
from service.pingpp.reader import object_id_of, read_answer, read_page
from service.web.refusals import Refusals
from service.work.accept import name
from service.work.apply import apply
from service.work.drain import drain
from service.work.report.table import REPORTS, Days
from service.work.terms import Terms
from tests import bodies
from tests.cli.canary import (
    LABELLED,
    PERSON,
    SAID,
    TRACES,
    database_files,
    events,
    objects,
    personal,
    provide,
    traces,
    wire,
)
from tests.cli.conftest import Call, Ended
from tests.conftest import VAULT
from tests.outbound.receiver import Receiver

TERMS = Terms(sinks=("books",), epoch="e", grace_seconds=0)
KEY = Key("main", "withdrawal", str(personal("withdrawal")["id"]))
API_KEY = "sk_live_canary000000000000"
CONFIG = """
[sinks.books]
type = "jsonl"
path = "books.jsonl"
[accounts.main]
api_key = "{key}"
api_base = "{base}"
apps = ["{app}"]
private_key = "own.pem"
rate = 100
[poll]
scale = 1000
"""


@pytest.fixture
def provider() -> Iterator[Receiver]:
    """Every object that it shows is the person's."""
    provider = Receiver(answer=provide)
    provider.start()
    yield provider
    provider.stop()


@pytest.fixture
def canary(
    folder: Path,
    database_url: str,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    provider: Receiver,
) -> str:
    """The url of a ledger that has heard of, asked for and listed every object of one person."""
    monkeypatch.setenv("PINGLEDGER_DATABASE__URL", database_url)
    monkeypatch.setenv("PINGLEDGER_CONFIG", str(folder / "c.toml"))
    base = f"http://127.0.0.1:{provider.port}"
    (folder / "c.toml").write_text(CONFIG.format(key=API_KEY, base=base, app=bodies.APP))
    (folder / "bill.csv").write_text(BILL.format("1.00"))
    (folder / "odd.csv").write_text(BILL.format(SAID))
    with closing(open_ledger(database_url, VAULT)) as ledger:
        _take_in(ledger, now, events())
        while drain(ledger, terms=TERMS, clock=lambda: now):
            pass
        for kind, fields in objects().items():
            if "id" not in fields:
                continue
            key = Key("main", kind, object_id_of(KINDS[kind], fields))
            seen = read_answer(wire(fields), key=key, seen_at=now)
            apply(ledger, seen.observations, terms=TERMS, now=now)
            page = read_page(wire(bodies.page(fields)), account="main", seen_at=now)
            for one in page.sightings:
                apply(ledger, one.observations, terms=TERMS, now=now)
    return database_url


def _take_in(ledger: Ledger, now: datetime, arriving: list[bytes]) -> None:
    with closing(Intake(ledger)) as intake:
        for body in arriving:
            arrival = seal(ledger.vault, name("main", body, "c2ln", "f" * 64, now))
            if intake.insert([arrival]) is not None:
                with ledger.begin() as connection:
                    note_repeats(connection, [arrival], lambda _c, _a: None, ledger.vault)


def said(fields: dict[str, Any]) -> list[str]:
    return [f"{name}:={json.dumps(value, ensure_ascii=False)}" for name, value in fields.items()]


APPLYING = said(
    {
        "user": "cus_1",
        "order_no": "CUS0001",
        "cert_type": "1",
        "cert_name": PERSON["name"],
        "cert_number": PERSON["cert_number"],
        "mobile": PERSON["mobile"],
    }
)
OPENING = said(
    {
        "channel": "bank_account",
        "recipient": {
            "account": PERSON["card_number"],
            "type": "b2b",
            "open_bank": "ICBC",
        },
    }
)
NOTE = f"{PERSON['name']} {PERSON['mobile']}"
BILL = f"type,order_no,amount,at,name,card\npayment,M1,{{}},2026-11-22,{SAID},{SAID}\n"
SINCE = (datetime.fromtimestamp(1780000000).astimezone() - timedelta(days=1)).isoformat()

# Each command, how it ends (None: well, or with something that could not be asked for), and a word
# that shows that it had something to say.
EXITS: dict[str, tuple[tuple[str, ...], int | None, str]] = {
    "verify": (("verify",), 69, "checked:"),
    "verify --json": (("verify", "--json"), 69, "summary"),
    "close": (("close", "2026-11-22"), None, "2026-11-22"),
    "explain": (("explain", KEY.kind, KEY.object_id), 0, KEY.object_id),
    "explain --json": (("explain", KEY.kind, KEY.object_id, "--json"), 0, KEY.object_id),
    "explain a user": (("explain", "user", "cus_1", "--json"), 0, "cus_1"),
    "objects": (("objects",), 0, "cus_application"),
    "objects --json": (("objects", "--json"), 0, "settle_account"),
    "deliveries": (("deliveries", "--json"), 0, "evt_cus_application"),
    "mismatches": (("mismatches", "--json", "--settled"), 0, ""),
    "radar": (("radar", "--json"), None, ""),
    "comment": (("mismatch", "comment", NOTE, "1"), 0, "1"),
    "history": (("mismatch", "history", "1", "--json"), 0, "欧*"),
    "export": (("mismatch", "export", "-"), 0, "mismatches"),
    "causes": (("mismatch", "causes", "--json"), 0, "rule"),
    "statement": (("statement", "import", "bill.csv", "--source", "book"), None, "1 lines"),
    "statement's lines": (("statement", "show", "1", "--json"), 0, "M1"),
    "a line that is wrong": (("statement", "import", "odd.csv", "--source", "book"), 1, "amount"),
    "remove": (("statement", "remove", "1", "--reason", NOTE), 0, ""),
    "statements": (("statement", "list", "--json"), 0, "removed"),
    "pause": (("sinks", "pause", "books", "--reason", f"{'x' * 176} {NOTE} a@b.cc"), 0, "books"),
    "balance": (("balance", "--json"), 0, "main"),
    "journal": (("journal", "--json"), 0, "allocation_refund"),
    "reconcile": (("reconcile", "--json"), 1, "unknown_status"),
    "rebuild": (("rebuild", "--json"), 0, ""),
    "requeue": (("requeue", "--reason", "amount"), 0, "1"),
    "sinks": (("sinks", "--json"), 0, "books"),
    "dead letters": (("dead-letters", "list", "--json"), 0, ""),
    "publish": (("publish", "--json"), 64, ""),
    "vault status": (("vault", "status", "--json"), 0, "observations"),
    "open without a reason": (("open", KEY.kind, KEY.object_id), 64, "--reason"),
    "open what is not there": (("open", "user", "cus_9", "--reason", "ticket"), 1, "cus_9"),
    "poll": (("poll",), 0, ""),
    "backfill": (
        ("backfill", "--all", "--since", SINCE, "--yes", "--json"),
        None,
        '"outcome":"whole"',
    ),
    "catch-up": (("catch-up", "--since", SINCE, "--yes", "--json"), None, '"outcome":"whole"'),
    "doctor": (("doctor", "--json"), 1, "quarantine"),
    "api user": (("api", "user.retrieve", "user_id=cus_1"), 0, "欧*"),
    "api withdrawal": (("api", "withdrawal.retrieve", f"withdrawal_id={KEY.object_id}"), 0, "欧*"),
    "api list": (("api", "withdrawal.list", "--all", "--json"), 0, "欧*"),
    "api application": (
        ("api", "cus_application.retrieve", "cus_id=1112601010000000001"),
        0,
        "tells of a failure: OPR21040",
    ),
    "api deposit": (("api", "deposit.retrieve", "deposit_id=6012601010000000001"), 0, "created"),
    "api no": (("api", "order.retrieve", "order_id=refuse"), 1, "持卡人：欧*"),
    "api nothing": (("api", "order.retrieve", "order_id=nothing"), 1, "持卡人：欧*"),
    "api dry": (("api", "cus_application.create", *APPLYING, "--dry-run"), 0, "欧*"),
    "api dry account": (("api", "settle_account.create", *OPENING, "--dry-run"), 0, "0128"),
    "api application's answer": (("api", "cus_application.create", *APPLYING), 0, "欧*"),
    "api mistake": (("api", "cus_application.create", *APPLYING, f"more={SAID}"), 64, "more"),
    "api unknown": (("api", SAID), 64, "no operation"),
}


# Those that write what they were told into the ledger.
STORING = (
    "backfill",
    "catch-up",
    "reconcile",
    "comment",
    "statement",
    "remove",
    "pause",
    "api application's answer",
)


# every sheet of every report, over all days
EXITS.update(
    {
        f"report {name}": (
            (
                *("report", name, "--format", "html", "--out", "-"),
                *(() if report.days is Days.NONE else ("--since", "2020-01-01")),
            ),
            0,
            report.title.zh,
        )
        for name, report in REPORTS.items()
    }
)


def test_no_command_shows_the_person(canary: str, call: Call) -> None:
    assert canary
    leaking: dict[str, Any] = {}
    for leaving, (arguments, code, word) in EXITS.items():
        ended = call(*arguments)
        shown = ended.out + ended.err
        found = traces(shown)
        codes = (0, 1) if code is None else (code,)
        if found or ended.code not in codes or word not in shown:
            leaking[leaving] = (found, ended.code, shown[-300:])
    assert leaking == {}


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_no_dossier_shows_the_person_until_it_is_opened(
    canary: str, call: Call, folder: Path
) -> None:
    assert canary
    leaking: dict[str, Any] = {}
    for kind, fields in objects().items():
        named = kind, object_id_of(KINDS[kind], fields)
        ended = call("dossier", *named, "--out", f"{kind}.zip")
        inside = unpacked(folder / f"{kind}.zip")
        if ended.code or traces(inside) or traces(ended.err):
            leaking[kind] = (ended.code, traces(inside))
    assert leaking == {}
    opened_for = ("--open", "--reason", "ticket 4711")
    assert call("dossier", KEY.kind, KEY.object_id, "--out", "o.zip", *opened_for).code == 0
    assert PERSON["card_number"].encode() in unpacked(folder / "o.zip")


def unpacked(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return b"\n".join(archive.read(name) for name in archive.namelist())


def test_every_kind_was_kept_with_the_person_sealed(canary: str) -> None:
    with closing(open_ledger(canary, VAULT)) as ledger, ledger.read() as connection:
        kinds = set(connection.scalars(sa.select(beliefs.c.kind)))
        raws = list(connection.scalars(sa.select(observations.c.raw)))
    assert objects().keys() <= kinds
    assert sum(raw is not None for raw in raws) >= len(objects()) - len(SUMMARIES)
    assert all(len(raw) > OVERHEAD for raw in raws if raw is not None)


def columns_with_traces(ledger: Ledger) -> tuple[int, dict[str, list[str]]]:
    """How many values every table's every column holds, and in which the person is."""
    count, found = 0, dict[str, list[str]]()
    with ledger.read() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(sa.select(table)).mappings():
                for column, value in row.items():
                    count += 1
                    kept = traces(bytes(value) if isinstance(value, bytes) else str(value))
                    if kept:
                        found[f"{table.name}.{column}"] = kept
    return count, found


def test_no_column_of_the_ledger_holds_the_person(canary: str, call: Call) -> None:
    for leaving in STORING:
        call(*EXITS[leaving][0])
    with closing(open_ledger(canary)) as ledger:
        count, found = columns_with_traces(ledger)
        with ledger.read() as connection:
            tables = [table for table in metadata.sorted_tables if _has_rows(connection, table)]
    assert found == {}
    assert count > 1_000
    assert {"deliveries", "observations", "beliefs", "changes", "outbox", "watches"} <= {
        table.name for table in tables
    }


def _has_rows(connection: sa.Connection, table: sa.Table) -> bool:
    return connection.execute(sa.select(table).limit(1)).first() is not None


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_no_file_of_the_ledger_holds_the_person(canary: str, now: datetime) -> None:
    with closing(open_ledger(canary, VAULT)) as ledger:
        body = wire(bodies.event(personal("user"), id="evt_later"))
        _take_in(ledger, now, [body])
        drain(ledger, terms=TERMS, clock=lambda: now)
        files = database_files(canary)
    assert [one.endswith("-wal") and len(raw) > 0 for one, raw in files.items()].count(True) == 1
    assert sum(map(len, files.values())) > 100_000
    assert {one: traces(raw) for one, raw in files.items()} == {one: [] for one in files}


@pytest.mark.parametrize("trace", TRACES)
def test_a_planted_trace_is_found(trace: str) -> None:
    for planted in (trace, json.dumps(trace), f"x{trace}y", trace.encode().hex()):
        assert trace in traces(planted)
        assert trace in traces(b"\0\xff" + planted.encode() + b"\0")


def test_a_trace_planted_in_the_ledger_is_found(canary: str) -> None:
    with closing(open_ledger(canary, VAULT)) as ledger:
        with ledger.begin() as connection:
            note = sa.update(outbox).where(outbox.c.id == 1)
            connection.execute(note.values(body=wire(PERSON)))
            connection.execute(sa.update(beliefs).values(order_no=PERSON["mobile"]))
        found = columns_with_traces(ledger)[1]
        files = database_files(canary)
    assert found.keys() >= {"outbox.body", "beliefs.order_no"}
    assert ledger.dialect != "sqlite" or any(map(traces, files.values()))


def test_what_the_person_says_to_the_provider_is_the_persons() -> None:
    assert set(TRACES) <= set(traces(b"".join(events())))
    for kind, fields in objects().items():
        assert {*PERSON.values()} <= set(traces(wire(fields))), kind
    assert PERSON["name"] in LABELLED


def test_a_refused_delivery_is_shown_without_the_person(now: datetime) -> None:
    one = wire(personal("withdrawal"))
    for body in (one, one[:-40], b" " * 4_000 + wire(PERSON), *events()):
        refusals = Refusals()
        refusals.note("main", "mismatch", signature=b"x", body=body, now=now)
        assert traces(json.dumps(refusals.latest(), ensure_ascii=False)) == []


def opened(ended: Ended) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ended.out.splitlines()]


def test_open_shows_the_person_and_notes_who_asked(canary: str, call: Call) -> None:
    ended = call("open", KEY.kind, KEY.object_id, "--reason", "ticket 13912345678")
    assert ended.code == 0, ended.err
    sources = {row["source"] for row in opened(ended)}
    assert sources == {"delivery", "observation"}
    assert PERSON["card_number"] in ended.out
    assert call("open", "delivery", "1", "--reason", "ticket 4711", "--as", "anna").code == 0
    assert call("open", "delivery", "999", "--reason", "ticket 4711").code == 1
    with closing(open_ledger(canary)) as ledger, ledger.read() as connection:
        rows = connection.execute(sa.text("SELECT who, what, why FROM audit ORDER BY id")).all()
    assert [row.what for row in rows] == [" ".join(KEY), "delivery 1"]
    assert rows[0].why == "ticket 139****5678"
    assert rows[1].who.startswith("anna (as ")
