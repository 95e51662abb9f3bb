"""Which commands are there, and how is one run?"""

import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from service.cli import (
    alerts,
    backfill,
    books,
    closing,
    daemon,
    delivery,
    desk,
    doctor,
    dossier,
    explain,
    migrate,
    opening,
    people,
    radar,
    redo,
    show,
    token,
    user,
    vault,
    verifying,
)
from service.cli.api.command import api
from service.cli.demo.command import demo
from service.cli.exits import exiting
from service.cli.options import Config
from service.cli.report import report
from service.cli.sandbox import sandbox
from service.cli.statement import statement
from service.cli.three_way import three_way

app = typer.Typer(
    name="pingledger",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

_COMMANDS = {
    "up": daemon.up,
    "serve": daemon.serve_only,
    "work": daemon.work,
    "migrate": migrate.migrate,
    "doctor": doctor.doctor,
    "objects": show.objects,
    "deliveries": show.deliveries,
    "mismatches": show.mismatches,
    "explain": explain.explain,
    "dossier": dossier.dossier,
    "open": opening.open_sealed,
    "balance": books.balance,
    "journal": books.journal,
    "publish": delivery.publish,
    "requeue": redo.requeue,
    "rebuild": redo.rebuild,
    "verify": verifying.verify,
    "poll": redo.poll,
    "reconcile": redo.reconcile,
    "api": api,
    "backfill": backfill.backfill,
    "catch-up": backfill.catch_up,
    "radar": radar.radar,
    "sandbox": sandbox,
    "demo": demo,
}
for _name, _command in _COMMANDS.items():
    app.command(_name)(_command)
app.add_typer(desk.app, name="mismatch")
app.add_typer(vault.app, name="vault")
app.add_typer(closing.app, name="close")
app.add_typer(user.app, name="user")
app.add_typer(token.app, name="token")
statement.command("three-way")(three_way)
app.add_typer(statement)
app.add_typer(report)
app.add_typer(delivery.sinks_app, name="sinks")
app.add_typer(people.app, name="people")
app.add_typer(alerts.app, name="alerts")
app.add_typer(delivery.letters_app, name="dead-letters", help="What was given up.")


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"pingledger {version('pingledger')}")
        raise typer.Exit


@app.callback()
def start(
    context: typer.Context,
    config: Config = None,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Say which one."),
    ] = False,
) -> None:
    """Receive, poll, reconcile and publish Ping++ payment events, with a ledger in between."""
    chosen: Path | None = config
    context.obj = chosen


def run() -> None:
    """Run the command that the arguments name, and exit; whatever it writes is its user's only."""
    os.umask(0o077)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]
    with exiting():
        sys.exit(app(standalone_mode=False, prog_name="pingledger"))
