"""The consumer of docs/messages.md ends up right, whatever comes twice, late or not at all."""

import json
import random
import re
from datetime import datetime
from pathlib import Path
from typing import Any

from service.core.kinds import KINDS
from service.core.messages import Message, change_message
from service.core.view import View, told

PAGE = Path(__file__).resolve().parents[2] / "docs" / "messages.md"


def change(seq: int, now: datetime) -> Message:
    return change_message(
        "epoch", "shop", "order", "2011708160000060000", seq,
        before=None, after={"status": "paid", "final": False, "amount": seq},
        correction=False, source="poll", at=now,
    )  # fmt: skip


def documented_consumer(known: dict[str, Any]) -> Any:
    """The consumer as the page has it, keeping what `apply` is given."""
    code = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (source,) = code

    def apply(_type: str, data: dict[str, Any]) -> None:
        known.update(data)

    names: dict[str, Any] = {"last_sequence": {}, "apply": apply}
    exec(source, names)
    return names["take"]


def test_repeats_and_stragglers_change_nothing(now: datetime) -> None:
    dice = random.Random(7)
    for _ in range(200):
        known: dict[str, Any] = {}
        take = documented_consumer(known)
        arrived = [change(seq, now) for seq in range(1, 6) if dice.random() < 0.8]
        arrived += [dice.choice(arrived) for _ in range(3) if arrived]
        dice.shuffle(arrived)
        for message in arrived:
            take(json.loads(message.body))
        if arrived:
            newest = max(arrived, key=lambda message: message.seq)
            assert known["after"]["amount"] == newest.seq


def test_the_page_names_every_field_of_a_change(now: datetime) -> None:
    (schema,) = (
        json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)
    )
    data = json.loads(change(1, now).body)["data"]
    assert set(schema["properties"]) == set(schema["required"]) == set(data)
    state = set(schema["$defs"]["state"]["properties"])
    totals = {field.name for kind in KINDS.values() for field in kind.totals}
    facts = {field.name for kind in KINDS.values() for field in kind.facts}
    shown = {"card": "x", "available_balance": 1, "withdrawable_balance": 1}
    known = View(
        status="paid", final=False, conflict=False, contested=(), since=0, notified=0,
        facts=dict.fromkeys(facts, "x"), totals=dict.fromkeys(totals, 1), attrs=shown, parts={},
    )  # fmt: skip
    assert set(told(known)) == state
