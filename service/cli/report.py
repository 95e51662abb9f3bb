"""What do people file? `report NAME`: orders, refunds, books and what is pending, as files."""

import inspect
import os
import signal
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from service.cli.exits import Usage
from service.cli.options import Config, open_command
from service.cli.output import Format, Progress, show
from service.cli.provider_report import provider
from service.core.errors import GiveUp
from service.core.money import grouped
from service.core.report.sheet import Written
from service.outbound.files.formats import FORMATS, Shape
from service.outbound.files.place import new_file
from service.runtime import Runtime
from service.work.report.make import check, file_name, make
from service.work.report.parameters import Form, Parameter, taken_by
from service.work.report.question import Asker, Question, Senseless, question
from service.work.report.table import REPORTS, Days, Report

report = typer.Typer(
    name="report",
    help="Make a report for filing: CSV, XLSX, Parquet, a page to print, or vouchers.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
STDOUT = Path("-")
_METAVARS = {Form.DAY: "DAY"}

Out = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="FILE", help="Where to; - is the output. Else a name of its own."
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]


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
    """The command of one report: an option for each of its parameters, and what is the file's."""

    def command(
        context: typer.Context,
        config: Path | None,
        out: Path | None,
        force: bool,
        **options: str | None,
    ) -> None:
        given = {name: text for name, text in options.items() if text is not None}
        with open_command(context, config) as runtime:
            asked = _question(runtime, one, given, out)
            _deliver(runtime, asked, out, force=force)

    command.__doc__ = f"{one.title.zh} · {one.about.en}."
    vars(command)["__signature__"] = inspect.Signature(list(_signature(one)))
    return command


def _signature(one: Report) -> Iterator[inspect.Parameter]:
    """What the command takes, as it reads it."""
    kind = inspect.Parameter.KEYWORD_ONLY
    yield inspect.Parameter("context", kind, annotation=typer.Context)
    for parameter in taken_by(one):
        yield inspect.Parameter(parameter.name, kind, default=None, annotation=_option(parameter))
    yield inspect.Parameter("out", kind, default=None, annotation=Out)
    yield inspect.Parameter("force", kind, default=False, annotation=Force)
    yield inspect.Parameter("config", kind, default=None, annotation=Config)


def _option(parameter: Parameter) -> Any:
    shown = "|".join(parameter.choices) or _METAVARS.get(parameter.form, parameter.name.upper())
    return Annotated[
        str | None,
        typer.Option(_flag(parameter.name), metavar=shown, help=f"{parameter.about.en}."),
    ]


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


for _one in REPORTS.values():
    report.command(_one.name)(_command_of(_one))


report.command("provider")(provider)


def _question(runtime: Runtime, one: Report, given: dict[str, str], out: Path | None) -> Question:
    """What is asked; the format is the one that is said, the file's name ends with, or CSV."""
    suffix = "" if out is None else out.suffix.removeprefix(".").lower()
    shape = Shape(suffix) if suffix in FORMATS else Shape.CSV
    asker = Asker(runtime.clock(), runtime.settings.zone, waits=False, shape=shape)
    try:
        asked = question(one, given, asker)
    except Senseless as error:
        raise Usage(f"{_flag(error.field)}: {error}") from None
    if one.days is Days.NEEDED and not {"day", "since", "until"} & set(given):
        day = asked.ask.first_day
        typer.echo(f"of yesterday, {day}: --day, or --since and --until, name others", err=True)
    return asked


def _deliver(runtime: Runtime, asked: Question, out: Path | None, *, force: bool) -> None:
    """Check the question first, then write, then say what was written."""
    name, ask, shape, sheet = asked.report.name, asked.ask, asked.shape, asked.sheet
    check(name, ask, shape, sheet)
    path = out or Path(file_name(name, ask, shape))
    progress = Progress("rows")
    with _ending(), _opened(path, shape, force=force) as file:
        try:
            done = make(runtime.ledger, name, ask, shape, file, sheet=sheet, on_rows=progress)
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
