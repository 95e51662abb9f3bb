"""Which reports are due to be filed, and where do they go?

A firing is a slot: whichever replica inserts it makes the report. One that fails with hope keeps
its slot unfinished, so that it is tried again when the lease has run out. A report may so come
twice, never silently not at all: its mail has the same id, its file the same name.
"""

import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

from service import telemetry
from service.core.errors import GiveUp, TryLater, Unwritable
from service.core.money import grouped
from service.core.report.due import Every, days_before, last_due
from service.core.report.sheet import Language, Words, Written
from service.ledger import slots
from service.ledger.engine import Ledger
from service.ledger.reporting.closed import closed
from service.ledger.snapshots import patient
from service.outbound.files.formats import FORMATS, Shape
from service.outbound.files.place import new_file
from service.outbound.mail import Post, attach, letter, send
from service.work.report.ask import Ask
from service.work.report.make import make
from service.work.report.table import REPORTS, Days

# A report that was due while nothing ran is made up for so long; slots are kept for longer.
CATCH_UP = timedelta(days=2)
# A firing that was started and not finished in this time is taken over.
LEASE = timedelta(minutes=30)
_SUBJECT = Words("报表：{title} {days}", "Report: {title} {days}")
_ROWS = Words("{sheet}：{rows:,} 行", "{sheet}: {rows:,} rows")

_log = telemetry.logger("reports")


@dataclass(frozen=True, slots=True)
class Filing:
    """One standing wish. at: when, by the business zone's clock; None: once a day is closed."""

    name: str
    report: str
    at: time | None
    every: Every
    shape: Shape
    language: Language
    account: str | None
    folder: Path | None
    to: tuple[str, ...]

    @property
    def job(self) -> str:
        """The name of its slots."""
        return f"report-{self.name}"


@dataclass(frozen=True, slots=True)
class Office:
    """Where filings are done. holder: this replica; post: how mails are sent, if they can be."""

    ledger: Ledger
    zone: str
    epoch: str
    holder: str
    post: Post | None
    clock: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Due:
    """One firing: when it was due, and of which days."""

    at: datetime
    first: date
    last: date


def file_due(
    office: Office, filings: Iterable[Filing], stopping: Callable[[], bool]
) -> list[tuple[str, str]]:
    """File what is due and nobody else has begun; the name and the outcome of each."""
    done: list[tuple[str, str]] = []
    for filing in filings:
        for due in dues(office, filing):
            if stopping():
                return done
            if _claim(office, filing, due):
                done.append((filing.name, _attempt(office, filing, due)))
    return done


def dues(office: Office, filing: Filing) -> Iterator[Due]:
    """The firings that are not too long ago."""
    now = office.clock()
    if filing.at is not None:
        at = last_due(now, office.zone, filing.at, filing.every)
        if now - at < CATCH_UP:
            yield Due(at, *days_before(Ask(at, office.zone).today, filing.every))
        return
    ask = Ask(now, office.zone)
    with patient(office.ledger) as connection:
        newest = list(closed(connection, (now - CATCH_UP).date() - timedelta(days=1), None))
    for one in newest:
        if now - one.closed_at < CATCH_UP:
            yield Due(ask.ends(one.day), one.day, one.day)


def _claim(office: Office, filing: Filing, due: Due) -> bool:
    with office.ledger.begin() as connection:
        return slots.claim_slot(
            connection,
            filing.job,
            due.at,
            holder=office.holder,
            lease=LEASE,
            now=office.clock(),
        )


def _attempt(office: Office, filing: Filing, due: Due) -> str:
    """File one; what may work later keeps its slot open, all else is settled by it."""
    try:
        file(office, filing, due)
    except (TryLater, Unwritable) as error:
        _log.warning("report.later", report=filing.name, error=str(error))
        return "later"
    except GiveUp as error:
        _log.error("report.failed", report=filing.name, error=str(error))
        _finish(office, filing, due, "failed")
        return "failed"
    _finish(office, filing, due, "done")
    return "done"


def _finish(office: Office, filing: Filing, due: Due, outcome: str) -> None:
    with office.ledger.begin() as connection:
        slots.finish_slot(
            connection,
            filing.job,
            due.at,
            holder=office.holder,
            outcome=outcome,
            now=office.clock(),
        )


def file(office: Office, filing: Filing, due: Due) -> Path:
    """Make one report and bring it where it goes; raises what making and sending raise."""
    ask = _ask(office, filing, due)
    with _folder(filing) as folder:
        path = folder / _file_name(filing, due)
        with new_file(path, force=True) as out:
            done = make(office.ledger, filing.report, ask, filing.shape, out)
        if filing.to:
            _send(office, filing, due, path, done)
    return path


def _ask(office: Office, filing: Filing, due: Due) -> Ask:
    """A report of now is of the moment at which it is made."""
    of_now = REPORTS[filing.report].days is Days.NONE
    return Ask(
        office.clock(),
        office.zone,
        None if of_now else due.first,
        None if of_now else due.last,
        filing.account,
        language=filing.language,
    )


@contextmanager
def _folder(filing: Filing) -> Generator[Path]:
    """Its folder, which is made when it is missing; one that passes, where it only goes by mail."""
    if filing.folder is None:
        with tempfile.TemporaryDirectory() as passing:
            yield Path(passing)
        return
    try:
        filing.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unwritable(f"{filing.folder} cannot be made: {error.strerror}") from None
    yield filing.folder


def _file_name(filing: Filing, due: Due) -> str:
    days = "-".join(dict.fromkeys((str(due.first), str(due.last))))
    return f"{filing.name}-{days}.{filing.shape}"


def _send(office: Office, filing: Filing, due: Due, path: Path, done: list[Written]) -> None:
    if office.post is None:
        raise GiveUp("mail.url is missing: no mail can be sent")
    language = filing.language
    title = REPORTS[filing.report].title.of(language)
    days = " – ".join(dict.fromkeys((str(due.first), str(due.last))))
    message = letter(
        office.post,
        filing.to,
        _SUBJECT.of(language).format(title=title, days=days),
        "\n".join(_text(filing, done)) + "\n",
        message_id=f"<{filing.name}.{int(due.at.timestamp())}.{office.epoch}@pingledger>",
        at=office.clock(),
    )
    attach(message, path, FORMATS[filing.shape].media_type)
    send(office.post, message)


def _text(filing: Filing, done: list[Written]) -> Iterator[str]:
    """What was written, and what it adds up to."""
    for one in done:
        yield _ROWS.of(filing.language).format(sheet=one.sheet, rows=one.rows)
        for currency, sums in one.totals:
            figures = ", ".join(f"{name} {grouped(value)}" for name, value in sums.items())
            yield f"  {currency}: {figures}" if currency else f"  {figures}"
