"""How do messages fare on their way out? `sinks`, `dead-letters` and `publish`."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from service.cli.exits import Usage
from service.cli.options import AsJson, Config, open_command
from service.cli.output import Format, show
from service.cli.redo import DryRun, Yes, check_count
from service.cli.spans import Since, Until, time_range
from service.core.errors import GiveUp
from service.ledger import gauges, letters, sinks
from service.ledger.letters import Chosen
from service.runtime import Runtime
from service.work.publish import Published, publish_all
from service.work.resend import drop, resend

REASON_CHARACTERS = 200
LETTERS_PAGE = 500

_SINKS = (
    "name", "type", "state", "waiting", "oldest_seconds", "last_error", "dead_letters",
    "paused_at", "paused_for",
)  # fmt: skip
_LETTERS = ("message_id", "sink", "stream", "seq", "type", "attempts", "last_error", "settled_at")

Name = Annotated[str, typer.Argument(metavar="SINK", help="A sink of the settings.")]
OneSink = Annotated[str | None, typer.Option("--sink", help="Of this sink only.")]
OneMessage = Annotated[str | None, typer.Option("--message", help="The one message with this id.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept.")]

sinks_app = typer.Typer(invoke_without_command=True)
letters_app = typer.Typer()


@sinks_app.callback()
def list_sinks(context: typer.Context, config: Config = None, as_lines: AsJson = False) -> None:
    """Show every sink: its state, what waits, since when and why, and its dead letters."""
    if context.invoked_subcommand is not None:
        return
    with open_command(context, config) as runtime:
        shape = Format.JSONL if as_lines else Format.TABLE
        show(_sink_rows(runtime), _SINKS, shape)


def _sink_rows(runtime: Runtime) -> Iterator[dict[str, Any]]:
    with runtime.ledger.read() as connection:
        known = {one.name: one for one in sinks.known(connection)}
        names = sorted({*known, *runtime.settings.sinks})
        read = gauges.read_gauges(connection, now=runtime.clock())
        errors = {name: sinks.last_error(connection, name) for name in names}
    configured = runtime.settings.sinks
    for name in names:
        found, sink = known.get(name), configured.get(name)
        state = found.state if found else "new"
        yield {
            "name": name,
            "type": sink.type if sink else None,
            "state": state if sink else "not set up",
            "waiting": read.outbox_waiting.get(name, 0),
            "oldest_seconds": round(read.outbox_oldest_seconds.get(name, 0)),
            "last_error": errors[name],
            "dead_letters": read.dead_letters.get(name, 0),
            "paused_at": found.paused_at if found else None,
            "paused_for": found.paused_for if found else None,
        }


@sinks_app.command("pause")
def pause(context: typer.Context, sink: Name, reason: Reason = "", config: Config = None) -> None:
    """Send a sink nothing, from any replica, until it is resumed; messages wait for it."""
    _check_reason(reason)
    with open_command(context, config) as runtime:
        check_sink(runtime, sink)
        now = runtime.clock()
        with runtime.ledger.begin() as connection:
            sinks.register(connection, sink, past=False, since=None, now=now)
            if not sinks.pause(connection, sink, reason, now=now):
                raise GiveUp(f"{sink} is paused already")
    typer.echo(f"{sink} is paused: messages wait for it", err=True)


@sinks_app.command("resume")
def resume(context: typer.Context, sink: Name, config: Config = None) -> None:
    """Send a paused sink its messages again, in their order."""
    with open_command(context, config) as runtime:
        check_sink(runtime, sink)
        with runtime.ledger.begin() as connection:
            if not sinks.resume(connection, sink):
                raise GiveUp(f"{sink} is not paused")
    typer.echo(f"{sink} gets its messages again", err=True)


@letters_app.command("list")
def list_letters(
    context: typer.Context,
    sink: OneSink = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    config: Config = None,
    as_lines: AsJson = False,
) -> None:
    """Show what was given up, the oldest first."""
    with open_command(context, config) as runtime:
        check_sink(runtime, sink)
        with runtime.ledger.read() as connection:
            found = letters.dead_letters(connection, sink=sink, limit=limit)
        rows = ({name: getattr(one, name) for name in _LETTERS} for one in found)
        show(rows, _LETTERS, Format.JSONL if as_lines else Format.TABLE)


@letters_app.command("replay")
def replay(
    context: typer.Context,
    config: Config = None,
    sink: OneSink = None,
    message: OneMessage = None,
    since: Since = "",
    until: Until = "",
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Send dead letters again: the same bytes, with a fresh schedule."""
    _check_choice(sink, message, since)
    with open_command(context, config) as runtime:
        chosen = _choose(runtime, ("dead",), sink, message, since, until)
        _count(runtime, chosen, dry_run=dry_run, yes=yes, what="messages would be sent again")
        done = resend(runtime.ledger, chosen)
    typer.echo(f"{done:,} messages wait to be sent again", err=True)


@letters_app.command("drop")
def drop_letters(
    context: typer.Context,
    config: Config = None,
    sink: OneSink = None,
    message: OneMessage = None,
    since: Since = "",
    until: Until = "",
    reason: Reason = "",
    dry_run: DryRun = False,
    yes: Annotated[bool, typer.Option("--yes", help="It is meant: they are never sent.")] = False,
) -> None:
    """Give dead letters up for good; that they were, when and why, is kept."""
    _check_choice(sink, message, since)
    _check_reason(reason)
    if not reason:
        raise Usage("say why: --reason")
    if not (yes or dry_run):
        raise Usage("dropped messages are never sent: say --yes when that is meant")
    with open_command(context, config) as runtime:
        chosen = _choose(runtime, ("dead",), sink, message, since, until)
        _count(runtime, chosen, dry_run=dry_run, yes=yes, what="dead letters would be dropped")
        done = drop(runtime.ledger, chosen, reason)
    typer.echo(f"{done:,} dead letters were dropped", err=True)


def publish(
    context: typer.Context,
    config: Config = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also what was confirmed or given up.")
    ] = False,
    sink: OneSink = None,
    message: OneMessage = None,
    since: Since = "",
    until: Until = "",
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Send now what is due; with --again first let what was sent before wait once more."""
    if not again and (message or since or until or dry_run):
        raise Usage("--message, --since, --until and --dry-run choose what is sent --again")
    if again:
        _check_choice(sink, message, since)
    with open_command(context, config) as runtime:
        check_sink(runtime, sink)
        if again:
            chosen = _choose(runtime, ("dead", "sent"), sink, message, since, until)
            _count(runtime, chosen, dry_run=dry_run, yes=yes, what="messages would be sent again")
            done = resend(runtime.ledger, chosen)
            typer.echo(f"{done:,} messages wait to be sent again", err=True)
        outlets = [one for name, one in runtime.outlets.items() if sink in (None, name)]
        scale = runtime.settings.poll.scale
        results = publish_all(runtime.ledger, outlets, chance=runtime.chance, scale=scale)
    total = sum(results.values(), Published())
    typer.echo(f"{total.sent:,} sent, {total.later:,} later, {total.dead:,} given up", err=True)


def check_sink(runtime: Runtime, sink: str | None) -> None:
    """Raise unless the settings have it."""
    if sink is not None and sink not in runtime.outlets:
        known = ", ".join(runtime.outlets) or "none"
        raise Usage(f"no sink is called that; known are: {known}")


def _choose(
    runtime: Runtime,
    states: tuple[str, ...],
    sink: str | None,
    message: str | None,
    since: str,
    until: str,
) -> Chosen:
    check_sink(runtime, sink)
    first, last = time_range(runtime.clock(), since, until)
    return Chosen(states=states, sink=sink, message_id=message, since=first, until=last)


def _check_choice(*chosen: str | None) -> None:
    if not any(chosen):
        raise Usage("choose with --sink, --message or --since")


def _count(runtime: Runtime, chosen: Chosen, *, dry_run: bool, yes: bool, what: str) -> None:
    with runtime.ledger.read() as connection:
        count = letters.count(connection, chosen)
    check_count(count, dry_run=dry_run, yes=yes, what=what)


def _check_reason(reason: str) -> None:
    if len(reason) > REASON_CHARACTERS:
        raise Usage(f"--reason should have {REASON_CHARACTERS} characters at most")
