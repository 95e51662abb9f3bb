"""What a rule is: a name, a sentence, a patience, and one SELECT that finds what does not agree."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from service.core.observation import Key
from service.ledger.keys import Selection
from service.ledger.rules.sources import Expression, Sources


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table of rules.

    severity: info, warning or critical. en, zh: what is wrong, to a person.
    grace_seconds: how long a finding may pass by itself before it is told. 0: told at once; None:
    the time that two notifications of one story may lie apart (the setting `reconcile.grace`).
    asks: the object is asked for again while the grace runs; the answer and not the time decides.
    select: yields account, kind, object_id, ours, theirs, currency.
    kinds: of the objects that its findings are about; none: of any.
    amounts: both sides are minor units of one currency, so that a tolerance may be set.
    waits: its grace is part of the SELECT: it finds nothing earlier, and tells at once.
    by_time: time alone can make it find something, while nothing that is believed changes.
    """

    code: str
    severity: str
    grace_seconds: float | None
    en: str
    zh: str
    select: Callable[[Sources], Selection]
    asks: bool = False
    kinds: tuple[str, ...] = ()
    amounts: bool = False
    waits: bool = False
    by_time: bool = False

    def patience(self, grace_seconds: float, scale: float) -> timedelta:
        """The grace of a finding: the setting as it is, a rule's own divided by the scale."""
        if self.waits:
            return timedelta(0)
        own = self.grace_seconds
        return timedelta(seconds=grace_seconds if own is None else own / scale)


class Finding(NamedTuple):
    """What a rule found: the two sides as text, minor units or words as the rule says."""

    rule: str
    key: Key
    ours: str
    theirs: str
    currency: str | None


def finds(row: Any, *, ours: Expression, theirs: Expression) -> Selection:
    """A finding about each row of a source; the rule adds its WHERE."""
    return sa.select(
        row.c.account,
        row.c.kind,
        row.c.object_id,
        sa.cast(ours, sa.Text()).label("ours"),
        sa.cast(theirs, sa.Text()).label("theirs"),
        row.c.currency,
    )
