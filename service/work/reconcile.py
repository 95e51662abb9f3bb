"""Does it all agree? The rules over what a batch touched, over ripe suspicions, over everything."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from service.core.observation import Key
from service.ledger import asking, mismatches, walks
from service.ledger.engine import Connection, Ledger
from service.ledger.mismatches import Moves, Telling
from service.ledger.rules import BY_CODE
from service.ledger.rules.check import check, check_stretch
from service.ledger.rules.scopes import Stretch
from service.work.terms import Terms

# Objects of a kind that one SELECT judges: a second of reading, some ten megabytes of a sorter.
STRETCH = 20_000
# Objects that one write transaction judges again and writes about.
SLICE = 500
# Suspicions and overdue objects worked in one go, every few seconds.
SUSPECTS_LIMIT = 200
# A suspicious object is asked for again after this part of the grace: its notification is likely
# to come first, and then nothing is asked.
_ASK_PART = 6


@dataclass(slots=True)
class Reconciled:
    """What a run over everything saw: objects, and by rule the findings and what became of them."""

    objects: int = 0
    found: Counter[str] = field(default_factory=Counter[str])
    suspected: Counter[str] = field(default_factory=Counter[str])
    opened: Counter[str] = field(default_factory=Counter[str])
    settled: Counter[str] = field(default_factory=Counter[str])


def after_batch(
    connection: Connection, touched: Sequence[Key], *, terms: Terms, now: datetime
) -> Moves:
    """Run the rules over touched objects, inside the transaction that touched them."""
    checked = check(connection, touched, now=now, tuning=terms.tuning)
    if not checked.found and not checked.live:
        return Moves()
    telling = _telling(terms)
    verdict = mismatches.weigh(checked, telling, now=now)
    moves = mismatches.record(connection, verdict, telling, now=now)
    doubtful = [finding.key for finding in moves.suspected if BY_CODE[finding.rule].asks]
    doubtful += [one.finding.key for one in verdict.waiting]
    soon = now + timedelta(seconds=terms.grace_seconds / _ASK_PART)
    asking.ask_by(connection, doubtful, at=soon)
    return moves


def suspects(ledger: Ledger, *, terms: Terms, now: datetime) -> int:
    """Judge suspicions whose grace is over, and objects that have become overdue; how many.

    Raises TryLater when the ledger is away.
    """
    with ledger.read() as connection:
        keys = mismatches.ripe(connection, _telling(terms), now=now, limit=SUSPECTS_LIMIT)
        keys += walks.newly_overdue(connection, now=now, limit=SUSPECTS_LIMIT)
    if keys:
        with ledger.begin() as connection:
            after_batch(connection, sorted(set(keys)), terms=terms, now=now)
    return len(set(keys))


def reconcile(
    ledger: Ledger,
    *,
    terms: Terms,
    now: datetime,
    on_slice: Callable[[int], object] | None = None,
    size: int = STRETCH,
) -> Reconciled:
    """Run the rules over everything, stretch by stretch; only what differs is written.

    on_slice: hears how many objects were judged so far. Raises TryLater when the ledger is away;
    what was settled until then stays settled.
    """
    seen = Reconciled()
    for stretch, objects in walks.everything(ledger, size=size):
        _judge(ledger, stretch, seen, terms, now)
        seen.objects += objects
        if on_slice is not None:
            on_slice(seen.objects)
    return seen


def _judge(ledger: Ledger, stretch: Stretch, seen: Reconciled, terms: Terms, now: datetime) -> None:
    with ledger.read() as connection:
        checked = check_stretch(connection, stretch, now=now, tuning=terms.tuning)
    seen.found.update(finding.rule for finding in checked.found)
    differing = mismatches.weigh(checked, _telling(terms), now=now).keys
    for start in range(0, len(differing), SLICE):
        with ledger.begin() as connection:
            moves = after_batch(connection, differing[start : start + SLICE], terms=terms, now=now)
        for counted, findings in zip(
            (seen.suspected, seen.opened, seen.settled), moves, strict=True
        ):
            counted.update(finding.rule for finding in findings)


def _telling(terms: Terms) -> Telling:
    return Telling(terms.tuning, terms.epoch, terms.sinks)
