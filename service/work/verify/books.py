"""Do the closings stand as they were made, each on the one before, and upon their postings?"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import msgspec

from service.core.closing import (
    FIRST,
    Assignment,
    Closing,
    Entry,
    Mark,
    Tally,
    decode,
    differences,
    mark,
)
from service.ledger import closings
from service.ledger.closings import Link
from service.ledger.engine import Ledger
from service.work.verify.found import Fault, Verified

# Postings between two signs of life.
STEP = 5_000
# A day that nobody could check again: it is given by its dates alone.
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Day:
    """What the postings of a closed day are chosen and added up by."""

    day: date
    zone: str
    begins_at: datetime
    next_from: int
    mark: Mark


def books(
    ledger: Ledger, since: date | None, until: date | None, seen: Verified
) -> Iterator[Verified]:
    """The chain of all closings; then the postings of those days, added up again."""
    days = _chain(ledger, seen)
    yield seen
    wanted = [
        place
        for place, one in enumerate(days)
        if (since is None or one.day >= since) and (until is None or one.day <= until)
    ]
    if wanted:
        yield from _Again(ledger, days, wanted[0], wanted[-1], seen).run()


def _chain(ledger: Ledger, seen: Verified) -> list[_Day]:
    """Every closing's own hash, and that it holds the hash of the one before."""
    days: list[_Day] = []
    previous, day = FIRST, None
    for link in closings.links(ledger):
        seen.checked["closing"] += 1
        kept = _read(link)
        for problem in _problems(link, kept, previous, day):
            seen.add(Fault("closing", str(link.day), problem))
        if kept is not None:
            place = _Day(kept.day, kept.zone, kept.begins_at, kept.next_from, mark(kept))
            days.append(place)
        previous, day = link.hash, link.day
    if previous != closings.kept_end(ledger):
        seen.add(Fault("closing", f"after {day}", "the last closing that was made is not there"))
    return days


def _read(link: Link) -> Closing | None:
    try:
        return decode(link.text)
    except msgspec.MsgspecError:
        return None


def _problems(
    link: Link, kept: Closing | None, previous: str, before: date | None
) -> Iterator[str]:
    if not link.is_whole:
        yield "its bytes do not have their hash"
    if link.previous != previous:
        yield "it does not hold the hash of the day before"
    if before is not None and link.day != before + _ONE_DAY:
        yield f"the days after {before} are not there"
    if kept is None:
        yield "its bytes cannot be read"
    elif (kept.day, kept.previous) != (link.day, link.previous):
        yield "its bytes are of another day"
    elif not _balances(kept):
        yield "its balances do not add up to zero"


def _balances(kept: Closing) -> bool:
    """The trial balance of the day: both sides of all accounts, by currency."""
    sides: Counter[str] = Counter()
    for one in kept.balances:
        sides[one.currency] += one.debit - one.credit
    return not any(sides.values())


class _Again:
    """One pass over the postings; each day is compared when all of its own have passed."""

    def __init__(
        self, ledger: Ledger, days: list[_Day], first: int, last: int, seen: Verified
    ) -> None:
        self._ledger, self._seen = ledger, seen
        self._days, self._at, self._last = days[: last + 1], first, last
        self._from = days[first - 1].next_from if first else 0
        self._which = Assignment([one.mark for one in self._days])
        self._tallies: dict[int, Tally] = {}

    def run(self) -> Iterator[Verified]:
        """Add up and compare."""
        for count, entry in enumerate(closings.all_entries(self._ledger, first=self._from)):
            while self._at <= self._last and entry.id > self._days[self._at].mark.cut:
                self._compare()
            if self._at > self._last:
                break
            self._take(entry)
            if count % STEP == 0:
                yield self._seen
        while self._at <= self._last:
            self._compare()
        yield self._seen

    def _take(self, entry: Entry) -> None:
        place = self._which.place(entry.id, entry.happened_at)
        if self._at <= place <= self._last:
            self._tally(place).add(entry)
            self._seen.checked["posting"] += 1

    def _tally(self, place: int) -> Tally:
        if place not in self._tallies:
            one = self._days[place]
            self._tallies[place] = Tally(one.day, one.begins_at, one.zone)
        return self._tallies[place]

    def _compare(self) -> None:
        one, place = self._days[self._at], self._at
        self._at += 1
        tally = self._tally(place)
        del self._tallies[place]
        kept = closings.closing(self._ledger, one.day)
        before = closings.before(self._ledger, one.day)
        if kept is None:
            return
        stood = before.closing.balances if before else ()
        for name in differences(kept.closing, tally.figures(stood)):
            problem = f"its {name} does not follow from its postings"
            self._seen.add(Fault("closing", str(one.day), problem))
