"""What do people file? `report NAME`: orders, refunds, books and what is pending, as files."""

import os
import signal
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from service.cli.exits import Usage
from service.cli.options import Config, open_command
from service.cli.output import Format, Progress, show
from service.cli.provider_report import provider
from service.core.errors import GiveUp
from service.core.money import grouped
from service.core.report.sheet import Language, Written
from service.ledger.reporting.detail import By
from service.outbound.files.formats import FORMATS, Shape
from service.outbound.files.place import new_file
from service.runtime import Runtime
from service.work.report.ask import Ask
from service.work.report.make import check, file_name, make
from service.work.report.table import REPORTS, Days, Report

report = typer.Typer(
    name="report",
    help="Make a report for filing: CSV, XLSX, Parquet, a page to print, or vouchers.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
STDOUT = Path("-")

Account = Annotated[str | None, typer.Option(help="Of this account only.")]
Day = Annotated[
    str | None, typer.Option("--day", metavar="DAY", help="One business day; else yesterday.")
]
Since = Annotated[
    str | None, typer.Option("--since", metavar="DAY", help="From this business day on.")
]
Until = Annotated[str | None, typer.Option("--until", metavar="DAY", help="To the end of it.")]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="FILE", help="Where to; - is the output. Else a name of its own."
    ),
]
AsShape = Annotated[
    Shape | None, typer.Option("--format", help="Else what FILE's name ends with, else csv.")
]
OneSheet = Annotated[str | None, typer.Option("--sheet", help="This sheet of it only.")]
Speech = Annotated[Language, typer.Option("--language", help="Of headings and words.")]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]
Book = Annotated[
    str | None, typer.Option(help="ledger: of one account only, wallet:APP-cus_003, fees, …")
]
Known = Annotated[
    str | None, typer.Option("--as-known", metavar="DAY", help="As it was known at its end.")
]
Basis = Annotated[By, typer.Option("--by", help="By which time: its making, or its money's move.")]


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a report goes, and how it is written."""

    out: Path | None
    shape: Shape | None
    sheet: str | None
    force: bool

    @property
    def chosen(self) -> Shape:
        """The format: as said, as the file's name ends, else CSV."""
        if self.shape is not None:
            return self.shape
        suffix = "" if self.out is None else self.out.suffix.removeprefix(".").lower()
        return Shape(suffix) if suffix in FORMATS else Shape.CSV


@report.command("list")
def list_() -> None:
    """List the reports, their formats and their sheets."""
    rows = [
        {
            "report": one.name,
            "title": one.title.zh,
            "formats": ",".join(one.shapes),
            "sheets": ",".join(one.sheets),
            "about": one.about.en,
        }
        for one in REPORTS.values()
    ]
    show(rows, ("report", "title", "formats", "sheets"), Format.TABLE)


def _command_of(one: Report) -> Callable[..., None]:
    """The command of one report."""

    def command(
        context: typer.Context,
        config: Config = None,
        account: Account = None,
        day: Day = None,
        since: Since = None,
        until: Until = None,
        by: Basis = By.CREATED,
        book: Book = None,
        as_known: Known = None,
        out: Out = None,
        shape: AsShape = None,
        sheet: OneSheet = None,
        language: Speech = Language.ZH,
        force: Force = False,
    ) -> None:
        first, last = _span(day, since, until)
        known = None if as_known is None else _day(as_known)
        if by is not By.CREATED and "by" not in one.takes:
            raise Usage(f"{one.name} has no --by")
        with open_command(context, config) as runtime:
            ask = Ask(
                runtime.clock(),
                runtime.settings.zone,
                first,
                last,
                account,
                by,
                book,
                known,
                language,
            )
            if first is None and last is None and one.days is Days.NEEDED:
                ask = _of_yesterday(ask)
            _deliver(runtime, one.name, ask, _Target(out, shape, sheet, force))

    command.__doc__ = f"{one.title.zh} · {one.about.en}."
    return command


for _one in REPORTS.values():
    report.command(_one.name)(_command_of(_one))


report.command("provider")(provider)


def _span(day: str | None, since: str | None, until: str | None) -> tuple[date | None, date | None]:
    if day is not None and (since is not None or until is not None):
        raise Usage("say --day, or --since and --until")
    if day is not None:
        return (_day(day), _day(day))
    first = None if since is None else _day(since)
    last = None if until is None else _day(until)
    if first and last and first > last:
        raise Usage("--since should not lie after --until")
    return first, last


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Usage(f"{text!r} is no day: write it as 2026-11-23") from None


def _of_yesterday(ask: Ask) -> Ask:
    day = ask.today - timedelta(days=1)
    typer.echo(f"of yesterday, {day}: --day, or --since and --until, name other days", err=True)
    return replace(ask, first_day=day, last_day=day)


def _deliver(runtime: Runtime, name: str, ask: Ask, target: _Target) -> None:
    """Check the question first, then write, then say what was written."""
    shape = target.chosen
    check(name, ask, shape, target.sheet)
    path = target.out or Path(file_name(name, ask, shape))
    progress = Progress("rows")
    with _ending(), _opened(path, shape, force=target.force) as out:
        try:
            done = make(runtime.ledger, name, ask, shape, out, sheet=target.sheet, on_rows=progress)
        finally:
            progress.end()
    for line in _said(done):
        typer.echo(line, err=True)
    if path != STDOUT:
        typer.echo(f"written: {path}", err=True)


@contextmanager
def _opened(path: Path, shape: Shape, *, force: bool) -> Generator[BinaryIO]:
    if path != STDOUT:
        with new_file(path, force=force) as out:
            yield out
        return
    if FORMATS[shape].seeks:
        raise GiveUp(f"{shape} cannot be written to a pipe: name a file with --out")
    # a reader that has seen enough ends us, as it does any other command
    before = signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as out:
            yield out
    finally:
        signal.signal(signal.SIGPIPE, before)


@contextmanager
def _ending() -> Generator[None]:
    """Whoever ends us gets no half file: what was begun is taken away first."""

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _said(done: list[Written]) -> Generator[str]:
    for one in done:
        yield f"{one.sheet}: {one.rows:,} rows"
        for currency, sums in one.totals:
            figures = ", ".join(f"{name} {grouped(value)}" for name, value in sums.items())
            yield f"  {currency}: {figures}" if currency else f"  {figures}"
