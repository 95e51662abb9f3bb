"""How does a file become a statement? Read as a stream, staged, then flipped: all or nothing."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from service.core.errors import GiveUp
from service.core.statement.cells import clean
from service.core.statement.lines import Line, Reader, Refused, Row, columns_of
from service.core.statement.mapping import Reading
from service.ledger import statements
from service.ledger.engine import Ledger
from service.ledger.statements import LINES_AT_ONCE
from service.work.statement.limits import PREAMBLE_ROWS, BadFile
from service.work.statement.table import digest_of, rows_of

# Refused rows that are shown; the rest is counted.
REFUSED_SHOWN = 100
# An import that has not ended by then has died.
STAGED_FOR = timedelta(hours=6)
EPOCH = date(1970, 1, 1)


@dataclass(slots=True)
class Seen:
    """What a file holds: its columns, its first lines, totals by kind of line, refused rows."""

    headings: dict[str, str] = field(default_factory=dict[str, str])
    first: list[Line] = field(default_factory=list[Line])
    count: Counter[str] = field(default_factory=Counter[str])
    amount: Counter[str] = field(default_factory=Counter[str])
    fee: Counter[str] = field(default_factory=Counter[str])
    skipped: int = 0
    refused: list[Refused] = field(default_factory=list[Refused])
    refusals: int = 0
    first_day: int | None = None
    last_day: int | None = None

    @property
    def lines(self) -> int:
        """How many lines were read."""
        return self.count.total()

    def add(self, line: Line, keep: int) -> None:
        """Count one more line."""
        self.count[line.what] += 1
        self.amount[line.what] += line.amount
        self.fee[line.what] += line.fee or 0
        self.first_day = line.day if self.first_day is None else min(self.first_day, line.day)
        self.last_day = line.day if self.last_day is None else max(self.last_day, line.day)
        if len(self.first) < keep:
            self.first.append(line)

    def refuse(self, refused: Refused) -> None:
        """Keep the first refusals, count all."""
        self.refusals += 1
        if len(self.refused) < REFUSED_SHOWN:
            self.refused.append(refused)


@dataclass(frozen=True, slots=True)
class Order:
    """One file that is to be read: whose it is, and how; days: what it covers, if that is said."""

    path: Path
    account: str
    source: str
    reading: Reading
    days: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of an import: its number, and how many lines were known; again: it was there."""

    id: int
    seen: Seen
    known: int = 0
    again: bool = False


class Refusal(GiveUp):
    """Rows that could not be read; nothing was imported."""

    def __init__(self, seen: Seen) -> None:
        super().__init__(f"{seen.refusals:,} lines cannot be read: nothing was imported")
        self.seen = seen


def preview(order: Order, *, keep: int) -> Seen:
    """Read a file and keep nothing; raises BadFile when it cannot be read at all."""
    digest_of(order.path)
    seen = Seen()
    for _ in _lines(order, seen, keep):
        pass
    return seen


def take(
    ledger: Ledger,
    order: Order,
    *,
    now: datetime,
    on_lines: Callable[[int], object] | None = None,
) -> Taken:
    """Import a file; the same bytes again change nothing. Raises BadFile, Refusal or TryLater."""
    digest = digest_of(order.path)
    with ledger.read() as connection:
        known = statements.imported(connection, order.account, order.source, digest)
    if known is not None:
        return Taken(known.id, Seen(), known.known, again=True)
    _sweep(ledger, now)
    with ledger.begin() as connection:
        number = statements.stage(
            connection, order.account, order.source, order.path.name, digest, now
        )
    try:
        return _fill(ledger, order, number, on_lines)
    except BaseException:
        statements.discard(ledger, number)
        raise


def _sweep(ledger: Ledger, now: datetime) -> None:
    """Take back what imports that died have left."""
    with ledger.read() as connection:
        left = statements.abandoned(connection, now - STAGED_FOR)
    for number in left:
        statements.discard(ledger, number)


def _fill(
    ledger: Ledger, order: Order, number: int, on_lines: Callable[[int], object] | None
) -> Taken:
    seen, batch = Seen(), list[Line]()
    for line in _lines(order, seen, 0):
        if seen.refusals:
            # only counted from here on: nothing will be imported
            continue
        batch.append(line)
        if len(batch) == LINES_AT_ONCE:
            _add(ledger, order, number, batch)
            if on_lines is not None:
                on_lines(seen.lines)
    if seen.refusals:
        raise Refusal(seen)
    if seen.first_day is None and order.days is None:
        raise BadFile(f"{order.path.name}: holds no line; say which days it covers")
    _add(ledger, order, number, batch)
    first, last = order.days or (seen.first_day or 0, seen.last_day or 0)
    with ledger.begin() as connection:
        known = statements.flip(
            connection, number, first_day=first, last_day=last, lines=seen.lines
        )
    return Taken(number, seen, known)


def _add(ledger: Ledger, order: Order, number: int, batch: list[Line]) -> None:
    if batch:
        with ledger.begin() as connection:
            statements.add(connection, number, order.account, order.source, batch)
        batch.clear()


def _lines(order: Order, seen: Seen, keep: int) -> Iterator[Line]:
    """The lines of a file; what is refused goes into `seen`."""
    rows = rows_of(order.path, order.reading)
    reader, reading = _reader(order, rows, seen), order.reading
    for row in rows:
        first = clean(row.cells[0])
        if reading.comment and first.startswith(reading.comment):
            continue
        if first.casefold() in reading.trailer:
            _check_count(order, rows, seen)
            return
        line = reader.line(row)
        if line is None:
            seen.skipped += 1
        elif isinstance(line, Refused):
            seen.refuse(line)
        else:
            seen.add(line, keep)
            yield line
    if order.reading.counted:
        raise BadFile(f"{order.path.name}: ends before its totals: was it cut off?")


def _reader(order: Order, rows: Iterator[Row], seen: Seen) -> Reader:
    """Find the headings among the first rows."""
    for count, row in enumerate(rows):
        if count >= PREAMBLE_ROWS:
            break
        found = columns_of(order.reading, row.cells)
        if found is not None:
            seen.headings.update({name: clean(row.cells[n]) for name, n in found.items()})
            return Reader(order.reading, found, ZoneInfo(order.reading.zone))
    raise BadFile(
        f"{order.path.name}: no row among the first {PREAMBLE_ROWS} holds the headings:"
        f" {_wanted(order.reading)}"
    )


def _wanted(reading: Reading) -> str:
    listed: Sequence[str] = ("amount", "at", "order_no", "transaction_no", "refund_no", "object_id")
    return ", ".join("/".join(reading.columns[n]) for n in listed if n in reading.columns)


def _check_count(order: Order, rows: Iterator[Row], seen: Seen) -> None:
    """A file that says how many lines it has must have them."""
    if not order.reading.counted:
        return
    said = next((clean(row.cells[0]) for row in rows), "")
    read = seen.lines + seen.skipped + seen.refusals
    if not said.isdecimal() or int(said) != read:
        raise BadFile(f"{order.path.name}: its totals do not speak of the {read:,} lines it has")
