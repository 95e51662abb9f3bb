"""How is one operation of Ping++ called from the shell? Checked, asked about, sent once, shown."""

import random
import sys
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Annotated, Any, NamedTuple

import typer

from service.cli.api.curl import as_curl
from service.cli.api.place import with_app
from service.cli.api.send import Sender
from service.cli.api.shown import show_answer, show_doubts, show_operations, show_params
from service.cli.api.values import read_values
from service.cli.exits import Usage
from service.cli.options import AsJson, Config, open_command, settings_of
from service.core.errors import GiveUp, Misconfigured
from service.pingpp.caller import Caller, open_caller
from service.pingpp.endpoints import OPERATIONS
from service.pingpp.endpoints.check import Given, Invalid, ensure
from service.pingpp.endpoints.operation import Operation
from service.pingpp.endpoints.request import sort_out
from service.runtime import accesses_of, load_rings
from service.settings import Settings


class _Wish(NamedTuple):
    """What was asked for, once it is known to be sound."""

    row: Operation
    account: str
    given: Given


def api(
    context: typer.Context,
    operation: Annotated[
        str | None, typer.Argument(help="Such as order.retrieve; without one they are listed.")
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]…", help="key=text, key:=json, key=@file, key:=@file."),
    ] = None,
    config: Config = None,
    account: Annotated[str | None, typer.Option(help="Whose key; needed with several.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show the signed request, as curl.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="It moves money, and that is meant.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="I looked: what has no answer did not arrive.")
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="All pages of a list.")] = False,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show personal data and links unmasked.")
    ] = False,
    describe: Annotated[
        bool, typer.Option("--describe", help="Only show what the operation takes.")
    ] = False,
    doubts: Annotated[
        bool, typer.Option("--doubts", help="Only list what was sent and has no answer.")
    ] = False,
    as_lines: AsJson = False,
) -> None:
    """Call any operation of the provider's API, for one account."""
    if doubts:
        with open_command(context, config) as runtime:
            show_doubts(runtime.ledger, as_lines=as_lines)
        return
    if operation is None:
        show_operations(as_lines=as_lines)
        return
    row = _row(operation)
    if describe:
        show_params(row, as_lines=as_lines)
        return
    settings = settings_of(context, config)
    wish = _wish(settings, row, account, values or [])
    with _calling(settings, wish.account) as caller:
        if dry_run:
            typer.echo(as_curl(caller.prepare(wish.row, wish.given, _now())))
        elif every:
            _show_all(caller, wish, as_lines=as_lines, reveal=reveal)
        else:
            _ask_first(settings, wish, yes=yes)
            sender = Sender(caller, wish.account, again=again)
            called = sender.send(wish.row, wish.given, lambda: open_command(context, config))
            show_answer(called, as_lines=as_lines, reveal=reveal)


def _row(operation: str) -> Operation:
    if operation in OPERATIONS:
        return OPERATIONS[operation]
    near = get_close_matches(operation, OPERATIONS, n=3, cutoff=0.5)
    hint = f": did you mean {' or '.join(near)}?" if near else ": `pingledger api` lists them"
    raise Usage(f"no operation is called that{hint}")


def _wish(settings: Settings, row: Operation, account: str | None, values: list[str]) -> _Wish:
    name = _account(settings, account)
    placed = with_app(row, read_values(row, values), settings.accounts[name].apps, name)
    given = sort_out(row, placed)
    try:
        ensure(row, given)
    except Invalid as error:
        raise Usage(str(error)) from None
    return _Wish(row, name, given)


def _account(settings: Settings, account: str | None) -> str:
    """The one that was named, or the only one that has a key."""
    if account is not None:
        if account not in settings.accounts:
            known = ", ".join(settings.accounts) or "none"
            raise Usage(f"--account: no account is called that; known are: {known}")
        if settings.accounts[account].api_key is None:
            raise Misconfigured(f"accounts.{account}.api_key", "is missing: nothing can be asked")
        return account
    able = [name for name, one in settings.accounts.items() if one.api_key is not None]
    if not able:
        raise Misconfigured("accounts", "none has an api_key: nothing can be asked")
    if len(able) > 1:
        raise Usage(f"say whose key is meant: --account, one of {', '.join(able)}")
    return able[0]


@contextmanager
def _calling(settings: Settings, account: str) -> Generator[Caller]:
    access = accesses_of(settings, load_rings(settings))[account]
    caller = open_caller(access, clock=_now, chance=random.SystemRandom().random)
    with closing(caller):
        yield caller


def _show_all(caller: Caller, wish: _Wish, *, as_lines: bool, reveal: bool) -> None:
    if not wish.row.paging:
        raise Usage("--all is for lists")
    for page in _pages(caller, wish):
        show_answer(page, as_lines=as_lines, reveal=reveal)


def _pages(caller: Caller, wish: _Wish) -> Iterator[Any]:
    yield from caller.pages(wish.row, wish.given)


def _ask_first(settings: Settings, wish: _Wish, *, yes: bool) -> None:
    """Money moves only when a person says so."""
    if not wish.row.moves_money or yes:
        return
    if not sys.stdin.isatty():
        raise Usage(f"{wish.row.name} moves money: say --yes when that is meant")
    mode = "LIVE" if settings.accounts[wish.account].livemode else "test"
    sys.stderr.write(f"{wish.row.name} moves money of {wish.account} ({mode}). Send it? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise GiveUp("nothing was sent")


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  this host's clock is what a request is signed with
