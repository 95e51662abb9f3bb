"""Which alerts are open, and who has seen them? `alerts`, `alerts acknowledge NUMBER…`."""

from typing import Annotated

import typer

from service.cli.exits import FOUND
from service.cli.opening import asking
from service.cli.options import AsJson, Config, open_command
from service.cli.output import Format, show
from service.core.masking import mask_text
from service.ledger import alerts, audit

_ALERTS = alerts.Listed._fields
NOTE_LIMIT = 200

app = typer.Typer(invoke_without_command=True, help="Alerts that are open, and who has seen them.")


@app.callback()
def list_alerts(context: typer.Context, config: Config = None, as_lines: AsJson = False) -> None:
    """Show every alert that is open; 1 when nobody has acknowledged one of them."""
    if context.invoked_subcommand is not None:
        return
    with open_command(context, config) as runtime, runtime.ledger.read() as connection:
        found = alerts.listed(connection)
    show((one._asdict() for one in found), _ALERTS, Format.JSONL if as_lines else Format.TABLE)
    if any(one.acknowledged_at is None for one in found):
        raise typer.Exit(FOUND)


@app.command()
def acknowledge(
    context: typer.Context,
    numbers: Annotated[list[int], typer.Argument(metavar="NUMBER…", help="Which alerts.")],
    config: Config = None,
    note: Annotated[str, typer.Option(help="What is done about it; kept for ever.")] = "",
    who: Annotated[str, typer.Option("--as", help="Who does it, when not this user.")] = "",
) -> None:
    """Say that somebody has seen it: no reminder, and nobody else is called, while it lasts.

    1 when one of them is not open, or was acknowledged before.
    """
    with open_command(context, config) as runtime:
        now, name = runtime.clock(), asking(who)
        with runtime.ledger.begin() as connection:
            done = alerts.acknowledge(connection, numbers, name, now=now)
        for one in done:
            about = " ".join(filter(None, (one.code, one.account, one.subject)))
            what = f"acknowledged alert {one.number}: {about}"
            why = mask_text(note)[:NOTE_LIMIT]
            audit.note(runtime.ledger, who=name, what=what, why=why, now=now)
    left = sorted(set(numbers) - {one.number for one in done})
    typer.echo(f"{len(done):,} alerts are acknowledged", err=True)
    for number in left:
        typer.echo(f"{number}: it is not open, or was acknowledged before", err=True)
    if left:
        raise typer.Exit(FOUND)
