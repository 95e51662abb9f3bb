"""What does a closed business day hold, and from which bytes is its hash made?

Two digests. That of the day's entries: SHA-256 over one line for each posting, in order of their
numbers. That of the closing: SHA-256 over the one line of JSON that holds everything else with the
first digest and the hash of the day before, so that no day can be changed without all that follow.
"""

import hashlib
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from service.core.instant import from_micros, to_micros
from service.core.journal import FEES

# What stands in the place of the day before in the first closing of a ledger.
FIRST = "0" * 64
FORM = 1


class Entry(NamedTuple):
    """One posting as its line is made of it; times in µs since 1970, amounts in minor units."""

    id: int
    account: str
    kind: str
    object_id: str
    entry: int
    line: int
    debit: str
    credit: str
    amount: int
    currency: str
    app: str | None
    order_id: str | None
    happened_at: int
    known_at: int
    corrects: int | None


@dataclass(frozen=True, slots=True, order=True)
class Total:
    """What moved between two kinds of accounts: `count` postings, `amount` minor units.

    day: on which it happened. debit, credit: payable, wallet, clearing, …, without whose. channel:
    that of the clearing account, if there is one. fees: how much of it are fees; negative: what
    users bear of them.
    """

    day: date
    account: str
    app: str
    channel: str
    kind: str
    currency: str
    debit: str
    credit: str
    count: int
    amount: int
    fees: int


@dataclass(frozen=True, slots=True, order=True)
class Standing:
    """An account of the journal after the day; a wallet is all wallets of an app together."""

    account: str
    book: str
    currency: str
    debit: int
    credit: int


@dataclass(frozen=True, slots=True, order=True)
class Unsettled:
    """So many mismatches of one rule were not settled when the day closed."""

    account: str
    kind: str
    rule: str
    severity: str
    state: str
    count: int


@dataclass(frozen=True, slots=True, order=True)
class Pending:
    """Something that keeps a day from closing.

    what: day, delivery, quarantine, object, statement. kind and id: which; state: how it stands.
    """

    what: str
    account: str = ""
    kind: str = ""
    id: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class Closing:
    """A day as it was frozen.

    begins_at, ends_at: the day before ended, it ended. cut: the last posting there was. postings:
    how many are in it; adjusted: those of them that happened on a day that was closed before.
    digest: of their lines. next_from: the first posting that was not in it or before. reason: why
    it was closed although things were pending, as many as `pending` says, the first in `open`.
    """

    form: int
    day: date
    zone: str
    begins_at: datetime
    ends_at: datetime
    closed_at: datetime
    by: str
    reason: str
    pending: int
    open: tuple[Pending, ...]
    previous: str
    cut: int
    next_from: int
    mismatches: tuple[Unsettled, ...]
    postings: int = 0
    adjusted: int = 0
    digest: str = ""
    totals: tuple[Total, ...] = ()
    adjustments: tuple[Total, ...] = ()
    balances: tuple[Standing, ...] = ()


class Mark(NamedTuple):
    """Where a day ends: the last posting there was, and the first instant (µs) of the next day."""

    cut: int
    ends_at: int


# Before the first closing nothing was closed.
NOTHING = Mark(0, 0)

_decoder = msgspec.json.Decoder(Closing)


def encode(closing: Closing) -> str:
    """Its one line of JSON, with the line end: what is kept, shown and hashed."""
    return msgspec.json.encode(closing).decode() + "\n"


def decode(text: str) -> Closing:
    """Read back what `encode` wrote; a newer release's further fields are passed over."""
    return _decoder.decode(text)


def digest_of(text: str) -> str:
    """SHA-256 in hex, of a closing's line too."""
    return hashlib.sha256(text.encode()).hexdigest()


def line(entry: Entry) -> bytes:
    """A posting's line: a JSON array without spaces, UTF-8, and a line end."""
    return msgspec.json.encode(entry) + b"\n"


def mark(closing: Closing | None) -> Mark:
    """Where a closing ends."""
    return Mark(closing.cut, to_micros(closing.ends_at)) if closing else NOTHING


def start_of(day: date, zone: str) -> datetime:
    """The first instant of a business day."""
    return datetime.combine(day, time.min, ZoneInfo(zone))


def day_of(instant: datetime, zone: str) -> date:
    """The business day of an instant."""
    return instant.astimezone(ZoneInfo(zone)).date()


def day_after(day: date) -> date:
    """The next day."""
    return day + timedelta(days=1)


class Assignment:
    """Which of some closings, in order, each posting is in.

    The first that had not ended when it happened, and had not been made when it was written.
    """

    def __init__(self, marks: Sequence[Mark]) -> None:
        self._cuts = [one.cut for one in marks]
        self._ends = [one.ends_at for one in marks]

    def place(self, number: int, happened_at: int) -> int:
        """Its place among them; their number when it is in none yet."""
        return max(bisect_left(self._cuts, number), bisect_right(self._ends, happened_at))


# day, account, app, channel, kind, currency, debit, credit
_Group = tuple[date, str, str, str, str, str, str, str]


class Tally:
    """Adds up the postings of one day, each given once and in order of their numbers."""

    def __init__(self, day: date, begins_at: datetime, zone: str) -> None:
        self._day, self._zone, self._begins = day, zone, to_micros(begins_at)
        self._digest = hashlib.sha256()
        self._counts: Counter[_Group] = Counter()
        self._amounts: Counter[_Group] = Counter()
        self._moved: dict[tuple[str, str, str], list[int]] = {}
        self.postings = 0
        self.adjusted = 0

    def add(self, entry: Entry) -> None:
        """Take one posting in."""
        self._digest.update(line(entry))
        self.postings += 1
        day = self._day
        if entry.happened_at < self._begins:
            self.adjusted += 1
            day = day_of(from_micros(entry.happened_at), self._zone)
        debit, credit = _class(entry.debit), _class(entry.credit)
        channel = _channel(entry.debit) or _channel(entry.credit)
        key = (
            day, entry.account, entry.app or "", channel, entry.kind, entry.currency, debit, credit,
        )  # fmt: skip
        self._counts[key] += 1
        self._amounts[key] += entry.amount
        self._move(entry, entry.debit, 0)
        self._move(entry, entry.credit, 1)

    def _move(self, entry: Entry, book: str, side: int) -> None:
        key = (entry.account, _together(book), entry.currency)
        self._moved.setdefault(key, [0, 0])[side] += entry.amount

    def figures(self, before: Iterable[Standing]) -> dict[str, Any]:
        """What a closing holds of the postings, by the names of its fields.

        before: what stood on each account when the day began.
        """
        return {
            "postings": self.postings,
            "adjusted": self.adjusted,
            "digest": self._digest.hexdigest(),
            "totals": self._totals(adjustments=False),
            "adjustments": self._totals(adjustments=True),
            "balances": self._balances(before),
        }

    def _totals(self, *, adjustments: bool) -> tuple[Total, ...]:
        """In order: of the day itself, or of the days before it."""
        return tuple(
            Total(*key, self._counts[key], amount, _fees(key[6], key[7], amount))
            for key, amount in sorted(self._amounts.items())
            if (key[0] != self._day) is adjustments
        )

    def _balances(self, before: Iterable[Standing]) -> tuple[Standing, ...]:
        sums = {(one.account, one.book, one.currency): [one.debit, one.credit] for one in before}
        for key, (debit, credit) in self._moved.items():
            stood = sums.setdefault(key, [0, 0])
            stood[0] += debit
            stood[1] += credit
        return tuple(Standing(*key, *sides) for key, sides in sorted(sums.items()))


def differences(kept: Closing, figures: Mapping[str, Any]) -> list[str]:
    """The names of what does not follow from the postings in a closing."""
    return [name for name, value in figures.items() if getattr(kept, name) != value]


def _class(book: str) -> str:
    return book.partition(":")[0]


def _channel(book: str) -> str:
    kind, _, channel = book.partition(":")
    return channel if kind == "clearing" else ""


def _together(book: str) -> str:
    """No app's id holds a dash: what follows it is the user."""
    return book.partition("-")[0] if book.startswith("wallet:") else book


def _fees(debit: str, credit: str, amount: int) -> int:
    return amount * ((debit == FEES) - (credit == FEES))
