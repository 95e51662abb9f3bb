"""Who is told what? The channels to people, a test of one, and what was told."""

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
import typer

from service.cli.exits import Usage
from service.cli.options import AsJson, Config, open_command
from service.cli.output import Format, show
from service.core.errors import TryLater
from service.ledger import notes, people
from service.ledger.notes import NoteRow
from service.outbound.people.note import Note
from service.outbound.sink import Sent
from service.runtime import Runtime
from service.work.people.trial import trial

_CHANNELS = ("name", "service", "language", "waiting", "oldest_at", "last_error", "open", "unseen")
_NOTES = ("number", "channel", "what", "state", "made_at", "settled_at", "attempts",
          "last_error", "title")  # fmt: skip
OneChannel = Annotated[str | None, typer.Option("--channel", help="Of this channel only.")]

app = typer.Typer(invoke_without_command=True)


@app.callback()
def list_channels(context: typer.Context, config: Config = None, as_lines: AsJson = False) -> None:
    """Show every channel to people: what waits for it and why, and what it was told of."""
    if context.invoked_subcommand is not None:
        return
    with open_command(context, config) as runtime:
        show(_rows(runtime), _CHANNELS, Format.JSONL if as_lines else Format.TABLE)


def _rows(runtime: Runtime) -> Iterator[dict[str, Any]]:
    with runtime.ledger.read() as connection:
        known = {one.name for one in people.channels(connection)}
        for name in sorted(known | set(runtime.channels)):
            waits = notes.backlog(connection, name)
            standing = people.counts(connection, name).values()
            channel = runtime.channels.get(name)
            yield {
                "name": name,
                "service": channel.service if channel else "not set up",
                "language": runtime.listeners[name].language if channel else None,
                "waiting": waits.waiting,
                "oldest_at": waits.since,
                "last_error": waits.last_error,
                "open": sum(count for count, _ in standing),
                "unseen": sum(unseen for _, unseen in standing),
            }


@app.command("test")
def send_test(
    context: typer.Context,
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="One of the settings.")],
    config: Config = None,
) -> None:
    """Send a channel a note now that says it is a test; 75 when it did not take it."""
    with open_command(context, config) as runtime:
        if channel not in runtime.channels:
            known = ", ".join(sorted(runtime.channels)) or "none"
            raise Usage(f"there is no channel {channel}: the settings name {known}")
        answer = trial(
            runtime.ledger,
            runtime.channels[channel],
            runtime.listeners[channel],
            now=runtime.clock(),
        )
    if not isinstance(answer, Sent):
        raise TryLater(f"{channel} did not take it: {answer.error}")
    typer.echo(f"{channel} took it", err=True)


@app.command("history")
def history(
    context: typer.Context,
    channel: OneChannel = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    config: Config = None,
    as_lines: AsJson = False,
) -> None:
    """Show what was told to whom, the newest first; --json with the whole text."""
    with open_command(context, config) as runtime, runtime.ledger.read() as connection:
        found = notes.history(connection, channel, limit=limit)
        rows = (_told(one) for one in found)
        show(rows, _NOTES, Format.JSONL if as_lines else Format.TABLE)


def _told(one: NoteRow) -> dict[str, Any]:
    note = msgspec.json.decode(one.content, type=Note)
    row = one._asdict()
    del row["content"]
    return {**row, "severity": note.severity, "title": note.title, "text": note.text}
