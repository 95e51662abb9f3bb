"""A person who is sent through everything leaves no trace outside of `open`.

A new exit is one more line in `EXITS`; a new way in is one more in `canary`.
"""

import json
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.core.observation import Key
from service.ledger.engine import Ledger, open_ledger
from service.ledger.intake import Intake
from service.ledger.repeats import note_repeats
from service.ledger.schema import metadata
from service.pingpp.reader import read_answer, read_page
from service.web.refusals import Refusals
from service.work.accept import name
from service.work.apply import apply
from service.work.drain import drain
from service.work.terms import Terms
from tests import bodies
from tests.cli.conftest import Call, Ended
from tests.conftest import VAULT

# the identity number's check digit and the card's are right
PERSON = {
    "name": "欧阳娜娜",
    "cert_number": "11010119900307803X",
    "card_number": "6222021234567890128",
    "mobile": "13912345678",
    "email": "ouyang.nana@mail.example",
    "operation_url": "https://pay.example/t/T0kenOfHers",
}
TRACES = (*PERSON.values(), "T0kenOfHers", "ouyang.nana", "娜娜")
TERMS = Terms(sinks=("books",), epoch="e", grace_seconds=0)


def personal(**changed: Any) -> dict[str, Any]:
    """A withdrawal with the person in every field that may hold one, and in free text."""
    said = "，".join(PERSON.values())
    return bodies.withdrawal(
        extra=PERSON,
        metadata={"buyer": PERSON["name"], "note": said},
        description=said,
        failure_msg=said,
        operation_url=PERSON["operation_url"],
        **changed,
    )


def wire(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode()


@pytest.fixture
def canary(folder: Path, database_url: str, now: datetime, monkeypatch: pytest.MonkeyPatch) -> Key:
    """Good, differing and quarantined deliveries, an answer and a page, all of one person."""
    monkeypatch.setenv("PINGLEDGER_DATABASE__URL", database_url)
    (folder / "c.toml").write_text('[sinks.books]\ntype = "jsonl"\npath = "books.jsonl"\n')
    monkeypatch.setenv("PINGLEDGER_CONFIG", str(folder / "c.toml"))
    fields = personal()
    key = Key("main", "withdrawal", str(fields["id"]))
    told = bodies.event(fields, "withdrawal.succeeded")
    odd = {**told, "id": "evt_odd", "data": {"object": {**fields, "amount": "1.5"}}}
    with closing(open_ledger(database_url, VAULT)) as ledger:
        _take_in(ledger, now, wire(told), wire(odd), json.dumps(PERSON).encode()[:-9])
        _differ(ledger, now, wire({**told, "created": 7}))
        drain(ledger, terms=TERMS, clock=lambda: now)
        seen = read_answer(wire(fields), key=key, seen_at=now)
        apply(ledger, seen.observations, terms=TERMS, now=now)
        page = read_page(wire(bodies.page(fields)), account="main", seen_at=now)
        for one in page.sightings:
            apply(ledger, one.observations, terms=TERMS, now=now)
    return key


def _take_in(ledger: Ledger, now: datetime, *arriving: bytes) -> None:
    with closing(Intake(ledger)) as intake:
        intake.insert([name("main", body, "c2ln", "f" * 64, now) for body in arriving])


def _differ(ledger: Ledger, now: datetime, body: bytes) -> None:
    arrival = name("main", body, "c2ln", "f" * 64, now)
    with ledger.begin() as connection:
        note_repeats(connection, [arrival], lambda _c, _a: None, ledger.vault)


def traces(said: str) -> list[str]:
    """What of the person is in a text, also as JSON would escape it."""
    spelt = [(one, json.dumps(one)[1:-1]) for one in TRACES]
    return [one for one, escaped in spelt if one in said or escaped in said]


EXITS: dict[str, Callable[[Key], tuple[str, ...]]] = {
    "explain": lambda key: ("explain", key.kind, key.object_id),
    "explain --json": lambda key: ("explain", key.kind, key.object_id, "--json"),
    "objects": lambda _key: ("objects", "--json"),
    "deliveries": lambda _key: ("deliveries", "--json"),
    "mismatches": lambda _key: ("mismatches", "--json", "--settled"),
    "reconcile": lambda _key: ("reconcile", "--json"),
    "rebuild": lambda _key: ("rebuild", "--json"),
    "requeue": lambda _key: ("requeue", "--reason", "amount"),
    "doctor": lambda _key: ("doctor", "--json"),
    "vault status": lambda _key: ("vault", "status", "--json"),
    "open without a reason": lambda key: ("open", key.kind, key.object_id),
}


@pytest.mark.parametrize("leaving", EXITS)
def test_no_command_shows_the_person(canary: Key, call: Call, leaving: str) -> None:
    ended = call(*EXITS[leaving](canary))
    assert ended.code in (0, 1, 64)
    assert traces(ended.out + ended.err) == []


def test_no_column_of_the_ledger_holds_the_person(canary: Key, database_url: str) -> None:
    with closing(open_ledger(database_url)) as ledger, ledger.read() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(sa.select(table)):
                text = " ".join(
                    value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
                    for value in row
                )
                assert (table.name, traces(text)) == (table.name, [])
    for path in Path().glob("**/ledger*.db*"):
        content = path.read_bytes()
        assert [one for one in TRACES if one.encode() in content] == []


def test_a_refused_delivery_is_shown_without_the_person(now: datetime) -> None:
    for body in (wire(personal()), wire(personal())[:-40], b" " * 4_000 + wire(PERSON)):
        refusals = Refusals()
        refusals.note("main", "mismatch", signature=b"x", body=body, now=now)
        assert traces(json.dumps(refusals.latest(), ensure_ascii=False)) == []


def opened(ended: Ended) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ended.out.splitlines()]


def test_open_shows_the_person_and_notes_who_asked(
    canary: Key, call: Call, database_url: str
) -> None:
    ended = call("open", canary.kind, canary.object_id, "--reason", "ticket 13912345678")
    assert ended.code == 0, ended.err
    sources = {row["source"] for row in opened(ended)}
    assert sources == {"delivery", "observation"}
    assert PERSON["card_number"] in ended.out
    assert call("open", "delivery", "1", "--reason", "ticket 4711", "--as", "anna").code == 0
    assert call("open", "delivery", "999", "--reason", "ticket 4711").code == 1
    with closing(open_ledger(database_url)) as ledger, ledger.read() as connection:
        rows = connection.execute(sa.text("SELECT who, what, why FROM audit ORDER BY id")).all()
    assert [row.what for row in rows] == [" ".join(canary), "delivery 1"]
    assert rows[0].why == "ticket 139****5678"
    assert rows[1].who.startswith("anna (as ")
