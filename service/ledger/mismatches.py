"""What becomes of findings: suspected while their grace runs, then open and told, settled by facts.

A suspected one that vanishes is settled in silence: nobody was told of it. What was told of is told
of again when the facts agree.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from service.core.filter import Sinks
from service.core.observation import Key
from service.ledger import desk, outbox
from service.ledger.dialect import insert
from service.ledger.rules import BY_CODE, RULES, Finding
from service.ledger.rules.check import Checked, Live, is_answered
from service.ledger.rules.sources import word
from service.ledger.rules.tuning import Tuning
from service.ledger.schema import mismatches
from service.ledger.tellings import Told, messages

_NO_PATIENCE = timedelta(0)
# While the provider cannot be asked, so many times its grace passes before a suspicion opens: an
# outage of theirs is no alarm for each of their refunds.
SILENCE = 10
_ASKING = frozenset(code for code, rule in BY_CODE.items() if rule.asks)
_SIDES = ("ours", "theirs", "currency")


@dataclass(frozen=True, slots=True)
class Telling:
    """How long findings may last untold, and to whom and under which epoch they are told."""

    tuning: Tuning
    epoch: str
    sinks: Sinks

    def patience(self, code: str) -> timedelta:
        """The grace of one rule's findings."""
        return self.tuning.patience(code)

    def told(self, finding: Finding, state: str, found_at: datetime, opened_at: datetime) -> Told:
        """One thing to tell, as bad as the settings say."""
        code = finding.rule
        reason = None if self.tuning.of(code).enabled else "rule_disabled"
        return Told(finding, state, found_at, opened_at, self.tuning.severity(code), reason)

    def wait(self, code: str, *, answered: bool) -> timedelta:
        """How long a suspicion must last to open."""
        silent = code in _ASKING and not answered
        return self.patience(code) * (SILENCE if silent else 1)

    def is_due(self, one: Live, now: datetime) -> bool:
        """Whether a suspicion has lasted long enough."""
        waited = now - one.found_at
        wait = self.wait(one.finding.rule, answered=one.answered)
        return one.state == "suspected" and waited >= wait


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be written: findings that are new, live ones that are due, differ or are gone.

    waiting: suspicions that last until a question of ours is answered; nothing is written of them.
    again: waived ones whose waiver has ended, or whose sides are no longer those that were waived.
    """

    new: tuple[Finding, ...] = ()
    due: tuple[Live, ...] = ()
    moved: tuple[tuple[Live, Finding], ...] = ()
    gone: tuple[Live, ...] = ()
    waiting: tuple[Live, ...] = ()
    again: tuple[Live, ...] = ()

    @property
    def keys(self) -> list[Key]:
        """Every object that something is to be written about."""
        live = [*self.due, *(one for one, _ in self.moved), *self.gone, *self.again]
        return sorted({f.key for f in self.new} | {one.finding.key for one in live})


class Moves(NamedTuple):
    """What was written: new suspicions, openings and settlings, each by rule and object."""

    suspected: tuple[Finding, ...] = ()
    opened: tuple[Finding, ...] = ()
    settled: tuple[Finding, ...] = ()


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
        waiting=tuple(one for one, _ in still if _is_unanswered(one)),
        again=tuple(one for one, finding in still if _is_waived_no_more(one, finding, now)),
    )


def _is_waived_no_more(one: Live, finding: Finding, now: datetime) -> bool:
    """A waiver is of two sides as a person saw them, and has an end."""
    return one.waived_until is not None and (finding != one.finding or one.waived_until <= now)


def _is_unanswered(one: Live) -> bool:
    return one.state == "suspected" and one.finding.rule in _ASKING and not one.answered


def record(connection: sa.Connection, verdict: Verdict, terms: Telling, *, now: datetime) -> Moves:
    """Write a verdict and put its messages into the outbox, in the caller's transaction."""
    _move(connection, verdict.moved)
    sides = {one.id: finding for one, finding in verdict.moved}
    born = _insert(connection, verdict.new, terms, now)
    due = _update(connection, verdict.due, "suspected", state="open", opened_at=now)
    gone = _update(
        connection, verdict.gone, None, state="settled", settled_at=now, waived_until=None
    )
    again = desk.open_again(connection, [one.id for one in verdict.again], now=now)
    told = [terms.told(f, "open", now, now) for f in born if terms.patience(f.rule) <= _NO_PATIENCE]
    told += [terms.told(sides.get(one.id, one.finding), "open", one.found_at, now) for one in due]
    told += [
        terms.told(one.finding, "settled", one.found_at, one.opened_at)
        for one in gone
        if one.opened_at and one.state != "waived"
    ]
    told += [
        terms.told(sides.get(one.id, one.finding), "open", one.found_at, now)
        for one in verdict.again
        if one.id in again
    ]
    outbox.enqueue(
        connection, messages(connection, told, epoch=terms.epoch, now=now), terms.sinks, now=now
    )
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
        "severity": terms.tuning.severity(finding.rule),
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


def ripe(connection: sa.Connection, terms: Telling, *, now: datetime, limit: int) -> list[Key]:
    """Objects with suspicions that are due or waivers that have ended, the oldest first."""
    key = (mismatches.c.account, mismatches.c.kind, mismatches.c.object_id)
    suspected = sa.and_(
        mismatches.c.state == word("suspected"),
        sa.or_(
            _have_lasted(BY_CODE, terms, now),
            sa.and_(is_answered(), _have_lasted(_ASKING, terms, now, answered=True)),
        ),
    )
    rows = connection.execute(
        sa.select(*key)
        .where(
            # spelt as in the partial index, which holds the live ones only
            mismatches.c.state != word("settled"),
            # what a statement showed is judged when statements are matched
            mismatches.c.rule.in_([rule.code for rule in RULES]),
            sa.or_(suspected, mismatches.c.waived_until <= now),
        )
        .order_by(mismatches.c.found_at)
        .limit(limit)
    )
    return list(dict.fromkeys(Key(*row) for row in rows))


def _have_lasted(
    codes: Iterable[str], terms: Telling, now: datetime, *, answered: bool = False
) -> sa.ColumnElement[bool]:
    """`Telling.is_due`, for the database to choose by: rules of equal patience together."""
    together: defaultdict[timedelta, list[str]] = defaultdict(list)
    for code in codes:
        together[terms.wait(code, answered=answered)].append(code)
    return sa.or_(
        *(
            sa.and_(mismatches.c.rule.in_(equals), mismatches.c.found_at <= now - wait)
            for wait, equals in together.items()
        )
    )
