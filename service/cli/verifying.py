"""Is everything that is kept still what it was? `verify`."""

import typer

from service.cli.exits import FOUND, SENTENCE_LIMIT, UNAVAILABLE
from service.cli.options import AsJson, Config, open_command
from service.cli.output import Format, Progress, as_json, show
from service.cli.spans import Since, Until, time_range
from service.ledger.kept_bytes import Range
from service.telemetry import printable
from service.work.verify import everything
from service.work.verify.found import Verified


def verify(
    context: typer.Context,
    since: Since = "",
    until: Until = "",
    config: Config = None,
    as_lines: AsJson = False,
) -> None:
    """Check, offline, all that is kept: signatures, digests, closings, postings, beliefs, audit.

    1 when something is not what it was; 69 when all is well that could be checked, but a key is
    missing for the rest.
    """
    with open_command(context, config) as runtime:
        which = Range(*time_range(runtime.clock(), since, until))
        progress, seen = Progress("checked"), Verified()
        for seen in everything.verify(
            runtime.ledger, runtime.rings, zone=runtime.settings.zone, which=which
        ):
            progress(seen.checked.total())
        progress.end()
    if as_lines:
        show((one._asdict() for one in seen.named), (), Format.JSONL)
    else:
        for one in seen.named:
            typer.echo(printable(f"{one.what} {one.name}: {one.problem}", SENTENCE_LIMIT))
    _say(seen, as_lines=as_lines)
    if seen.wrong:
        raise typer.Exit(FOUND)
    if seen.unverifiable:
        raise typer.Exit(UNAVAILABLE)


def _say(seen: Verified, *, as_lines: bool) -> None:
    counts = {"wrong": seen.wrong, "unverifiable": seen.unverifiable}
    if as_lines:
        typer.echo(as_json({"what": "summary", "checked": dict(seen.checked), **counts}))
    if seen.wrong + seen.unverifiable > len(seen.named):
        typer.echo(f"… {len(seen.named):,} of them are named", err=True)
    checked = ", ".join(f"{count:,} {what}" for what, count in seen.checked.items() if count)
    typer.echo(f"checked: {checked}", err=True)
    typer.echo(
        f"{seen.wrong:,} are not what they were, {seen.unverifiable:,} cannot be checked here",
        err=True,
    )
