"""What becomes of findings: suspected while their grace runs, then open and told, settled by facts.

A suspected one that vanishes is settled in silence: nobody was told of it. What was told of is told
of again when the facts agree. Tellings of one rule and object count 1, 2, 3 … over re-openings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from service.core.messages import Message, mismatch_message
from service.core.observation import Key
from service.ledger import outbox
from service.ledger.dialect import insert
from service.ledger.rules import BY_CODE, Finding
from service.ledger.rules.check import Checked, Live, is_answered
from service.ledger.rules.sources import word
from service.ledger.schema import mismatches

_NO_PATIENCE = timedelta(0)
# While the provider cannot be asked, so many times its grace passes before a suspicion opens: an
# outage of theirs is no alarm for each of their refunds.
SILENCE = 10
_SIDES = ("ours", "theirs", "currency")


@dataclass(frozen=True, slots=True)
class Telling:
    """How long findings may last untold, and to whom and under which epoch they are told."""

    grace_seconds: float
    scale: float
    epoch: str
    sinks: Sequence[str]

    def patience(self, code: str) -> timedelta:
        """The grace of one rule's findings."""
        return BY_CODE[code].patience(self.grace_seconds, self.scale)

    def is_unanswered(self, one: Live) -> bool:
        """Whether a suspicion waits for the answer to a question of ours."""
        is_suspected = one.state == "suspected" and one.finding.rule in BY_CODE
        return is_suspected and BY_CODE[one.finding.rule].asks and not one.answered

    def is_due(self, one: Live, now: datetime) -> bool:
        """Whether a suspicion has lasted long enough: facts open it, or a long silence."""
        patience = self.patience(one.finding.rule)
        if self.is_unanswered(one):
            patience *= SILENCE
        return one.state == "suspected" and now - one.found_at >= patience


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be written: findings that are new, live ones that are due, differ or are gone.

    waiting: suspicions that last until a question of ours is answered; nothing is written of them.
    """

    new: tuple[Finding, ...] = ()
    due: tuple[Live, ...] = ()
    moved: tuple[tuple[Live, Finding], ...] = ()
    gone: tuple[Live, ...] = ()
    waiting: tuple[Live, ...] = ()

    @property
    def keys(self) -> list[Key]:
        """Every object that something is to be written about."""
        live = [*self.due, *(one for one, _ in self.moved), *self.gone]
        return sorted({f.key for f in self.new} | {one.finding.key for one in live})


class Moves(NamedTuple):
    """What was written: new suspicions, openings and settlings, each by rule and object."""

    suspected: tuple[Finding, ...] = ()
    opened: tuple[Finding, ...] = ()
    settled: tuple[Finding, ...] = ()


class _Told(NamedTuple):
    finding: Finding
    state: str
    found_at: datetime
    opened_at: datetime


def weigh(checked: Checked, terms: Telling, *, now: datetime) -> Verdict:
    """Compare what the rules find with what is on the books; pure."""
    found = {(finding.rule, finding.key): finding for finding in checked.found}
    live = {(one.finding.rule, one.finding.key): one for one in checked.live}
    still = [(one, found[name]) for name, one in live.items() if name in found]
    return Verdict(
        new=tuple(finding for name, finding in found.items() if name not in live),
        due=tuple(one for one, _ in still if terms.is_due(one, now)),
        moved=tuple((one, finding) for one, finding in still if finding != one.finding),
        gone=tuple(one for name, one in live.items() if name not in found),
        waiting=tuple(one for one, _ in still if terms.is_unanswered(one)),
    )


def record(connection: sa.Connection, verdict: Verdict, terms: Telling, *, now: datetime) -> Moves:
    """Write a verdict and put its messages into the outbox, in the caller's transaction."""
    _move(connection, verdict.moved)
    sides = {one.id: finding for one, finding in verdict.moved}
    born = _insert(connection, verdict.new, terms, now)
    due = _update(connection, verdict.due, "suspected", state="open", opened_at=now)
    gone = _update(connection, verdict.gone, None, state="settled", settled_at=now)
    told = [_Told(f, "open", now, now) for f in born if terms.patience(f.rule) <= _NO_PATIENCE]
    told += [_Told(sides.get(one.id, one.finding), "open", one.found_at, now) for one in due]
    told += [
        _Told(one.finding, "settled", one.found_at, one.opened_at) for one in gone if one.opened_at
    ]
    outbox.enqueue(connection, _messages(connection, told, terms, now), terms.sinks, now=now)
    return Moves(
        suspected=tuple(f for f in born if terms.patience(f.rule) > _NO_PATIENCE),
        opened=tuple(one.finding for one in told if one.state == "open"),
        settled=tuple(one.finding for one in gone),
    )


def _insert(
    connection: sa.Connection, new: Sequence[Finding], terms: Telling, now: datetime
) -> list[Finding]:
    """Insert findings that nobody else inserted meanwhile; returns those."""
    if not new:
        return []
    statement = (
        insert(connection, mismatches)
        .on_conflict_do_nothing()
        .returning(
            mismatches.c.rule, mismatches.c.account, mismatches.c.kind, mismatches.c.object_id
        )
    )
    inserted = connection.execute(statement, [_row(f, terms, now) for f in new])
    names = {(row.rule, Key(row.account, row.kind, row.object_id)) for row in inserted}
    return [finding for finding in new if (finding.rule, finding.key) in names]


def _row(finding: Finding, terms: Telling, now: datetime) -> dict[str, Any]:
    is_open = terms.patience(finding.rule) <= _NO_PATIENCE
    return {
        **finding.key._asdict(),
        "rule": finding.rule,
        "state": "open" if is_open else "suspected",
        "severity": BY_CODE[finding.rule].severity,
        "ours": finding.ours,
        "theirs": finding.theirs,
        "currency": finding.currency,
        "found_at": now,
        "opened_at": now if is_open else None,
    }


def _move(connection: sa.Connection, moved: Sequence[tuple[Live, Finding]]) -> None:
    """The two sides of a live mismatch are shown as they stand, without telling again."""
    if not moved:
        return
    connection.execute(
        sa.update(mismatches)
        .where(mismatches.c.id == sa.bindparam("b_id"), mismatches.c.state != word("settled"))
        .values({name: sa.bindparam(f"b_{name}") for name in _SIDES}),
        [
            {"b_id": one.id, **{f"b_{name}": getattr(finding, name) for name in _SIDES}}
            for one, finding in moved
        ],
    )


def _update(
    connection: sa.Connection, rows: Sequence[Live], expected: str | None, **values: Any
) -> list[Live]:
    """Change rows that are still as they were read; returns those."""
    if not rows:
        return []
    guard = mismatches.c.state == expected if expected else mismatches.c.state != word("settled")
    changed = connection.scalars(
        sa.update(mismatches)
        .where(mismatches.c.id.in_([one.id for one in rows]), guard)
        .values(**values)
        .returning(mismatches.c.id)
    )
    ids = set(changed)
    return [one for one in rows if one.id in ids]


def _messages(
    connection: sa.Connection, told: Sequence[_Told], terms: Telling, now: datetime
) -> list[Message]:
    if not told:
        return []
    openings = _openings(connection, sorted({one.finding.key for one in told}))
    messages: list[Message] = []
    for one in told:
        rule, key, *_ = one.finding
        turn = openings[rule, key]
        messages.append(
            mismatch_message(
                terms.epoch,
                key.account,
                f"{rule}/{key.kind}/{key.object_id}",
                2 * turn if one.state == "settled" else 2 * turn - 1,
                state=one.state,
                data=_data(one),
                at=now,
            )
        )
    return messages


def _openings(connection: sa.Connection, keys: Sequence[Key]) -> Mapping[tuple[str, Key], int]:
    """How often each rule has opened on each object, the present opening among them."""
    key = (mismatches.c.account, mismatches.c.kind, mismatches.c.object_id)
    rows = connection.execute(
        sa.select(mismatches.c.rule, *key, sa.func.count())
        .where(
            sa.tuple_(*key).in_([tuple(one) for one in keys]), mismatches.c.opened_at.is_not(None)
        )
        .group_by(mismatches.c.rule, *key)
    )
    return {(row[0], Key(*row[1:4])): row[4] for row in rows}


def _data(told: _Told) -> dict[str, Any]:
    """What is told: both sides, and since when; the sentences for whoever shows it to people."""
    code, key, ours, theirs, currency = told.finding
    rule = BY_CODE.get(code)
    return {
        "account": key.account,
        "rule": code,
        "severity": rule.severity if rule else None,
        "state": told.state,
        "kind": key.kind,
        "id": key.object_id,
        "ours": ours,
        "theirs": theirs,
        "currency": currency,
        "found_at": told.found_at,
        "opened_at": told.opened_at,
        "sentence": {"en": rule.en, "zh": rule.zh} if rule else None,
    }


def ripe(connection: sa.Connection, terms: Telling, *, now: datetime, limit: int) -> list[Key]:
    """Objects with suspicions that are due, the longest suspected first."""
    key = (mismatches.c.account, mismatches.c.kind, mismatches.c.object_id)
    rows = connection.execute(
        sa.select(*key)
        .where(
            # spelt as in the partial index, which holds the live ones only
            mismatches.c.state != word("settled"),
            mismatches.c.state == word("suspected"),
            sa.or_(*(_is_ripe(code, terms, now) for code in BY_CODE)),
        )
        .order_by(mismatches.c.found_at)
        .limit(limit)
    )
    return list(dict.fromkeys(Key(*row) for row in rows))


def _is_ripe(code: str, terms: Telling, now: datetime) -> sa.ColumnElement[bool]:
    """`Telling.is_due`, for the database to choose by."""
    patience, found = terms.patience(code), mismatches.c.found_at
    over = found <= now - patience
    if BY_CODE[code].asks:
        over = sa.and_(over, sa.or_(is_answered(), found <= now - patience * SILENCE))
    return sa.and_(mismatches.c.rule == code, over)
