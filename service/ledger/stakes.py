"""How many mismatches are open, of which rule and severity, and how much money is at stake?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from service.ledger.engine import Connection
from service.ledger.schema import mismatches

# What is longer is an id: some rules show ids as their two sides, and ids may be all digits.
AMOUNT_DIGITS = 15

# Rules whose sides are digits and no amounts, and what they are instead.
FIGURES: Mapping[str, str] = {
    "order_no_twice": "id",
    "statement_date": "day",
    "statement_duplicate": "count",
    "summary_count": "count",
    "time_before_created": "time",
}

# Rules that compare an amount with a word: all of the amount is at stake.
ALONE = ("canceled_but_paid", "statement_missing_here", "statement_missing_there")

_DIGITS = "0123456789"
_OPEN = ("open", "acknowledged")


@dataclass(frozen=True, slots=True)
class Stakes:
    """counts: by rule and severity. money: minor units by rule, severity and currency."""

    counts: Mapping[tuple[str, str], int]
    money: Mapping[tuple[str, str, str], int]


def between(ours: str, theirs: str, rule: str) -> int | None:
    """By how much two sides of a rule differ, minor units; None where they are no amounts."""
    found = amounts(ours, theirs, rule)
    if len(found) > 1:
        return abs(found[0] - found[1])
    return found[0] if found and rule in ALONE else None


def amounts(ours: str, theirs: str, rule: str) -> list[int]:
    """Those of two sides of a rule that are amounts, minor units."""
    if rule in FIGURES:
        return []
    sides = (ours, theirs)
    return [
        int(one) for one in sides if one.isdecimal() and one.isascii() and len(one) <= AMOUNT_DIGITS
    ]


def read(connection: Connection) -> Stakes:
    """Add up what is open or acknowledged; waived and suspected ones are neither."""
    named = (mismatches.c.rule, mismatches.c.severity, mismatches.c.currency)
    rows: Sequence[Any] = connection.execute(
        sa.select(*named, sa.func.count(), sa.cast(sa.func.sum(_between()), sa.BigInteger()))
        # a literal: both planners see that the partial index holds every row asked for
        .where(sa.text("state <> 'settled'"), mismatches.c.state.in_(_OPEN))
        .group_by(*named)
    ).all()
    counts: dict[tuple[str, str], int] = {}
    money: dict[tuple[str, str, str], int] = {}
    for rule, severity, currency, count, stake in rows:
        counts[rule, severity] = counts.get((rule, severity), 0) + int(count)
        if currency is not None and stake is not None:
            money[rule, severity, currency] = int(stake)
    return Stakes(counts, money)


def _between() -> sa.ColumnElement[int]:
    """`between` in SQL; nothing is cast that is not all digits."""
    rule, sides = mismatches.c.rule, (mismatches.c.ours, mismatches.c.theirs)
    ours, theirs = (sa.cast(side, sa.BigInteger()) for side in sides)
    have_ours, have_theirs = (_is_amount(side) for side in sides)
    return sa.case(
        (rule.in_(FIGURES), sa.null()),
        (sa.and_(have_ours, have_theirs), sa.func.abs(ours - theirs)),
        (sa.and_(have_ours, rule.in_(ALONE)), ours),
        (sa.and_(have_theirs, rule.in_(ALONE)), theirs),
    )


def _is_amount(side: sa.Column[str]) -> sa.ColumnElement[bool]:
    length = sa.func.length(side)
    return sa.and_(sa.func.trim(side, _DIGITS) == "", length > 0, length <= AMOUNT_DIGITS)
