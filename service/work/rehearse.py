"""What would become of the mismatches if the rules ran over everything as they are set now?

Nothing is written and nobody is told: a changed rule, switch or tolerance shows its difference
before it counts.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from service.core.statement.mapping import Reading
from service.ledger import agreement, mismatches, stakes, statements, walks
from service.ledger.engine import Ledger
from service.ledger.mismatches import Telling
from service.ledger.rules import Finding
from service.ledger.rules.check import Checked, check_stretch
from service.ledger.rules.scopes import Stretch
from service.work.reconcile import STRETCH
from service.work.terms import Terms


@dataclass(slots=True)
class Rehearsed:
    """By rule: how many would open and settle, and by how many minor units their sides differ.

    What would open is suspected first where its rule has a grace. objects: how many were judged.
    """

    objects: int = 0
    opens: Counter[str] = field(default_factory=Counter[str])
    open_money: Counter[str] = field(default_factory=Counter[str])
    settles: Counter[str] = field(default_factory=Counter[str])
    settled_money: Counter[str] = field(default_factory=Counter[str])

    @property
    def rules(self) -> list[str]:
        """Those of which anything would change."""
        return sorted(self.opens.keys() | self.settles.keys())

    def add(self, new: Iterable[Finding], gone: Iterable[Finding]) -> None:
        """Count what would open and what would settle."""
        for finding in new:
            self.opens[finding.rule] += 1
            self.open_money[finding.rule] += _stake(finding)
        for finding in gone:
            self.settles[finding.rule] += 1
            self.settled_money[finding.rule] += _stake(finding)


def _stake(finding: Finding) -> int:
    return stakes.between(finding.ours, finding.theirs, finding.rule) or 0


def rehearse(
    ledger: Ledger,
    readings: Mapping[str, Reading],
    *,
    terms: Terms,
    now: datetime,
    on_slice: Callable[[int], object] | None = None,
) -> Rehearsed:
    """Run every rule over everything, statements too, without counting.

    Raises TryLater when the ledger is away.
    """
    seen = Rehearsed()
    for one in judged(ledger, readings, terms=terms, now=now):
        _compare(seen, one.checked, terms, now)
        seen.objects += one.objects
        if on_slice is not None and one.stretch is not None:
            on_slice(seen.objects)
    return seen


class Judged(NamedTuple):
    """What the rules find in a stretch, or in a source of statements (None), and what stands."""

    stretch: Stretch | None
    objects: int
    checked: Checked


def judged(
    ledger: Ledger, readings: Mapping[str, Reading], *, terms: Terms, now: datetime
) -> Iterator[Judged]:
    """Judge everything, stretch by stretch, then the statements source by source."""
    for stretch, objects in walks.everything(ledger, size=STRETCH):
        with ledger.read() as connection:
            checked = check_stretch(connection, stretch, now=now, tuning=terms.tuning)
        yield Judged(stretch, objects, checked)
    with ledger.read() as connection:
        known = statements.sources(connection)
    for account, source in known:
        if source not in readings:
            continue
        checked, too_many, _ = agreement.compare(ledger, account, source, readings[source])
        # what was not reached may still be found: nothing of it would settle
        live = () if too_many else checked.live
        yield Judged(None, 0, Checked(terms.tuning.left(checked.found), live))


def _compare(seen: Rehearsed, checked: Checked, terms: Terms, now: datetime) -> None:
    telling = Telling(terms.tuning, terms.epoch, terms.sinks)
    verdict = mismatches.weigh(checked, telling, now=now)
    seen.add(verdict.new, (one.finding for one in verdict.gone))
