"""Did everything reach us that should have? `radar` shows what the hours' lists were like."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Annotated

import typer

from service.cli.exits import FOUND
from service.cli.options import AsJson, Config, open_command
from service.cli.output import as_json as line_of
from service.cli.spans import Since, time_range
from service.ledger.radar import Measured, share, sums

DEFAULT_HOURS = 24
Account = Annotated[str | None, typer.Option(help="Of this account only.")]


def radar(
    context: typer.Context,
    config: Config = None,
    since: Since = "",
    account: Account = None,
    as_json: AsJson = False,
) -> None:
    """Say how much was delivered, of the hours since (24 without --since); 1 below the target."""
    with open_command(context, config) as runtime:
        first, _ = time_range(runtime.clock(), since, "")
        begin = first or runtime.clock() - timedelta(hours=DEFAULT_HOURS + 3)
        with runtime.ledger.read() as connection:
            found = sums(connection, since=begin, account=account)
        target = runtime.settings.radar.target
    rows = [*found, *_total(found)]
    for row in rows:
        typer.echo(line_of(_fields(row)) if as_json else _sentence(row))
    if not found:
        typer.echo("no hour was measured since", err=True)
    if any(_share(row) < target for row in rows):
        raise typer.Exit(FOUND)


def _total(found: Sequence[Measured]) -> Iterable[Measured]:
    if found:
        counts = ("hours", "listed", "delivered", "asked", "quiet", "unexplained")
        yield Measured(
            account="",
            kind="total",
            first_at=min(row.first_at for row in found),
            last_at=max(row.last_at for row in found),
            **{name: sum(getattr(row, name) for row in found) for name in counts},
        )


def _share(row: Measured) -> float:
    return share(row.delivered, row.asked, row.unexplained)


def _fields(row: Measured) -> dict[str, object]:
    names = ("account", "kind", "hours", "first_at", "last_at", "listed", "delivered", "asked",
             "quiet", "unexplained")  # fmt: skip
    return {**{name: getattr(row, name) for name in names}, "share": round(_share(row), 6)}


def _sentence(row: Measured) -> str:
    # rounded down: only all of it is 100 %
    percent = int(_share(row) * 10_000) / 100
    whose = f"{row.account} {row.kind}".strip()
    return (
        f"{whose}: delivered {percent:.2f} %, {row.asked:,} found only by asking,"
        f" {row.unexplained:,} unexplained; {row.quiet:,} need no notification;"
        f" {row.listed:,} listed in {row.hours:,} hours"
    )
