"""How is work done now, or once more? requeue, rebuild, poll and reconcile."""

from collections.abc import Mapping
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from service.cli.exits import FOUND, Usage
from service.cli.explain import ambiguous
from service.cli.options import AsJson, Config, open_command
from service.cli.output import Format, Progress, as_json, show
from service.cli.spans import Since, Until, time_range
from service.core.errors import GiveUp, Misconfigured
from service.core.kinds import KINDS
from service.core.observation import Key
from service.ledger import deliveries, reads, watches
from service.pingpp.targets import is_id
from service.runtime import Runtime
from service.settings.statements import readings
from service.work import poll as polling
from service.work import rebuild as rebuilding
from service.work import reconcile as reconciling
from service.work import rejudge as rejudging
from service.work.rehearse import rehearse
from service.work.statement.match import match_all

# More rows than this are only touched when somebody says that it is meant.
ROWS_WITHOUT_YES = 1_000

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say how many it would be.")]
Yes = Annotated[bool, typer.Option("--yes", help=f"More than {ROWS_WITHOUT_YES} is meant.")]


def requeue(
    context: typer.Context,
    ids: Annotated[
        list[int] | None, typer.Argument(metavar="ID…", help="Delivery numbers.")
    ] = None,
    config: Config = None,
    state: Annotated[str, typer.Option(help="quarantined, kept or applied.")] = "quarantined",
    reason: Annotated[str | None, typer.Option(help="With this reason only.")] = None,
    since: Since = "",
    until: Until = "",
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Let deliveries be read again, as on the day they came."""
    if state not in ("quarantined", "kept", "applied"):
        raise Usage("--state should be quarantined, kept or applied")
    if not (ids or reason or since):
        raise Usage("choose with ID, --reason or --since")
    with open_command(context, config) as runtime:
        first, last = time_range(runtime.clock(), since, until)
        with runtime.ledger.begin() as connection:
            count = deliveries.requeue(
                connection, state=state, reason=reason, ids=ids or (), since=first, until=last
            )
            # an error takes the transaction back
            check_count(count, dry_run=dry_run, yes=yes, what="deliveries would be read again")
    typer.echo(f"{count:,} deliveries wait to be read again", err=True)


def rebuild(context: typer.Context, config: Config = None, as_lines: AsJson = False) -> None:
    """Derive beliefs, postings and mismatches again and compare; 1 when any differs."""
    with open_command(context, config) as runtime:
        progress, done = Progress("objects"), rebuilding.Rebuilt()
        for done in rebuilding.rebuild(runtime.ledger):
            progress(done.objects)
        progress.end()
        judged = _rejudge(runtime)
    beliefs = ({**key._asdict(), "differs": "belief", "rule": ""} for key in done.differing)
    said = (
        {**key._asdict(), "differs": apart.value, "rule": rule}
        for apart, rule, key in judged.differing
    )
    show(chain(beliefs, said), _DIFFERING, Format.JSONL if as_lines else Format.TABLE)
    typer.echo(
        f"{done.objects:,} objects of {done.observations:,} sightings,"
        f" {len(done.differing):,} differ from what is believed;"
        f" {judged.objects:,} judged, {judged.count:,} findings differ from the mismatches",
        err=True,
    )
    if done.differing or judged.count:
        raise typer.Exit(FOUND)


_DIFFERING = ("account", "kind", "object_id", "differs", "rule")


def _rejudge(runtime: Runtime) -> rejudging.Rejudged:
    progress, done = Progress("judged"), rejudging.Rejudged()
    settings = runtime.settings
    for done in rejudging.rejudge(
        runtime.ledger,
        readings(settings.statements),
        terms=runtime.terms,
        now=runtime.clock(),
        patience=timedelta(seconds=settings.jobs.reconcile_seconds),
    ):
        progress(done.objects)
    progress.end()
    return done


def poll(
    context: typer.Context,
    kind: Annotated[str | None, typer.Argument(help="Ask for one object: its kind …")] = None,
    object_id: Annotated[str | None, typer.Argument(metavar="ID", help="… and its id.")] = None,
    config: Config = None,
    account: Annotated[str | None, typer.Option(help="Whose object; needed with several.")] = None,
    as_lines: AsJson = False,
) -> None:
    """Ask Ping++ now about everything that is due, or about one object."""
    if (kind is None) is not (object_id is None):
        raise Usage("give both, KIND and ID, or neither")
    with open_command(context, config) as runtime:
        if not runtime.clients:
            raise Misconfigured("accounts", "none has an api_key: nothing can be asked")
        if kind is not None and object_id is not None:
            _ask(runtime, kind, object_id, account)
        done = polling.poll(
            runtime.ledger,
            runtime.clients,
            terms=runtime.terms,
            clock=runtime.clock,
            chance=runtime.chance,
        )
    _say(done, "answer", as_lines=as_lines)
    typer.echo(f"{done.total():,} questions were asked", err=True)


def reconcile(
    context: typer.Context,
    config: Config = None,
    as_lines: AsJson = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would open and what would settle.")
    ] = False,
) -> None:
    """Run all rules over everything now, statements too; 1 when something does not agree.

    With --dry-run nothing counts: 1 when anything would change.
    """
    if dry_run:
        _rehearse(context, config, as_lines=as_lines)
        return
    with open_command(context, config) as runtime:
        progress = Progress("objects")
        seen = reconciling.reconcile(
            runtime.ledger, terms=runtime.terms, now=runtime.clock(), on_slice=progress
        )
        progress.end()
        known = readings(runtime.settings.statements)
        for done in match_all(runtime.ledger, known, terms=runtime.terms, now=runtime.clock()):
            seen.found += done.found
            seen.opened += done.opened
            seen.settled += done.settled
    _say(seen.found, "rule", as_lines=as_lines)
    typer.echo(
        f"{seen.objects:,} objects, {seen.found.total():,} findings:"
        f" {seen.opened.total():,} opened, {seen.settled.total():,} settled",
        err=True,
    )
    if seen.found:
        raise typer.Exit(FOUND)


_REHEARSED: tuple[str, ...] = ("rule", "would_open", "open_money", "would_settle", "settled_money")


def _rehearse(context: typer.Context, config: Path | None, *, as_lines: bool) -> None:
    with open_command(context, config) as runtime:
        progress = Progress("objects")
        seen = rehearse(
            runtime.ledger,
            readings(runtime.settings.statements),
            terms=runtime.terms,
            now=runtime.clock(),
            on_slice=progress,
        )
        progress.end()
    columns = (seen.opens, seen.open_money, seen.settles, seen.settled_money)
    rows = (
        dict(zip(_REHEARSED, (rule, *(each[rule] for each in columns)), strict=True))
        for rule in seen.rules
    )
    show(rows, _REHEARSED, Format.JSONL if as_lines else Format.TABLE)
    typer.echo(
        f"{seen.objects:,} objects: {seen.opens.total():,} would open,"
        f" {seen.settles.total():,} would settle; nothing was written",
        err=True,
    )
    if seen.rules:
        raise typer.Exit(FOUND)


def _say(counted: Mapping[str, int], name: str, *, as_lines: bool) -> None:
    if as_lines:
        typer.echo(as_json(dict(sorted(counted.items()))))
    else:
        show(({name: word, "count": n} for word, n in sorted(counted.items())), (name, "count"))


def _ask(runtime: Runtime, kind: str, object_id: str, account: str | None) -> None:
    """Make an object due now."""
    if kind not in KINDS:
        raise Usage(f"KIND should be one of {', '.join(KINDS)}")
    if not is_id(object_id):
        raise Usage("ID should be an id: letters, digits, _ and -")
    with runtime.ledger.begin() as connection:
        found = reads.find(connection, kind, object_id, account)
        names = {key.account for key in found} or ({account} if account else set(runtime.clients))
        if len(names) != 1 or not names <= set(runtime.clients):
            raise Usage("say whose object it is: --account, one with an api_key")
        if len(found) > 1:
            raise Usage(ambiguous(found))
        key = found[0] if found else Key(names.pop(), kind, object_id)
        watches.request(connection, key, now=runtime.clock(), place={})


def check_count(count: int, *, dry_run: bool, yes: bool, what: str) -> None:
    """Raise unless so many rows may be touched now."""
    if dry_run:
        typer.echo(f"{count:,} {what}", err=True)
        raise typer.Exit
    if count > ROWS_WITHOUT_YES and not yes:
        raise Usage(f"{count:,} {what}: say --yes when that is meant")
    if not count:
        raise GiveUp("nothing was chosen")
