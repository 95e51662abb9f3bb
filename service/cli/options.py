"""Which options do commands share, and what do they open?"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from service import telemetry
from service.runtime import Runtime, open_runtime
from service.settings import Settings, load

Config = Annotated[
    Path | None,
    typer.Option("--config", help="The TOML file; else that of PINGLEDGER_CONFIG.", metavar="FILE"),
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON lines, for a program to read.")]


def settings_of(context: typer.Context, config: Path | None) -> Settings:
    """Read the settings; --config may stand before the command or behind it."""
    return load(config or context.obj)


@contextmanager
def open_command(
    context: typer.Context, config: Path | None, *, level: str = "warning", makes: bool = False
) -> Generator[Runtime]:
    """Open everything for a command that does one thing and ends; logs go to stderr.

    makes: the embedded ledger too, when there is none yet.
    """
    settings = settings_of(context, config)
    log = telemetry.configure(level=level, console=True)
    try:
        with open_runtime(settings, makes=makes) as runtime:
            yield runtime
    finally:
        log.stop()
