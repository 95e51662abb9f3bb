"""How the openings and settlings of mismatches are told.

Tellings of one rule and object count 1, 2, 3 … over re-openings: odd ones open, even ones close,
by the facts (settled) or by a person (waived). What was waived settles in silence.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from service.core.messages import Message, mismatch_message
from service.core.observation import Key
from service.ledger.rules import BY_CODE, Finding
from service.ledger.schema import mismatches


class Told(NamedTuple):
    """One thing to tell: a mismatch that is open now, settled or waived.

    severity: what the settings say (None: the rule's own). reason: why, where it is not the facts.
    """

    finding: Finding
    state: str
    found_at: datetime
    opened_at: datetime
    severity: str | None = None
    reason: str | None = None


def messages(
    connection: sa.Connection, told: Sequence[Told], *, epoch: str, now: datetime
) -> list[Message]:
    """The messages, in the order given; called when the rows are as they shall be told."""
    if not told:
        return []
    openings = _openings(connection, sorted({one.finding.key for one in told}))
    made: list[Message] = []
    for one in told:
        rule, key, *_ = one.finding
        turn = openings[rule, key]
        made.append(
            mismatch_message(
                epoch,
                key.account,
                f"{rule}/{key.kind}/{key.object_id}",
                2 * turn - 1 if one.state == "open" else 2 * turn,
                state=one.state,
                data=mismatch_data(one),
                at=now,
            )
        )
    return made


def _openings(connection: sa.Connection, keys: Sequence[Key]) -> Mapping[tuple[str, Key], int]:
    """How often each rule has opened on each object, the present opening among them."""
    key = (mismatches.c.account, mismatches.c.kind, mismatches.c.object_id)
    rows = connection.execute(
        sa.select(mismatches.c.rule, *key, sa.func.sum(mismatches.c.turns))
        .where(
            sa.tuple_(*key).in_([tuple(one) for one in keys]), mismatches.c.opened_at.is_not(None)
        )
        .group_by(mismatches.c.rule, *key)
    )
    return {(row[0], Key(*row[1:4])): int(row[4]) for row in rows}


def mismatch_data(told: Told) -> dict[str, Any]:
    """What is told: both sides, and since when; the sentences for whoever shows it to people."""
    code, key, ours, theirs, currency = told.finding
    rule = BY_CODE.get(code)
    return {
        "account": key.account,
        "rule": code,
        "severity": told.severity or (rule.severity if rule else None),
        "state": told.state,
        "kind": key.kind,
        "id": key.object_id,
        "ours": ours,
        "theirs": theirs,
        "currency": currency,
        "found_at": told.found_at,
        "opened_at": told.opened_at,
        "sentence": {"en": rule.en, "zh": rule.zh} if rule else None,
        "reason": told.reason,
    }
