"""Do the mismatches that stand follow from what is kept? All rules judge again, and are compared.

Nothing is written and nobody is told: what `reconcile` would write is a difference here. A finding
in its grace and one that is waived stand on the books, and a rule that is switched off asks for
nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from service.core.observation import Key
from service.core.statement.mapping import Reading
from service.ledger import mismatches, walks
from service.ledger.engine import Ledger
from service.ledger.mismatches import Telling, Verdict
from service.ledger.rules import BY_CODE, Finding
from service.ledger.rules.check import Live, check_stretch
from service.ledger.rules.scopes import Stretch
from service.work.rehearse import judged
from service.work.terms import Terms

# Differences that are named; above that they are only counted.
NAMED_LIMIT = 10_000
_BY_TIME = frozenset(code for code, rule in BY_CODE.items() if rule.by_time)


class Apart(StrEnum):
    """A finding without a mismatch, an open one without its finding, one that shows other sides."""

    NOT_OPEN = "not_open"
    NOT_FOUND = "not_found"
    OTHER_SIDES = "other_sides"


class Difference(NamedTuple):
    """One of them, by rule and object."""

    apart: Apart
    rule: str
    key: Key


@dataclass(slots=True)
class Rejudged:
    """How many objects were judged; how many differences there are, and the first of them."""

    objects: int = 0
    count: int = 0
    differing: list[Difference] = field(default_factory=list[Difference])

    def add(self, difference: Difference) -> None:
        """Count one, and name it while there are few."""
        self.count += 1
        if len(self.differing) < NAMED_LIMIT:
            self.differing.append(difference)


def rejudge(
    ledger: Ledger,
    readings: Mapping[str, Reading],
    *,
    terms: Terms,
    now: datetime,
    patience: timedelta = timedelta(0),
) -> Iterator[Rejudged]:
    """Judge everything, statements too; yields the same running account after each stretch.

    patience: how long the rules that wait for a time may leave unsaid what time alone has brought:
    that is opened by the next run over everything. Raises TryLater when the ledger is away.
    """
    done = Rejudged()
    telling = Telling(terms.tuning, terms.epoch, terms.sinks)
    for one in judged(ledger, readings, terms=terms, now=now):
        verdict = mismatches.weigh(one.checked, telling, now=now)
        fresh = _fresh(ledger, one.stretch, verdict, terms, now - patience)
        for difference in _differences(verdict, terms):
            if difference not in fresh:
                done.add(difference)
        done.objects += one.objects
        yield done
    with ledger.read() as connection:
        for rule, key in walks.standing_alone(connection, limit=NAMED_LIMIT):
            done.add(Difference(Apart.NOT_FOUND, rule, key))
    yield done


def _differences(verdict: Verdict, terms: Terms) -> Iterator[Difference]:
    for finding in verdict.new:
        yield _difference(Apart.NOT_OPEN, finding)
    for one in verdict.gone:
        if _stands(one, terms):
            yield _difference(Apart.NOT_FOUND, one.finding)
    for _, finding in verdict.moved:
        yield _difference(Apart.OTHER_SIDES, finding)


def _difference(apart: Apart, finding: Finding) -> Difference:
    return Difference(apart, finding.rule, finding.key)


def _stands(one: Live, terms: Terms) -> bool:
    """Whether a mismatch claims that its rule finds it: a suspicion may vanish in silence."""
    return one.state != "suspected" and terms.tuning.of(one.finding.rule).enabled


def _fresh(
    ledger: Ledger, stretch: Stretch | None, verdict: Verdict, terms: Terms, since: datetime
) -> set[Difference]:
    """What only the time that has passed since then brought: nothing had to say it yet."""
    brought = [one for one in verdict.new if one.rule in _BY_TIME]
    if stretch is None or not brought:
        return set()
    with ledger.read() as connection:
        earlier = check_stretch(connection, stretch, now=since, tuning=terms.tuning)
    found = {(one.rule, one.key) for one in earlier.found}
    return {_difference(Apart.NOT_OPEN, f) for f in brought if (f.rule, f.key) not in found}
