"""Is everything well, and if not, what is wrong?"""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from service import telemetry
from service.cli import checkup
from service.cli.checkup import Check
from service.cli.exits import FOUND
from service.cli.live import is_live
from service.cli.options import AsJson, Config, settings_of
from service.cli.output import as_json as to_json
from service.telemetry import printable

_MARKS: Mapping[str, str] = {"good": "ok  ", "note": "note", "bad": "BAD "}


def doctor(
    context: typer.Context,
    config: Config = None,
    live: Annotated[
        bool, typer.Option("--live", help="Only ask the local process whether it lives.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Look at keys, clocks, database, backlogs, reachability and refused deliveries."""
    settings = settings_of(context, config)
    if live:
        raise typer.Exit(0 if is_live(settings) else FOUND)
    log = telemetry.configure(level="error", console=True)
    try:
        checks = list(checkup.examine(settings))
    finally:
        log.stop()
    for check in checks:
        typer.echo(to_json(_row(check)) if as_json else _sentence(check))
    raise typer.Exit(FOUND if any(check.level == "bad" for check in checks) else 0)


def _row(check: Check) -> dict[str, Any]:
    return {"level": check.level, "subject": check.subject, "text": check.text, **check.figures}


def _sentence(check: Check) -> str:
    return f"{_MARKS[check.level]}  {printable(check.subject)}: {printable(check.text, 2_000)}"
