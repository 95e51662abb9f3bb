"""Do statements and beliefs agree? The rules of statements, over every day that one covers."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from service.core.observation import Key
from service.core.statement.mapping import Reading
from service.ledger import agreement, mismatches, statements
from service.ledger.engine import Ledger
from service.ledger.mismatches import Telling
from service.ledger.rules import Finding
from service.ledger.rules.check import Checked
from service.work.terms import Terms

# Numbers whose mismatches are written in one transaction.
SLICE = 500


@dataclass(slots=True)
class Matched:
    """What matching one source found; too_many: there are more, and nothing was settled."""

    account: str
    source: str
    days: int = 0
    too_many: bool = False
    findings: tuple[Finding, ...] = ()
    found: Counter[str] = field(default_factory=Counter[str])
    suspected: Counter[str] = field(default_factory=Counter[str])
    opened: Counter[str] = field(default_factory=Counter[str])
    settled: Counter[str] = field(default_factory=Counter[str])


def match_all(
    ledger: Ledger, readings: Mapping[str, Reading], *, terms: Terms, now: datetime
) -> list[Matched]:
    """Match every source whose mapping is known; raises TryLater when the ledger is away."""
    with ledger.read() as connection:
        known = statements.sources(connection)
    return [
        match(ledger, account, source, readings[source], terms=terms, now=now)
        for account, source in known
        if source in readings
    ]


def match(
    ledger: Ledger, account: str, source: str, reading: Reading, *, terms: Terms, now: datetime
) -> Matched:
    """Compare one source both ways; open, move and settle its mismatches."""
    checked, too_many, days = agreement.compare(ledger, account, source, reading)
    checked = Checked(terms.tuning.left(checked.found), checked.live)
    seen = Matched(account, source, days, too_many, checked.found)
    seen.found.update(finding.rule for finding in checked.found)
    if too_many:
        # what was not reached may still be found
        known = {(finding.rule, finding.key) for finding in checked.found}
        live = tuple(one for one in checked.live if (one.finding.rule, one.finding.key) in known)
        checked = Checked(checked.found, live)
    telling = Telling(terms.tuning, terms.epoch, terms.sinks)
    for part in _slices(checked):
        _record(ledger, part, telling, seen, now)
    return seen


def _slices(checked: Checked) -> Iterable[Checked]:
    keys = sorted({f.key for f in checked.found} | {one.finding.key for one in checked.live})
    for start in range(0, len(keys), SLICE):
        yield _about(checked, keys[start : start + SLICE])


def _about(checked: Checked, keys: Sequence[Key]) -> Checked:
    chosen = set(keys)
    return Checked(
        tuple(finding for finding in checked.found if finding.key in chosen),
        tuple(one for one in checked.live if one.finding.key in chosen),
    )


def _record(ledger: Ledger, part: Checked, telling: Telling, seen: Matched, now: datetime) -> None:
    verdict = mismatches.weigh(part, telling, now=now)
    if not verdict.keys:
        return
    with ledger.begin() as connection:
        moves = mismatches.record(connection, verdict, telling, now=now)
    for counted, findings in zip((seen.suspected, seen.opened, seen.settled), moves, strict=True):
        counted.update(finding.rule for finding in findings)
