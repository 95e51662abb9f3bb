"""What all rules find about some objects, and what is on the books about them already."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from service.core.observation import Key
from service.ledger.keys import Selection, as_parameter, same_object
from service.ledger.rules import BY_CODE
from service.ledger.rules.passes import Pass, passes
from service.ledger.rules.reach import rules_about, rules_of
from service.ledger.rules.rule import Finding, Rule
from service.ledger.rules.scopes import Stretch, listed, stretch_of
from service.ledger.rules.sources import Sources, sources, word
from service.ledger.rules.tuning import Tuning
from service.ledger.schema import mismatches, watches

# what a watch's last look is called when the provider gave the object
_ANSWER = "ok"
_AS_IT_IS = Tuning()


@dataclass(frozen=True, slots=True)
class Live:
    """A mismatch that is not settled: suspected, open, acknowledged or waived.

    answered: a question of ours about its object, asked since it was found, has been answered.
    waived_until: the end of a waiver, which only a waived one has.
    """

    id: int
    finding: Finding
    state: str
    found_at: datetime
    opened_at: datetime | None
    answered: bool
    waived_until: datetime | None = None


def is_answered() -> sa.ColumnElement[bool]:
    """Whether the object of a mismatch was asked for since, and the provider answered."""
    return sa.exists().where(
        same_object(watches, mismatches),
        watches.c.last_answer == word(_ANSWER),
        watches.c.last_looked_at >= mismatches.c.found_at,
    )


@dataclass(frozen=True, slots=True)
class Checked:
    """Both sides of the comparison that `mismatches` makes."""

    found: tuple[Finding, ...]
    live: tuple[Live, ...]


def check(
    connection: sa.Connection, keys: Sequence[Key], *, now: datetime, tuning: Tuning = _AS_IT_IS
) -> Checked:
    """Run the rules over the objects of `keys` and what they lead to, in one round trip.

    Asked are those that can find anything there: the others find nothing, at some cost.
    """
    question = _about_some(connection.dialect.name, rules_about(key.kind for key in keys))
    return _checked(connection, question, {"keys": as_parameter(keys)}, now, tuning)


def check_stretch(
    connection: sa.Connection, stretch: Stretch, *, now: datetime, tuning: Tuning = _AS_IT_IS
) -> Checked:
    """Run the rules about one kind over all its objects in a stretch, and no others."""
    is_bounded = stretch.until is not None
    question = _about_stretch(connection.dialect.name, rules_of(stretch.kind), is_bounded)
    return _checked(connection, question, stretch.bounds, now, tuning)


@dataclass(frozen=True, slots=True)
class _Question:
    """One statement: the live mismatches of a scope, and what each pass finds there."""

    passes: Mapping[str, Pass]
    statement: sa.CompoundSelect[*tuple[Any, ...]]


def _checked(
    connection: sa.Connection,
    question: _Question,
    scope: Mapping[str, str],
    now: datetime,
    tuning: Tuning,
) -> Checked:
    unfinished = now - tuning.wait(BY_CODE["allocation_unfinished"])
    rows = connection.execute(question.statement, {**scope, "now": now, "unfinished": unfinished})
    found: list[Finding] = []
    live: list[Live] = []
    for row in rows:
        key = Key(*row[:3])
        if row.id is None:
            sides = question.passes[row.rule].found(row.ours, row.theirs)
            found += (
                Finding(rule, key, ours, theirs, row.currency) for rule, ours, theirs in sides
            )
        else:
            finding = Finding(row.rule, key, row.ours, row.theirs, row.currency)
            state, found_at, opened_at, answered, waived_until = row[8:]
            live.append(Live(row.id, finding, state, found_at, opened_at, answered, waived_until))
    return Checked(
        tuple(sorted(tuning.left(found), key=_order)), tuple(sorted(live, key=lambda one: one.id))
    )


def _order(finding: Finding) -> tuple[Key, str]:
    """One order for everybody: two batches never wait for each other in a circle."""
    return finding.key, finding.rule


# Few batches differ in more than their few usual kinds; a statement takes a megabyte at most.
@lru_cache(maxsize=32)
def _about_some(dialect: str, rules: tuple[Rule, ...]) -> _Question:
    return _question(rules, sources(dialect, listed(dialect)))


# A walk goes kind by kind.
@lru_cache(maxsize=4)
def _about_stretch(dialect: str, rules: tuple[Rule, ...], is_bounded: bool) -> _Question:
    return _question(rules, sources(dialect, stretch_of(is_bounded=is_bounded)))


def _question(rules: tuple[Rule, ...], of: Sources) -> _Question:
    named = {f"*{number}": one for number, one in enumerate(passes(rules, of))}
    found = (_finding(name, one.select) for name, one in named.items())
    return _Question(named, sa.union_all(_standing(of), *found))


def _finding(name: str, found: Selection) -> Selection:
    return found.add_columns(
        word(name),
        sa.cast(sa.null(), sa.BigInteger()),
        sa.cast(sa.null(), sa.Text()),
        sa.cast(sa.null(), sa.BigInteger()),
        sa.cast(sa.null(), sa.BigInteger()),
        sa.cast(sa.null(), sa.Boolean()),
        sa.cast(sa.null(), sa.BigInteger()),
    )


def _standing(of: Sources) -> Selection:
    """The live mismatches of the scope; first of the union, so that its types hold for all."""
    one = mismatches.c
    return of.rows(
        mismatches,
        one.account,
        one.kind,
        one.object_id,
        one.ours,
        one.theirs,
        one.currency,
        one.rule,
        one.id,
        one.state,
        one.found_at,
        one.opened_at,
        is_answered(),
        one.waived_until,
    ).where(one.state != word("settled"))
