"""How are the keys of personal data made, changed and looked at?"""

from pathlib import Path
from typing import Annotated

import typer

from service.cli.exits import FOUND
from service.cli.options import AsJson, Config, open_command
from service.cli.output import Format, Progress, show
from service.ledger import sealed
from service.ledger.keyfiles import load_vault, make_key_file

app = typer.Typer(help="Make keys of personal data, see which are used, seal with a newer one.")

_COLUMNS = ("table", "key", "rows", "here")


@app.command("new-key")
def new_key(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A file that does not exist yet.")],
) -> None:
    """Write a new key into FILE, for its owner only; keep a copy where no backup is."""
    make_key_file(path)
    typer.echo(f"key {load_vault([path]).ids[0]} is in {path}", err=True)


@app.command()
def status(context: typer.Context, config: Config = None, as_json: AsJson = False) -> None:
    """Count the rows that each key seals; 1 when a row needs a key that is not here."""
    with open_command(context, config) as runtime:
        keys = runtime.ledger.vault.ids
        counted = sorted(sealed.status(runtime.ledger).items())
    rows = [
        {"table": table, "key": key, "rows": count, "here": key in (*keys, sealed.UNSEALED)}
        for (table, key), count in counted
    ]
    show(rows, _COLUMNS, Format.JSONL if as_json else Format.TABLE)
    typer.echo(f"key {keys[0]} seals; {', '.join(keys)} can open", err=True)
    if not all(row["here"] for row in rows):
        raise typer.Exit(FOUND)


@app.command()
def rotate(context: typer.Context, config: Config = None) -> None:
    """Seal with the first key what is not; may be stopped and started again at any time."""
    with open_command(context, config) as runtime:
        progress, done = Progress("rows sealed anew"), sealed.Rotated()
        for done in sealed.rotate(runtime.ledger):
            progress(done.resealed)
        progress.end()
    typer.echo(f"{done.resealed:,} rows were sealed anew, {done.stuck:,} do not open", err=True)
    if done.stuck:
        raise typer.Exit(FOUND)
