"""Is the business day closed, and what does it hold? `close DAY`, `list`, `show`, `entries`."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from service.cli.exits import Usage
from service.cli.opening import asking
from service.cli.options import AsJson, Config, open_command
from service.cli.output import Format, show
from service.core.closing import Pending, Total
from service.core.errors import GiveUp
from service.ledger import closings
from service.ledger.closings import Closed
from service.runtime import Runtime, closing_terms_of
from service.work.close import REASON_LIMIT, StillOpen, close, close_due, derive, lines

LISTED = 100
_CLOSINGS = (
    "day", "postings", "adjusted", "mismatches", "pending", "closed_at", "by", "reason", "hash",
)  # fmt: skip
_TOTALS = (
    "day", "account", "app", "channel", "kind", "debit", "credit", "currency", "count", "amount",
    "fees",
)  # fmt: skip
_BALANCES = ("account", "book", "currency", "balance")
_MISMATCHES = ("account", "kind", "rule", "severity", "state", "count")
_OPEN = ("what", "account", "kind", "id", "state")


class _DayFirst(TyperGroup):
    """`close DAY` and `close --due` are `close day …`, and so is `close` alone."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the word in where none of the others stands."""
        if not args or (args[0] not in self.commands and args[0] != "--help"):
            args = ["day", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_DayFirst,
    help="Close business days, and show what they hold.",
)

Day = Annotated[str, typer.Argument(metavar="DAY", help="2026-11-23")]


@app.command("day")
def close_day(
    context: typer.Context,
    day: Annotated[str, typer.Argument(metavar="[DAY]", help="The next one: 2026-11-23.")] = "",
    due: Annotated[bool, typer.Option("--due", help="All whose turn it is.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Whatever is open.")] = False,
    reason: Annotated[str, typer.Option(help="Why; it is kept in the closing.")] = "",
    who: Annotated[str, typer.Option("--as", help="Who closes it, when it is not this user.")] = "",
    config: Config = None,
    as_lines: AsJson = False,
) -> None:
    """Close a day; 1 when something of it is open, and that is listed."""
    if bool(day) is due:
        raise Usage("give DAY or --due")
    if force is not bool(reason.strip()) or len(reason) > REASON_LIMIT or (due and force):
        raise Usage(f"--force takes a --reason of at most {REASON_LIMIT} letters, for one DAY")
    with open_command(context, config) as runtime:
        if due:
            _close_due(runtime, who, as_lines=as_lines)
            return
        terms = closing_terms_of(runtime.settings)
        try:
            done, ours = close(
                runtime.ledger,
                _day(day),
                terms,
                terms=runtime.terms,
                now=runtime.clock(),
                by=asking(who),
                reason=reason.strip(),
            )
        except StillOpen as refusal:
            _refused(refusal, as_lines=as_lines)
            raise
    _say([done], as_lines=as_lines)
    typer.echo(f"{done.day} {'is closed' if ours else 'was closed before'}", err=True)


@app.command("list")
def list_(
    context: typer.Context,
    since: Annotated[str, typer.Option(metavar="DAY", help="From then on.")] = "",
    until: Annotated[str, typer.Option(metavar="DAY", help="To the end of it.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=closings.CLOSINGS_LIMIT)] = LISTED,
    config: Config = None,
    as_lines: AsJson = False,
) -> None:
    """List closed days, the newest first."""
    first, last = (_day(text) if text else None for text in (since, until))
    with open_command(context, config) as runtime:
        _say(
            closings.closings(runtime.ledger, since=first, until=last, limit=limit),
            as_lines=as_lines,
        )


@app.command("show")
def show_(
    context: typer.Context,
    day: Day,
    again: Annotated[
        bool, typer.Option("--again", help="Made again from the postings; 1 when it differs.")
    ] = False,
    config: Config = None,
    as_lines: AsJson = False,
) -> None:
    """Show a closed day; with --json exactly the bytes whose SHA-256 is its hash."""
    with open_command(context, config) as runtime:
        known = _find(runtime, day)
        text, differing = derive(runtime.ledger, known) if again else (known.text, [])
    if as_lines:
        sys.stdout.write(text)
    else:
        _show(known)
    if differing or text != known.text:
        raise GiveUp(f"{known.day} does not follow from its postings: {', '.join(differing)}")


@app.command("entries")
def entries(context: typer.Context, day: Day, config: Config = None) -> None:
    """Print the lines of a day's postings, whose SHA-256 is its `digest`."""
    with open_command(context, config) as runtime:
        show_lines = lines(runtime.ledger, _find(runtime, day))
        for each in show_lines:
            sys.stdout.buffer.write(each)
    sys.stdout.buffer.flush()


def _close_due(runtime: Runtime, who: str, *, as_lines: bool) -> None:
    done, refusal = close_due(
        runtime.ledger,
        closing_terms_of(runtime.settings),
        terms=runtime.terms,
        clock=runtime.clock,
        by=asking(who),
    )
    _say(done, as_lines=as_lines)
    if refusal is not None:
        _refused(refusal, as_lines=as_lines)
        raise refusal
    typer.echo(f"{len(done):,} days are closed", err=True)


def _find(runtime: Runtime, day: str) -> Closed:
    known = closings.closing(runtime.ledger, _day(day))
    if known is None:
        raise GiveUp(f"{day} is not closed")
    return known


def _refused(refusal: StillOpen, *, as_lines: bool) -> None:
    show(_pending(refusal.named), _OPEN, _shape(as_lines))
    if refusal.count > len(refusal.named):
        typer.echo(f"… and {refusal.count - len(refusal.named):,} more", err=True)


def _pending(named: Iterable[Pending]) -> Iterator[dict[str, Any]]:
    return (asdict(one) for one in named)


def _say(found: Iterable[Closed], *, as_lines: bool) -> None:
    show(map(_row, found), _CLOSINGS, _shape(as_lines))


def _row(one: Closed) -> dict[str, Any]:
    kept = one.closing
    return {
        "day": kept.day,
        "postings": kept.postings,
        "adjusted": kept.adjusted,
        "mismatches": sum(each.count for each in kept.mismatches),
        "pending": kept.pending,
        "closed_at": kept.closed_at,
        "by": kept.by,
        "reason": kept.reason,
        "digest": kept.digest,
        "previous": kept.previous,
        "hash": one.hash,
    }


def _show(one: Closed) -> None:
    _say([one], as_lines=False)
    kept = one.closing
    for heading, rows, columns in (
        ("totals", _totals(kept.totals), _TOTALS),
        ("adjustments of closed days", _totals(kept.adjustments), _TOTALS),
        (
            "balances",
            ({**asdict(each), "balance": each.debit - each.credit} for each in kept.balances),
            _BALANCES,
        ),
        ("mismatches", map(asdict, kept.mismatches), _MISMATCHES),
        ("was still open", _pending(kept.open), _OPEN),
    ):
        found = list(rows)
        if found:
            typer.echo(f"\n{heading}")
            show(found, columns)


def _totals(totals: Iterable[Total]) -> Iterator[dict[str, Any]]:
    return (asdict(one) for one in totals)


def _shape(as_lines: bool) -> Format:
    return Format.JSONL if as_lines else Format.TABLE


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Usage(f"{text!r} is no day: write it as 2026-11-23") from None
