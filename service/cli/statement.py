"""What do the other side's records say? `statement import`, `list`, `show`, `match`, `remove`."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from service.cli.exits import FOUND, Usage
from service.cli.options import AsJson, Config, open_command, settings_of
from service.cli.output import Format, Progress, as_json, show
from service.core.errors import GiveUp
from service.core.statement.lines import Line
from service.core.statement.mapping import Reading
from service.ledger import statements
from service.ledger.statements import Statement
from service.runtime import Runtime
from service.settings import Settings
from service.settings.statements import readings
from service.work.statement.match import Matched, match
from service.work.statement.take import EPOCH, Order, Refusal, Seen, preview, take

LINES_SHOWN = 10
LINES_LISTED = 1_000
REASON_LIMIT = 200

statement = typer.Typer(
    name="statement",
    help="Import the merchant's book or a channel's bill, and match it both ways.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Source = Annotated[
    str, typer.Option("--source", help="book, wechat, alipay, yeepay, bank, or one of settings.")
]
Account = Annotated[str | None, typer.Option(help="Whose; needed where there are several.")]
Day = Annotated[str, typer.Option(help="The first day that it covers: 2026-11-23.")]

_STATEMENTS = (
    "id", "source", "account", "state", "first_day", "last_day", "lines", "known", "name",
    "imported_at",
)  # fmt: skip
_LINES = (
    "line", "what", "order_no", "transaction_no", "amount", "fee", "currency", "status", "at",
)  # fmt: skip
_REFUSED = ("line", "column", "problem")


@statement.command("import")
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV or XLSX.")],
    source: Source,
    config: Config = None,
    account: Account = None,
    first_day: Day = "",
    last_day: Annotated[str, typer.Option(help="The last day that it covers.")] = "",
    look: Annotated[
        bool, typer.Option("--preview", help="Only show how it would be read.")
    ] = False,
    as_lines: AsJson = False,
) -> None:
    """Import a file, all of it or nothing, and match it; the same file again changes nothing."""
    days = days_of(first_day, last_day)
    if look:
        settings = settings_of(context, config)
        order = _order(settings, file, source, account, days)
        _show_preview(preview(order, keep=LINES_SHOWN), as_lines=as_lines)
        return
    with open_command(context, config) as runtime:
        order = _order(runtime.settings, file, source, account, days)
        progress = Progress("lines")
        try:
            taken = take(runtime.ledger, order, now=runtime.clock(), on_lines=progress)
        except Refusal as refusal:
            progress.end()
            _show_refused(refusal.seen, as_lines=as_lines)
            raise
        progress.end()
        if taken.again:
            typer.echo(f"it is statement {taken.id} already: nothing changed", err=True)
            return
        typer.echo(
            f"statement {taken.id}: {taken.seen.lines:,} lines, {taken.known:,} of them known"
            " from another file",
            err=True,
        )
        done = match(
            runtime.ledger,
            order.account,
            source,
            order.reading,
            terms=runtime.terms,
            now=runtime.clock(),
        )
    _say([done], as_lines=as_lines)


@statement.command("list")
def list_(
    context: typer.Context,
    config: Config = None,
    source: Annotated[str | None, typer.Option(help="Of this source only.")] = None,
    as_lines: AsJson = False,
) -> None:
    """List what was imported, the newest first; also what was removed."""
    with open_command(context, config) as runtime:
        with runtime.ledger.read() as connection:
            found = statements.listed(connection, source=source)
        show((_row(one) for one in found), _STATEMENTS, _shape(as_lines))


@statement.command("show")
def show_(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="ID", min=1, max=2**53)],
    config: Config = None,
    limit: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="At most so many lines.")
    ] = LINES_LISTED,
    as_lines: AsJson = False,
) -> None:
    """Show a statement, and its lines as they were kept."""
    with open_command(context, config) as runtime:
        with runtime.ledger.read() as connection:
            one = _find(statements.find(connection, number))
            lines = statements.lines_of(connection, number, limit)
        if as_lines:
            typer.echo(as_json(_row(one)))
        else:
            show([_row(one)], _STATEMENTS)
            typer.echo("")
        show(lines, _LINES, _shape(as_lines))


@statement.command("match")
def match_(
    context: typer.Context,
    number: Annotated[
        int | None, typer.Argument(metavar="[ID]", min=1, max=2**53, help="Its source only.")
    ] = None,
    config: Config = None,
    source: Annotated[str | None, typer.Option(help="This source only.")] = None,
    day: Annotated[str, typer.Option(help="Sources that cover this day only.")] = "",
    as_lines: AsJson = False,
) -> None:
    """Match statements both ways over all days that they cover; 1 when something differs."""
    wanted = _day(day, "--day")
    with open_command(context, config) as runtime:
        chosen = _chosen(runtime, number, source, wanted)
        known = readings(runtime.settings.statements)
        lost = sorted({name for _, name in chosen if name not in known})
        if lost:
            raise Usage(f"no mapping is called {lost[0]} any more: settings, statements.{lost[0]}")
        done = [
            match(
                runtime.ledger, whose, name, known[name], terms=runtime.terms, now=runtime.clock()
            )
            for whose, name in chosen
        ]
    _say(done, as_lines=as_lines)
    if any(one.found for one in done):
        raise typer.Exit(FOUND)


@statement.command("remove")
def remove(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="ID", min=1, max=2**53)],
    reason: Annotated[str, typer.Option(help="Why; it is kept with the statement.")],
    config: Config = None,
) -> None:
    """Let a statement count no longer; it and its lines stay, with the reason."""
    if not reason.strip() or len(reason) > REASON_LIMIT or not reason.isprintable():
        raise Usage(f"--reason should be one line of at most {REASON_LIMIT} letters")
    with open_command(context, config) as runtime:
        with runtime.ledger.begin() as connection:
            one = _find(statements.find(connection, number))
            if not statements.remove(connection, number, reason.strip(), runtime.clock()):
                raise GiveUp(f"statement {number} was removed before")
        reading = readings(runtime.settings.statements).get(one.source)
        if reading is not None:
            match(
                runtime.ledger,
                one.account,
                one.source,
                reading,
                terms=runtime.terms,
                now=runtime.clock(),
            )
    typer.echo(f"statement {number} counts no longer", err=True)


def _order(
    settings: Settings, file: Path, source: str, account: str | None, days: tuple[int, int] | None
) -> Order:
    reading = reading_of(settings, source)
    return Order(file, account_of(settings, source, account), source, reading, days)


def reading_of(settings: Settings, source: str) -> Reading:
    """How a source's files are read; raises Usage for one that has no mapping."""
    known = readings(settings.statements)
    if source not in known:
        raise Usage(f"a source should be one of {', '.join(sorted(known))}")
    return known[source]


def account_of(settings: Settings, source: str, account: str | None) -> str:
    """Whose a source's statements are; raises Usage where that has to be said."""
    own = settings.statements.get(source)
    whose = account or (own.account if own else None)
    if whose is None and len(settings.accounts) == 1:
        whose = next(iter(settings.accounts))
    if whose is None or (settings.accounts and whose not in settings.accounts):
        names = ", ".join(settings.accounts) or "any name"
        raise Usage(f"--account should say whose statement it is: {names}")
    return whose


def days_of(first: str, last: str) -> tuple[int, int] | None:
    """The days of --first-day and --last-day; None: neither is given."""
    if not first and not last:
        return None
    begins, ends = _day(first or last, "--first-day"), _day(last or first, "--last-day")
    if begins is None or ends is None or begins > ends:
        raise Usage("--first-day should not be after --last-day")
    return begins, ends


def _day(text: str, option: str) -> int | None:
    if not text:
        return None
    try:
        return (date.fromisoformat(text) - EPOCH).days
    except ValueError:
        raise Usage(f"{option} should be a day, such as 2026-11-23") from None


def _chosen(
    runtime: Runtime, number: int | None, source: str | None, day: int | None
) -> list[tuple[str, str]]:
    with runtime.ledger.read() as connection:
        if number is not None:
            one = _find(statements.find(connection, number))
            return [(one.account, one.source)]
        found = statements.sources(connection)
        return [
            (whose, name)
            for whose, name in found
            if (source is None or name == source)
            and (
                day is None
                or any(
                    window.first_day <= day <= window.last_day
                    for window in statements.windows(connection, whose, name)
                )
            )
        ]


def _find(found: Statement | None) -> Statement:
    if found is None or found.state == "staged":
        raise GiveUp("there is no statement of this number")
    return found


def _shape(as_lines: bool) -> Format:
    return Format.JSONL if as_lines else Format.TABLE


def _row(one: Statement) -> dict[str, Any]:
    return one._asdict() | {
        name: (EPOCH + timedelta(days=getattr(one, name))).isoformat()
        for name in ("first_day", "last_day")
    }


def _show_preview(seen: Seen, *, as_lines: bool) -> None:
    if not as_lines:
        headings = ", ".join(f"{name} = {said}" for name, said in seen.headings.items())
        typer.echo(f"columns: {headings}\n")
    show((_line(one) for one in seen.first), _LINES, _shape(as_lines))
    if not as_lines:
        typer.echo("")
    show(_totals(seen), ("what", "lines", "amount", "fee"), _shape(as_lines))
    _show_refused(seen, as_lines=as_lines)
    typer.echo(
        f"{seen.lines:,} lines, {seen.skipped:,} left out, {seen.refusals:,} refused;"
        " nothing was imported",
        err=True,
    )
    if seen.refusals:
        raise typer.Exit(FOUND)


def _line(one: Line) -> dict[str, Any]:
    return {"line" if name == "number" else name: value for name, value in one._asdict().items()}


def _totals(seen: Seen) -> Iterator[dict[str, Any]]:
    for what, count in sorted(seen.count.items()):
        yield {"what": what, "lines": count, "amount": seen.amount[what], "fee": seen.fee[what]}


def _show_refused(seen: Seen, *, as_lines: bool) -> None:
    rows = ({"line": r.number, "column": r.column, "problem": r.sentence} for r in seen.refused)
    show(rows, _REFUSED, _shape(as_lines))
    if seen.refusals > len(seen.refused):
        typer.echo(f"… and {seen.refusals - len(seen.refused):,} more", err=True)


def _say(done: list[Matched], *, as_lines: bool) -> None:
    rows = (
        {"source": one.source, "account": one.account, "rule": rule, "count": count}
        for one in done
        for rule, count in sorted(one.found.items())
    )
    show(rows, ("source", "account", "rule", "count"), _shape(as_lines))
    for one in done:
        typer.echo(
            f"{one.source}: {one.days:,} days, {one.found.total():,} findings:"
            f" {one.suspected.total():,} suspected, {one.opened.total():,} opened,"
            f" {one.settled.total():,} settled",
            err=True,
        )
        if one.too_many:
            typer.echo(
                f"{one.source}: there are more: is it the right file, account and mapping?",
                err=True,
            )
