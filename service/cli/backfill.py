"""How is asked for what was never notified? backfill, and catch-up after an outage."""

import threading
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from service.cli.exits import FOUND, TRY_AGAIN, Usage
from service.cli.options import AsJson, Config, open_command
from service.cli.output import Progress, as_json, show
from service.cli.spans import Since, Until, time_range
from service.core.errors import Misconfigured
from service.core.instant import MICROS, from_micros
from service.core.kinds import KINDS
from service.ledger import asking, pages
from service.ledger.pages import Progress as Cursor
from service.pingpp.client import Client
from service.pingpp.lists import PAGES_LIMIT
from service.pingpp.reader import Sighting
from service.runtime import Runtime
from service.work.backfill import PASSES_LIMIT, Span, Walked, backfill_span, lists
from service.work.catch_up import ask_for_all, blind_spots, parents_of, want_parents
from service.work.events import walk_events

# A longer stretch is only walked when somebody says that it is meant.
DAYS_WITHOUT_YES = 31
MINUTES_MOST = 24 * 60

_COLUMNS = ("account", "list", "pages", "listed", "new", "unread", "outcome", "left_down_to")
_PLANNED = ("account", "list", "since", "until", "goes_on_from", "pages_most")
# The words of looks that leave nothing open: an object that is not there proves nothing (A25).
_ANSWERED = ("ok",)

Account = Annotated[str | None, typer.Option(help="Of this account only.")]
Yes = Annotated[bool, typer.Option("--yes", help=f"More than {DAYS_WITHOUT_YES} days is meant.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be asked for.")]
AskEvents = Annotated[
    bool, typer.Option("--ask-events", help="Also where there was no list of events before.")
]
Minutes = Annotated[
    int, typer.Option(min=1, max=MINUTES_MOST, help="Stop after so long; the same call goes on.")
]


def backfill(
    context: typer.Context,
    kind: Annotated[str | None, typer.Argument(help="One kind that has a list; or --all.")] = None,
    config: Config = None,
    everything: Annotated[bool, typer.Option("--all", help="Every kind that has a list.")] = False,
    since: Since = "",
    until: Until = "",
    account: Account = None,
    minutes: Minutes = 60,
    ask_events: AskEvents = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_lines: AsJson = False,
) -> None:
    """Walk Ping++'s lists over a stretch of time; 75 when a walk was cut short."""
    kinds = _kinds(kind, everything=everything)
    with open_command(context, config) as runtime:
        span, clients = _span(runtime, since, until, yes=yes), _clients(runtime, account)
        if dry_run:
            _plan(runtime, clients, span, kinds, as_lines=as_lines)
            raise typer.Exit
        with _stopping(runtime, minutes) as stop:
            walked = _walk(runtime, clients, span, kinds, stop, again=ask_events)
            want_parents(runtime.ledger, clients, kinds, span, now=runtime.clock())
            looked = _ask(runtime, clients, stop) if parents_of(kinds) else Counter[str]()
    _report(walked, looked, as_lines=as_lines)
    _end(walked, looked, ())


def catch_up(
    context: typer.Context,
    config: Config = None,
    since: Since = "",
    account: Account = None,
    minutes: Minutes = 60,
    ask_events: AskEvents = False,
    yes: Yes = False,
    as_lines: AsJson = False,
) -> None:
    """After an outage: walk every list, ask for all that is followed, say what nobody can ask.

    0: all that can be asked was. 1: some objects were not answered. 75: cut short, call it again.
    """
    kinds = list(KINDS)
    with open_command(context, config) as runtime:
        span, clients = _span(runtime, since, "", yes=yes), _clients(runtime, account)
        blind = blind_spots(clients, runtime.terms)
        with _stopping(runtime, minutes) as stop:
            walked = _walk(runtime, clients, span, kinds, stop, again=ask_events)
            now = runtime.clock()
            with runtime.ledger.begin() as connection:
                asking.ask_standing(connection, list(clients), at=now)
            want_parents(runtime.ledger, clients, kinds, span, now=now)
            looked = _ask(runtime, clients, stop)
            is_stopped = stop.is_set()
    _report(walked, looked, as_lines=as_lines)
    for spot in blind:
        _tell_blind(spot.account, spot.kind, spot.why, as_lines=as_lines)
    _end(walked, looked, [spot for spot in blind if spot.why == "no_apps"], is_cut=is_stopped)


def _kinds(kind: str | None, *, everything: bool) -> list[str]:
    walkable = [name for name in KINDS if KINDS[name].lists or parents_of([name])]
    if everything is (kind is not None):
        raise Usage("give one KIND, or --all")
    if kind is None:
        return walkable
    if kind not in KINDS:
        raise Usage(f"KIND should be one of {', '.join(walkable)}")
    if kind not in walkable:
        raise Usage(f"{kind} has no list: {', '.join(walkable)} have; see catch-up")
    return [kind]


def _span(runtime: Runtime, since: str, until: str, *, yes: bool) -> Span:
    now = runtime.clock()
    first, last = time_range(now, since, until)
    if first is None:
        raise Usage("say --since")
    if (last or now) - first > timedelta(days=DAYS_WITHOUT_YES) and not yes:
        raise Usage(f"that is more than {DAYS_WITHOUT_YES} days: say --yes when that is meant")
    return Span(first, None if last is None or last > now else last)


def _clients(runtime: Runtime, account: str | None) -> Mapping[str, Client]:
    if not runtime.clients:
        raise Misconfigured("accounts", "none has an api_key: nothing can be asked")
    if account is None:
        return runtime.clients
    if account not in runtime.clients:
        known = ", ".join(sorted(runtime.clients))
        raise Usage(f"--account: none with an api_key is called that; known are: {known}")
    return {account: runtime.clients[account]}


@contextmanager
def _stopping(runtime: Runtime, minutes: int) -> Generator[threading.Event]:
    timer = threading.Timer(minutes * 60, runtime.stopping.set)
    timer.daemon = True
    timer.start()
    try:
        yield runtime.stopping
    finally:
        timer.cancel()


def _walk(
    runtime: Runtime,
    clients: Mapping[str, Client],
    span: Span,
    kinds: list[str],
    stop: threading.Event,
    *,
    again: bool,
) -> list[Walked]:
    progress, count = Progress("objects listed"), Counter[str]()

    def on_page(seen: Sequence[Sighting]) -> None:
        count["items"] += len(seen)
        progress(count["items"])

    events = walk_events(
        runtime.ledger,
        clients,
        span,
        kinds=kinds,
        terms=runtime.terms,
        clock=runtime.clock,
        stop=stop,
        pause=stop.wait,
        on_page=on_page,
        again=again,
    )
    walks = backfill_span(
        runtime.ledger,
        clients,
        span,
        kinds=kinds,
        terms=runtime.terms,
        clock=runtime.clock,
        stop=stop,
        pause=stop.wait,
        on_page=on_page,
    )
    # the events first: they tell of what no list shows
    walked = [*events, *walks]
    progress.end()
    return walked


def _ask(runtime: Runtime, clients: Mapping[str, Client], stop: threading.Event) -> Counter[str]:
    progress, count = Progress("questions asked"), Counter[str]()

    def on_round(looks: int) -> None:
        count["looks"] += looks
        progress(count["looks"])

    looked = ask_for_all(
        runtime.ledger,
        clients,
        terms=runtime.terms,
        clock=runtime.clock,
        chance=runtime.chance,
        stop=stop,
        on_round=on_round,
    )
    progress.end()
    return looked


def _plan(
    runtime: Runtime,
    clients: Mapping[str, Client],
    span: Span,
    kinds: list[str],
    *,
    as_lines: bool,
) -> None:
    """What would be asked; how many pages a list has is only known when it was walked."""
    rows: list[dict[str, Any]] = []
    for which, _ in lists(clients, runtime.terms, kinds):
        kept = pages.Walk(which.account, which.kind, which.app, span.name)
        with runtime.ledger.read() as connection:
            cursor = pages.read(connection, kept)
        rows.append(
            {
                "account": which.account,
                "list": which.name,
                "since": span.since,
                "until": span.until,
                "goes_on_from": _down_to(cursor),
                "pages_most": PASSES_LIMIT * PAGES_LIMIT,
            }
        )
    _print(rows, _PLANNED, as_lines=as_lines)
    for spot in blind_spots(clients, runtime.terms):
        _tell_blind(spot.account, spot.kind, spot.why, as_lines=as_lines)


def _report(walked: list[Walked], looked: Counter[str], *, as_lines: bool) -> None:
    rows = [
        {
            "account": one.which.account,
            "list": f"{one.which.kind}/{one.which.app}".rstrip("/"),
            **{name: one.done[name] for name in ("pages", "listed", "new", "unread")},
            "outcome": _outcome(one),
            "left_down_to": _down_to(one.left),
        }
        for one in walked
    ]
    _print(rows, _COLUMNS, as_lines=as_lines)
    asked = [{"answer": word, "count": n} for word, n in sorted(looked.items())]
    _print(asked, ("answer", "count"), as_lines=as_lines)


def _outcome(walked: Walked) -> str:
    words = ("absent", "cut", "limited", "stuck", "failed")
    return next((word for word in words if walked.done[word]), "whole")


def _down_to(cursor: Cursor | None) -> datetime | None:
    """Everything newer than this was walked already."""
    return from_micros(cursor.until * MICROS).astimezone(UTC) if cursor and cursor.until else None


def _tell_blind(account: str, kind: str, why: str, *, as_lines: bool) -> None:
    if as_lines:
        typer.echo(as_json({"account": account, "kind": kind, "not_asked": why}))
        return
    reason = {
        "no_list": "has no list: what was never notified is in nobody's reach but the merchant's,"
        " compare with the merchant's own book",
        "no_apps": f"cannot be asked: accounts.{account}.apps names no app",
    }[why]
    typer.echo(f"{account}: {kind} {reason}", err=True)


def _print(rows: list[dict[str, Any]], columns: tuple[str, ...], *, as_lines: bool) -> None:
    if as_lines:
        for row in rows:
            typer.echo(as_json(row))
    else:
        show(rows, columns)


def _end(
    walked: list[Walked], looked: Counter[str], unreached: object, *, is_cut: bool = False
) -> None:
    """Say whether all that can be asked was, and leave with the code that says so."""
    cut = [one for one in walked if one.left is not None or one.done["failed"]]
    unanswered = sum(n for word, n in looked.items() if word not in _ANSWERED)
    if cut or is_cut:
        typer.echo(
            f"not whole: {len(cut):,} lists were cut short; the same call goes on from there",
            err=True,
        )
        raise typer.Exit(TRY_AGAIN)
    if unanswered or unreached:
        typer.echo(f"not whole: {unanswered:,} questions had no good answer", err=True)
        raise typer.Exit(FOUND)
    typer.echo("whole: everything that can be asked for was", err=True)
