"""How does the ledger get its tables?"""

from contextlib import closing

import typer

from service import telemetry
from service.cli.options import Config, settings_of
from service.ledger.engine import open_ledger
from service.ledger.migrations import migrate as bring_up
from service.runtime import prepare_data_dir


def migrate(context: typer.Context, config: Config = None) -> None:
    """Bring the ledger's tables to this release; any number may run at once."""
    settings = settings_of(context, config)
    log = telemetry.configure(level="warning", console=True)
    try:
        prepare_data_dir(settings)
        with closing(open_ledger(settings.database_url)) as ledger:
            revision = bring_up(ledger)
    finally:
        log.stop()
    typer.echo(f"the ledger is at revision {revision}", err=True)
