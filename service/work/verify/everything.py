"""In which order is everything verified?"""

from collections.abc import Iterator, Mapping

from service.core.closing import day_of
from service.ledger import audit, journal
from service.ledger.engine import Ledger
from service.ledger.journal import Span
from service.ledger.kept_bytes import Range
from service.pingpp.signature import KeyRing
from service.work.rebuild import Rebuilt, rebuild
from service.work.verify.believed import believed
from service.work.verify.books import books
from service.work.verify.bytes import deliveries
from service.work.verify.found import Fault, Verified
from service.work.verify.posted import posted
from service.work.verify.told import answers, unnamed


def verify(
    ledger: Ledger, rings: Mapping[str, KeyRing], *, zone: str, which: Range
) -> Iterator[Verified]:
    """Check what came and what was closed in a range, and all that holds it together.

    Yields the same account again and again, so that long work can be watched. The chain of
    closings, the trial balance and the audit are always checked whole. Raises TryLater.
    """
    seen = Verified()
    yield from deliveries(ledger, rings, which, seen)
    yield from answers(ledger, which, seen)
    yield from unnamed(ledger, seen)
    first = None if which.since is None else day_of(which.since, zone)
    last = None if which.until is None else day_of(which.until, zone)
    yield from books(ledger, first, last, seen)
    yield from posted(ledger, which.since, which.until, seen)
    yield from _beliefs(ledger, which, seen)
    yield from believed(ledger, which.since, which.until, seen)
    yield from _trial(ledger, seen)
    yield from _audit(ledger, seen)


def _beliefs(ledger: Ledger, which: Range, seen: Verified) -> Iterator[Verified]:
    named, done = 0, Rebuilt()
    for done in rebuild(ledger, since=which.since, until=which.until):
        for key in done.differing[named:]:
            problem = "what is believed or booked is not the join of what was seen"
            seen.add(Fault("object", " ".join(key), problem))
        named = len(done.differing)
        seen.checked["object"] = done.objects
        yield seen


def _trial(ledger: Ledger, seen: Verified) -> Iterator[Verified]:
    with ledger.read() as connection:
        totals = journal.totals(connection, Span())
    for one in totals:
        seen.checked["trial balance"] += 1
        if one.debit != one.credit:
            problem = f"debit {one.debit} is not credit {one.credit}"
            seen.add(Fault("trial balance", one.currency, problem))
    yield seen


def _audit(ledger: Ledger, seen: Verified) -> Iterator[Verified]:
    for number in audit.broken(ledger):
        problem = "the audit was changed here, or the line before is gone"
        seen.add(Fault("audit", str(number), problem))
    seen.checked["audit"] += 1
    yield seen
