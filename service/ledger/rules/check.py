"""What all rules find about some objects, and what is on the books about them already."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from service.core.observation import Key
from service.ledger.keys import Selection, as_parameter, same_object
from service.ledger.rules import BY_CODE
from service.ledger.rules.reach import rules_about
from service.ledger.rules.rule import Finding, Rule
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
    unfinished = now - tuning.wait(BY_CODE["allocation_unfinished"])
    rows = connection.execute(
        _statement(connection.dialect.name, rules_about(key.kind for key in keys)),
        {"keys": as_parameter(keys), "now": now, "unfinished": unfinished},
    )
    found: list[Finding] = []
    live: list[Live] = []
    for row in rows:
        finding = Finding(row.rule, Key(*row[:3]), row.ours, row.theirs, row.currency)
        if row.id is None:
            found.append(finding)
        else:
            live.append(Live(row.id, finding, *row[8:]))
    return Checked(
        tuple(sorted(tuning.left(found), key=_order)), tuple(sorted(live, key=lambda one: one.id))
    )


def _order(finding: Finding) -> tuple[Key, str]:
    """One order for everybody: two batches never wait for each other in a circle."""
    return finding.key, finding.rule


# Few batches differ in more than their few usual kinds; a statement takes a megabyte at most.
@lru_cache(maxsize=32)
def _statement(dialect: str, rules: tuple[Rule, ...]) -> sa.CompoundSelect[*tuple[Any, ...]]:
    of = sources(dialect)
    return sa.union_all(_standing(of), *(_finding(rule.code, rule.select(of)) for rule in rules))


def _finding(code: str, found: Selection) -> Selection:
    return found.add_columns(
        word(code),
        sa.cast(sa.null(), sa.BigInteger()),
        sa.cast(sa.null(), sa.Text()),
        sa.cast(sa.null(), sa.BigInteger()),
        sa.cast(sa.null(), sa.BigInteger()),
        sa.cast(sa.null(), sa.Boolean()),
        sa.cast(sa.null(), sa.BigInteger()),
    )


def _standing(of: Sources) -> Selection:
    """The live mismatches of the scope; first of the union, so that its types hold for all."""
    return (
        sa.select(
            mismatches.c.account,
            mismatches.c.kind,
            mismatches.c.object_id,
            mismatches.c.ours,
            mismatches.c.theirs,
            mismatches.c.currency,
            mismatches.c.rule,
            mismatches.c.id,
            mismatches.c.state,
            mismatches.c.found_at,
            mismatches.c.opened_at,
            is_answered(),
            mismatches.c.waived_until,
        )
        .select_from(of.scope.join(mismatches, same_object(of.scope, mismatches)))
        .where(mismatches.c.state != word("settled"))
    )
