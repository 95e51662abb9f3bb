"""Whatever the code can tell fits the schemas that are published for it."""

import importlib.util
import json
import random
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from service.core.kinds import KINDS
from service.core.messages import (
    Message,
    alert_message,
    change_message,
    mismatch_message,
    notice_message,
)
from service.core.observation import Key, Source
from service.ledger.engine import Ledger
from service.ledger.rules import BY_CODE, Finding
from service.ledger.schema import outbox
from service.ledger.tellings import Told, mismatch_data
from tests.books import rows_of
from tests.days import DAWN, DAY, FIRST_DAY, HOUR, pay, shut

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "messages.md"


@cache
def validator(name: str) -> Any:
    schema = json.loads((DOCS / "schemas" / f"{name}.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def fits(message: Message, name: str) -> None:
    event = json.loads(message.body)
    validator("envelope").validate(event)
    validator(name).validate(event["data"])


def statuses() -> Iterator[tuple[str, str]]:
    for name, kind in KINDS.items():
        yield from ((name, status) for status in [*kind.words, "unknown:odd word"])


@pytest.mark.parametrize(("kind", "status"), list(statuses()))
def test_a_change_of_every_kind_and_status_fits(now: datetime, kind: str, status: str) -> None:
    known = KINDS[kind]
    after: dict[str, Any] = {"status": status, "final": False, "amount": 1, "currency": "cny"}
    after |= {total.name: 1 for total in known.totals}
    for before, source in product((None, {"status": status, "final": True}), Source):
        message = change_message(
            "e", "shop", kind, "1", 2, before=before, after=after, correction=False,
            source=source.value, at=now,
        )  # fmt: skip
        fits(message, "change.v1")


@pytest.mark.parametrize("rule", BY_CODE)
@pytest.mark.parametrize("state", ["open", "settled", "waived"])
def test_a_mismatch_of_every_rule_fits(now: datetime, rule: str, state: str) -> None:
    finding = Finding(rule, Key("shop", "order", "1"), "1", "2", "cny")
    data = mismatch_data(Told(finding, state, now, now))
    message = mismatch_message("e", "shop", f"{rule}/order/1", 1, state=state, data=data, at=now)
    fits(message, "mismatch.v1")


@pytest.mark.parametrize("state", ["open", "settled"])
def test_an_alert_fits(now: datetime, state: str) -> None:
    data = {
        "account": "", "code": "disk_low", "subject": "host-1", "severity": "critical",
        "state": state, "shown": "3 MiB", "opened_at": now, "sentence": {"en": "a", "zh": "b"},
    }  # fmt: skip
    fits(alert_message("e", "", "disk_low/host-1", 1, state=state, data=data, at=now), "alert.v1")


def test_a_notice_fits(now: datetime) -> None:
    data = {"account": "shop", "cause": "unknown_status", "subject": "order"}
    fits(notice_message("e", "shop", "unknown_status", "order", data=data, at=now), "notice.v1")


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_closing_fits(ledger: Ledger) -> None:
    pay(ledger, 1, DAWN + HOUR)
    shut(ledger)
    pay(ledger, 2, DAWN + 2 * HOUR, known=DAWN + DAY)
    shut(ledger, FIRST_DAY + DAY)
    found = [row for row in rows_of(ledger, outbox) if row["type"] == "pingledger.closing.v1"]
    assert len(found) == 2
    for row in found:
        event = json.loads(row["body"])
        validator("envelope").validate(event)
        validator("closing.v1").validate(event["data"])
        assert event["subject"] == f"closing/{event['data']['day']}"


def test_the_page_shows_the_schema_that_is_published() -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert json.loads(shown) == json.loads((DOCS / "schemas" / "change.v1.json").read_text())


def test_the_sample_consumer_keeps_the_newest_whatever_comes_twice_or_late(now: datetime) -> None:
    spec = importlib.util.spec_from_file_location("consumer", DOCS / "consumer" / "consumer.py")
    assert spec is not None
    assert spec.loader is not None
    consumer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(consumer)
    dice = random.Random(5)
    messages = [
        json.loads(
            change_message(
                "e", "shop", "order", str(number), seq, before=None, after={"status": str(seq)},
                correction=False, source="poll", at=now,
            ).body
        )
        for number in range(5) for seq in range(1, 9)
    ]  # fmt: skip
    arrived = messages + dice.choices(messages, k=20)
    dice.shuffle(arrived)
    with closing(sqlite3.connect(":memory:")) as books:
        books.execute(consumer.TABLES)
        taken = [consumer.take(books, message) for message in arrived]
        newest = books.execute("SELECT subject, sequence FROM newest ORDER BY subject").fetchall()
    assert newest == [(f"order/{number}", 8) for number in range(5)]
    assert not all(taken)


@pytest.mark.parametrize("page", ["messages.md", "messages.zh-CN.md"])
def test_every_type_and_schema_has_an_example_that_fits(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    shown = [json.loads(one) for one in re.findall(r"```json example\n(.*?)```", text, re.DOTALL)]
    fitting: set[str] = set()
    types: set[str] = set()
    for event in shown:
        validator("envelope").validate(event)
        word = event["type"].split(".")[1] if event["type"].startswith("pingledger.") else "change"
        validator(f"{word}.v1").validate(event["data"])
        fitting.add(f"{word}.v1")
        types.add(event["type"] if word != "change" else MADE_TYPES[0])
        assert event["data"].get("state", "") in event["type"]
        assert event["data"]["account"] == event["source"].removeprefix("/pingledger/")
    assert fitting == {path.stem for path in (DOCS / "schemas").glob("*.v1.json")}
    assert types == {*MADE_TYPES}


# what core/messages.py can make, with the states that mismatches and alerts have
MADE_TYPES = [
    "pingpp.<kind>.<status>.v1",
    *(f"pingledger.mismatch.{state}.v1" for state in ("open", "settled", "waived")),
    *(f"pingledger.alert.{state}.v1" for state in ("open", "settled")),
    "pingledger.closing.v1",
    "pingledger.notice.v1",
]


def test_the_types_that_are_listed_here_are_all_that_are_made() -> None:
    source = (DOCS.parent / "service" / "core" / "messages.py").read_text(encoding="utf-8")
    patterns = set(re.findall(r'"(ping[a-z]+\.[a-z.{}]+\.v1)"', source))
    for pattern in patterns:
        shape = re.sub(r"\\\{\w+\\\}", r"[a-z<>]+", re.escape(pattern))
        assert any(re.fullmatch(shape, name) for name in MADE_TYPES), pattern
    assert {name.split(".")[1] for name in MADE_TYPES} == {
        "<kind>" if "{kind}" in one else one.split(".")[1] for one in patterns
    }


def test_both_pages_name_the_same_types_and_kinds() -> None:
    pages = [
        (DOCS / name).read_text(encoding="utf-8") for name in ("messages.md", "messages.zh-CN.md")
    ]
    types = [set(re.findall(r"`(ping[a-z]+\.[a-z.<>]+v1)`", page)) for page in pages]
    assert types[0] == types[1]
    assert types[0] >= {*MADE_TYPES}
    for kind in KINDS:
        assert all(f"`{kind}`" in page for page in pages), kind
