"""How is a report made: one question to one snapshot, written row by row?"""

import tempfile
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import IO, BinaryIO

from service.core.errors import GiveUp, TryLater
from service.core.report.sheet import Document, Written
from service.ledger.engine import Ledger
from service.ledger.snapshots import patient
from service.outbound.files.formats import FORMATS, Shape
from service.work.report.ask import Ask
from service.work.report.table import REPORTS, Days, Report

# Reports that one process makes at a time: each holds a connection for as long as it takes.
AT_ONCE = 2
# Downloads that one process holds at a time: a slow reader keeps one for as long as it reads.
HELD_AT_ONCE = 16
# Rows between two calls of `on_rows`.
PROGRESS_ROWS = 1_000
# What a download is read by.
CHUNK_BYTES = 256 * 1024
# Below this a download stays in memory.
MEMORY_BYTES = 4 * 1024 * 1024

_turns = threading.BoundedSemaphore(AT_ONCE)
_places = threading.BoundedSemaphore(HELD_AT_ONCE)


@dataclass(frozen=True, slots=True)
class Download:
    """A report for somebody who takes it away: its file's name, its type, its bytes."""

    name: str
    media_type: str
    size: int
    chunks: Iterator[bytes]


def make(
    ledger: Ledger,
    name: str,
    ask: Ask,
    shape: Shape,
    out: BinaryIO,
    *,
    sheet: str | None = None,
    on_rows: Callable[[int], None] = lambda _rows: None,
) -> list[Written]:
    """Write a report to `out`; gives what each written sheet holds.

    Everything in it is of one snapshot. Raises GiveUp for a question that makes no sense, TryLater
    when the ledger is away or AT_ONCE reports are being made already.
    """
    report = check(name, ask, shape, sheet)
    with _room(_turns, AT_ONCE, "made"), patient(ledger) as connection:
        document = _first(report.build(connection, ask), sheet)
        return FORMATS[shape].write(document, out, ask.look, _counting(on_rows))


def check(name: str, ask: Ask, shape: Shape, sheet: str | None = None) -> Report:
    """The report that is meant; raises GiveUp when it cannot be made so."""
    report = REPORTS.get(name)
    if report is None:
        raise GiveUp(f"there is no report {name}: {', '.join(REPORTS)}")
    if problem := _problem(report, ask, shape, sheet):
        raise GiveUp(f"{name} {problem}")
    return report


def _problem(report: Report, ask: Ask, shape: Shape, sheet: str | None) -> str:
    """What makes no sense of a question; empty when it does."""
    is_of_days = ask.first_day is not None or ask.last_day is not None
    if shape not in report.shapes:
        return f"is made as {', '.join(report.shapes)}, not as {shape}"
    if sheet is not None and sheet not in report.sheets:
        return f"has no sheet {sheet}: {', '.join(report.sheets)}"
    if sheet is not None and shape is Shape.BEANCOUNT:
        return "is one whole as beancount, without sheets"
    if ask.first_day and ask.last_day and ask.first_day > ask.last_day:
        return "is of no day: the first lies after the last"
    if is_of_days and report.days is Days.NONE:
        return "is of now, not of days"
    if ask.book is not None and "book" not in report.takes:
        return "is not of one account of the journal"
    if ask.known is not None and "as_known" not in report.takes:
        return "cannot be shown as it was known"
    if ask.app is not None and "app" not in report.takes:
        return "is not of one app"
    return ""


@contextmanager
def download(
    ledger: Ledger, name: str, ask: Ask, shape: Shape, *, sheet: str | None = None
) -> Generator[Download]:
    """Make a report and hold it until the block ends: whoever takes it may be slow.

    Raises what `make` raises, and TryLater when HELD_AT_ONCE are being taken.
    """
    with (
        _room(_places, HELD_AT_ONCE, "taken"),
        tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES) as kept,
    ):
        make(ledger, name, ask, shape, kept, sheet=sheet)  # pyright: ignore[reportArgumentType]
        size = kept.tell()
        kept.seek(0)
        media_type = FORMATS[shape].media_type
        yield Download(file_name(name, ask, shape), media_type, size, _read(kept))


def file_name(name: str, ask: Ask, shape: Shape) -> str:
    """What its file is called: the report, its days or today, the format."""
    first, last = ask.first_day, ask.last_day
    days = [str(day) for day in dict.fromkeys((first, last)) if day is not None]
    return "-".join((name, *(days or [str(ask.today)]))) + f".{shape}"


def _read(kept: IO[bytes]) -> Iterator[bytes]:
    while chunk := kept.read(CHUNK_BYTES):
        yield chunk


@contextmanager
def _room(places: threading.Semaphore, count: int, done: str) -> Generator[None]:
    if not places.acquire(blocking=False):
        raise TryLater(f"{count} reports are being {done} already: try again when one is done")
    try:
        yield
    finally:
        places.release()


def _first(document: Document, sheet: str | None) -> Document:
    """The asked sheet in front, for formats that hold one only; alone, for the others."""
    if sheet is None:
        return document
    chosen = tuple(one for one in document.sheets if one.name == sheet)
    return replace(document, sheets=chosen)


def _counting(on_rows: Callable[[int], None]) -> Callable[[], None]:
    done = 0

    def on_row() -> None:
        nonlocal done
        done += 1
        if done % PROGRESS_ROWS == 0:
            on_rows(done)

    return on_row
