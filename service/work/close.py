"""How does a business day close? In order, when nothing of it is open, or with the reason why.

What a day holds is never changed: what comes to be known later of a closed day is in the next one,
under the day on which it happened.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from service.core.closing import (
    FIRST,
    FORM,
    Closing,
    Mark,
    Pending,
    Standing,
    Tally,
    day_after,
    day_of,
    differences,
    encode,
    line,
    mark,
    start_of,
)
from service.core.errors import GiveUp, Raced, TryLater
from service.core.instant import to_micros
from service.core.kinds import KINDS
from service.core.kinds.kind import no_legs
from service.core.masking import mask_text
from service.core.messages import Message, closing_message
from service.core.statement.mapping import Reading
from service.ledger import closings, outbox, pending, statements
from service.ledger.closings import Closed
from service.ledger.engine import Ledger
from service.work import alarms
from service.work.statement.match import match
from service.work.terms import Terms

# Who closes when the hour comes.
OURSELVES = "pingledger"
REASON_LIMIT = BY_LIMIT = 200
# Of these is asked whether they have ended: they move money, and they end.
MONEY_KINDS = tuple(
    name
    for name, kind in KINDS.items()
    if kind.legs is not no_legs and any(known.branch for known in kind.words.values())
)
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Source:
    """A source of statements that a day waits for; account None: of whoever has had some."""

    name: str
    account: str | None
    reading: Reading


@dataclass(frozen=True, slots=True)
class ClosingTerms:
    """When a day closes: its zone, from which hour of the next day on, and after which files.

    runs: by itself; else people close days, where they do.
    """

    zone: str
    hour: int = 6
    sources: Sequence[Source] = field(default_factory=tuple[Source, ...])
    runs: bool = True


class StillOpen(GiveUp):
    """The day cannot close: `count` things are open, the first of them in `named`."""

    def __init__(self, day: date, count: int, named: Sequence[Pending]) -> None:
        super().__init__(f"{day} cannot close: {count:,} still open")
        self.day = day
        self.count = count
        self.named = tuple(named)


def close(
    ledger: Ledger,
    day: date,
    rules: ClosingTerms,
    *,
    terms: Terms,
    now: datetime,
    by: str = OURSELVES,
    reason: str = "",
) -> tuple[Closed, bool]:
    """Close a day; whether we did: another process may have been first.

    reason: closes it whatever is open. Raises StillOpen; GiveUp when it is not its turn; TryLater.
    """
    before = closings.last(ledger)
    if before is not None and before.day >= day:
        if (known := closings.closing(ledger, day)) is not None:
            return known, False
        raise GiveUp(f"days close in order: the next is {day_after(before.day)}")
    _check_turn(ledger, before, day, day_of(now, rules.zone))
    opened = _open(ledger, day, rules, before, terms, now)
    if opened[0] and not reason:
        raise StillOpen(day, *opened)
    made = _freeze(ledger, before, day, rules, opened, (by, reason), now)
    is_ours = _write(ledger, made, terms, now)
    done = closings.closing(ledger, day)
    if done is None:
        raise TryLater("another process closed a day: once more")
    return done, is_ours


def _write(ledger: Ledger, made: Closing, terms: Terms, now: datetime) -> bool:
    """Write it and tell of it, unless another process was first."""
    try:
        with ledger.begin() as connection:
            digest = closings.add(connection, made)
            told = _messages(made, digest, terms, now)
            outbox.enqueue(connection, told, terms.sinks, now=now)
    except Raced:
        return False
    return True


def due(ledger: Ledger, rules: ClosingTerms, now: datetime) -> Iterator[date]:
    """The days whose turn it is, in order; ask for the next when one is closed."""
    while True:
        last = closings.last_day(ledger)
        day = day_after(last) if last else first_day(ledger, rules.zone)
        if day is None or now < start_of(day_after(day), rules.zone) + timedelta(hours=rules.hour):
            return
        yield day


def first_day(ledger: Ledger, zone: str) -> date | None:
    """The day on which the ledger began: its first closing holds what happened before, too."""
    known = closings.first_day_known(ledger)
    return None if known is None else day_of(known, zone)


@dataclass(frozen=True, slots=True)
class Overdue:
    """Days whose turn it is, the first of them, and since when that one could have closed."""

    days: int
    first: date
    since: datetime


def overdue(ledger: Ledger, rules: ClosingTerms, now: datetime) -> Overdue | None:
    """The days that could be closed and are not; None: there is none.

    Where people close days, none is late before the first was closed: nobody may want any.
    """
    first = next(due(ledger, rules, now), None)
    if first is None or not (rules.runs or closings.last_day(ledger)):
        return None
    wait = timedelta(hours=rules.hour)
    days = (day_of(now - wait, rules.zone) - first).days
    return Overdue(days, first, start_of(day_after(first), rules.zone) + wait)


def still_open(
    ledger: Ledger, day: date, rules: ClosingTerms, terms: Terms, now: datetime
) -> tuple[int, list[Pending]]:
    """What keeps the next day from closing, without matching its statements again."""
    wanted = [(one, source.name) for source, one in _wanted(ledger, rules, terms)]
    return _pending(ledger, day, rules, closings.last(ledger), wanted, now)


def close_due(
    ledger: Ledger,
    rules: ClosingTerms,
    *,
    terms: Terms,
    clock: Callable[[], datetime],
    by: str = OURSELVES,
    stopping: Callable[[], bool] = lambda: False,
) -> tuple[list[Closed], StillOpen | None]:
    """Close every day whose turn it is; those closed, and why the next one could not be."""
    done: list[Closed] = []
    for day in due(ledger, rules, clock()):
        if stopping():
            break
        try:
            closed, _ = close(ledger, day, rules, terms=terms, now=clock(), by=by)
        except StillOpen as refusal:
            _tell_refused(ledger, refusal, terms, clock())
            return done, refusal
        done.append(closed)
    return done, None


def derive(ledger: Ledger, known: Closed) -> tuple[str, list[str]]:
    """Make a closing again from its postings: its bytes, and the names of what differs."""
    before = closings.before(ledger, known.day)
    kept = known.closing
    figures = _add_up(ledger, kept, before).figures(_stood(before))
    return encode(replace(kept, **figures)), differences(kept, figures)


def lines(ledger: Ledger, known: Closed) -> Iterator[bytes]:
    """The lines of a closing's postings, whose SHA-256 is its `digest`."""
    before = closings.before(ledger, known.day)
    since = mark(before.closing if before else None)
    first = _next_from(before)
    return map(line, closings.entries(ledger, since, mark(known.closing), first=first))


def _check_turn(ledger: Ledger, before: Closed | None, day: date, today: date) -> None:
    if (before.hash if before else FIRST) != closings.kept_end(ledger):
        # perhaps another process has closed one this moment: then it is as good to come again
        if closings.last(ledger) == before:
            raise GiveUp("the last closing is not the one that was made: run pingledger verify")
        raise Raced("another process closed a day")
    if day > today:
        raise GiveUp(f"{day} has not begun")
    if before is not None and day != day_after(before.day):
        raise GiveUp(f"days close in order: the next is {day_after(before.day)}")


def _open(
    ledger: Ledger,
    day: date,
    rules: ClosingTerms,
    before: Closed | None,
    terms: Terms,
    now: datetime,
) -> tuple[int, list[Pending]]:
    """What keeps the day from closing: how many, and the first of them."""
    wanted: list[tuple[str, str]] = []
    too_many: list[Pending] = []
    for source, account in _wanted(ledger, rules, terms):
        wanted.append((account, source.name))
        seen = match(ledger, account, source.name, source.reading, terms=terms, now=now)
        if seen.too_many:
            too_many.append(Pending("statement", account, source.name, "", "not matched"))
    count, named = _pending(ledger, day, rules, before, wanted, now)
    return len(too_many) + count, [*too_many, *named]


def _pending(
    ledger: Ledger,
    day: date,
    rules: ClosingTerms,
    before: Closed | None,
    wanted: Sequence[tuple[str, str]],
    now: datetime,
) -> tuple[int, list[Pending]]:
    begins, ends = _bounds(day, rules.zone, before)
    named = [] if now >= ends else [Pending("day", state="not over")]
    with ledger.read() as connection:
        named += pending.missing_statements(connection, wanted, (day - _EPOCH).days)
        unread, first = pending.unread(connection, begins, ends)
        going, some = pending.unsettled_objects(connection, MONEY_KINDS, begins, ends)
    return len(named) + unread + going, [*named, *first, *some]


def _wanted(ledger: Ledger, rules: ClosingTerms, terms: Terms) -> Iterator[tuple[Source, str]]:
    """The sources that the day waits for, with the account that each is of."""
    for source in rules.sources:
        for account in _accounts(ledger, source, terms):
            yield source, account


def _accounts(ledger: Ledger, source: Source, terms: Terms) -> Iterable[str]:
    if source.account is not None:
        return [source.account]
    with ledger.read() as connection:
        known = [account for account, name in statements.sources(connection) if name == source.name]
    return known or sorted(terms.accounts)


def _bounds(day: date, zone: str, before: Closed | None) -> tuple[datetime, datetime]:
    """No instant is between two days, whatever becomes of the zone."""
    begins = before.closing.ends_at if before else start_of(day, zone)
    return begins, max(begins, start_of(day_after(day), zone))


def _freeze(
    ledger: Ledger,
    before: Closed | None,
    day: date,
    rules: ClosingTerms,
    opened: tuple[int, list[Pending]],
    signed: tuple[str, str],
    now: datetime,
) -> Closing:
    """Everything the day holds; opened: what is pending, signed: who closes it and why."""
    begins, ends = _bounds(day, rules.zone, before)
    cut = closings.cut(ledger)
    with ledger.read() as connection:
        mismatches = pending.unsettled(connection)
    count, named = opened
    by, reason = signed
    empty = Closing(
        form=FORM,
        day=day,
        zone=rules.zone,
        begins_at=begins.astimezone(UTC),
        ends_at=ends.astimezone(UTC),
        closed_at=now.astimezone(UTC),
        by=by[:BY_LIMIT],
        reason=mask_text(reason)[:REASON_LIMIT] if count else "",
        pending=count,
        open=tuple(named),
        previous=before.hash if before else FIRST,
        cut=cut,
        next_from=closings.first_open(ledger, Mark(cut, to_micros(ends)), first=_next_from(before)),
        mismatches=mismatches,
    )
    return replace(empty, **_add_up(ledger, empty, before).figures(_stood(before)))


def _add_up(ledger: Ledger, kept: Closing, before: Closed | None) -> Tally:
    """The day's postings, one after the other."""
    tally = Tally(kept.day, kept.begins_at, kept.zone)
    since = mark(before.closing if before else None)
    for entry in closings.entries(ledger, since, mark(kept), first=_next_from(before)):
        tally.add(entry)
    return tally


def _next_from(before: Closed | None) -> int:
    return before.closing.next_from if before else 0


def _stood(before: Closed | None) -> tuple[Standing, ...]:
    return before.closing.balances if before else ()


def _messages(made: Closing, digest: str, terms: Terms, now: datetime) -> list[Message]:
    """One for each account: what is its own of the day."""
    totals = made.totals + made.adjustments
    accounts = sorted({one.account for one in totals} | set(terms.accounts))
    return [
        closing_message(terms.epoch, account, made.day, data=_told(made, digest, account), at=now)
        for account in accounts
    ]


def _told(made: Closing, digest: str, account: str) -> dict[str, object]:
    return {
        "account": account,
        "day": made.day,
        "zone": made.zone,
        "hash": digest,
        "previous": made.previous,
        "closed_at": made.closed_at,
        "forced": bool(made.pending),
        "totals": [one for one in made.totals if one.account == account],
        "adjustments": [one for one in made.adjustments if one.account == account],
        "mismatches": [one for one in made.mismatches if one.account == account],
    }


def _tell_refused(ledger: Ledger, refusal: StillOpen, terms: Terms, now: datetime) -> None:
    """Told once for each day and account."""
    accounts = {one.account for one in refusal.named if one.account} or set(terms.accounts)
    with ledger.begin() as connection:
        for account in sorted(accounts):
            alarms.tell(
                connection, account, "closing_refused", f"{refusal.day}", terms=terms, now=now
            )
