"""Who may look and act? `user add|list|role|reset|disable|enable|sessions`."""

import re
from collections.abc import Callable
from typing import Annotated, Any

import typer

from service.cli.exits import Usage
from service.cli.opening import asking
from service.cli.options import AsJson, Config, open_command
from service.cli.output import Format, show
from service.core.errors import GiveUp
from service.ledger import audit, sessions, users
from service.ledger.users import User
from service.runtime import Runtime
from service.web.doors import LANGUAGES, Role
from service.work.admit import first_password, new_user
from service.work.hashing import Hashing

app = typer.Typer(help="People who may look and act; none is there until one is added.")

_NAME = re.compile(r"[a-z0-9]([a-z0-9._@-]{0,62}[a-z0-9])?")
_COLUMNS = ("name", "roles", "accounts", "language", "signs_in", "created_at", "disabled_at")

Name = Annotated[str, typer.Argument(help="How the person is called; capitals do not matter.")]
Roles = Annotated[
    list[str], typer.Option("--role", help="viewer, operator, finance or admin; several may be.")
]
Accounts = Annotated[
    list[str] | None, typer.Option("--account", help="Only this account; several may be.")
]


@app.command()
def add(
    context: typer.Context,
    name: Name,
    role: Roles,
    account: Accounts = None,
    language: Annotated[str, typer.Option(help="zh or en.")] = "zh",
    config: Config = None,
) -> None:
    """Let somebody in, and print a first password once; it has to be changed at the first use."""
    called, roles = _called(name), _roles(role)
    if language not in LANGUAGES:
        raise Usage(f"--language should be one of {', '.join(LANGUAGES)}")
    with open_command(context, config, makes=True) as runtime:
        accounts = known_accounts(runtime, account)
        password = make_user(runtime, called, roles, accounts, language)
    _give(password)


def make_user(
    runtime: Runtime, name: str, roles: list[str], accounts: list[str] | None, language: str
) -> str:
    """Add somebody and give the first password; raises GiveUp when the name is known."""
    password = first_password()
    kept = Hashing().hash(password)
    user = new_user(name, roles, accounts, language=language, now=runtime.clock(), password=kept)
    with runtime.ledger.begin() as connection:
        users.add(connection, user)
    _note(runtime, f"user {name}: added as {', '.join(sorted(roles))}")
    return password


@app.command("list")
def list_(context: typer.Context, config: Config = None, as_json: AsJson = False) -> None:
    """Show who may come in, and who no longer may."""
    with open_command(context, config) as runtime:
        with runtime.ledger.read() as connection:
            everyone = users.everyone(connection)
        shape = Format.JSONL if as_json else Format.TABLE
        show((_row(user) for user in everyone), _COLUMNS, shape)


@app.command()
def role(
    context: typer.Context,
    name: Name,
    role: Roles,
    account: Accounts = None,
    config: Config = None,
) -> None:
    """Give other roles and accounts (none named: all); whoever is signed in has to again."""
    roles = _roles(role)

    def values(runtime: Runtime) -> dict[str, Any]:
        return {"roles": roles, "accounts": known_accounts(runtime, account)}

    _change(context, config, name, f"is {', '.join(sorted(roles))} now", values)


@app.command()
def reset(context: typer.Context, name: Name, config: Config = None) -> None:
    """Print a new first password once; the old one and all sessions end."""
    password = first_password()

    def values(_runtime: Runtime) -> dict[str, Any]:
        return {"password": Hashing().hash(password), "must_change": True}

    _change(context, config, name, "password reset", values, local=True)
    _give(password)


@app.command()
def disable(context: typer.Context, name: Name, config: Config = None) -> None:
    """Let somebody in no more; all sessions end at once, what was done stays known."""
    _change(context, config, name, "disabled", lambda runtime: {"disabled_at": runtime.clock()})


@app.command()
def enable(context: typer.Context, name: Name, config: Config = None) -> None:
    """Let somebody in again who was disabled."""
    _change(context, config, name, "enabled", lambda _: {"disabled_at": None})


@app.command("sessions")
def sessions_(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Of this person only.")] = "",
    end: Annotated[bool, typer.Option("--end", help="Sign that person out everywhere.")] = False,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show who is signed in, or end it."""
    if end and not name:
        raise Usage("say whose sessions to end")
    if end:
        _change(context, config, name, "signed out everywhere", lambda _: {})
        return
    with open_command(context, config) as runtime:
        with runtime.ledger.read() as connection:
            user = _known(connection, name) if name else None
            found = sessions.all_of(connection, user.id if user else None)
        rows = (
            {"name": whose, "address": one.address, "since": one.started_at, "seen_at": one.seen_at}
            for whose, one in found
        )
        shape = Format.JSONL if as_json else Format.TABLE
        show(rows, ("name", "address", "since", "seen_at"), shape)


def known_accounts(runtime: Runtime, named: list[str] | None) -> list[str] | None:
    """The accounts named; raises Usage for one that the settings do not know."""
    for account in named or ():
        if account not in runtime.settings.accounts:
            raise Usage(f"no account is called {account}")
    return named or None


def _change(
    context: typer.Context,
    config: Any,
    name: str,
    what: str,
    values: Callable[[Runtime], dict[str, Any]],
    *,
    local: bool = False,
) -> None:
    with open_command(context, config) as runtime:
        changed = values(runtime)
        with runtime.ledger.begin() as connection:
            user = _known(connection, name)
            if local and user.password is None:
                raise GiveUp(f"{user.name} signs in elsewhere and has no password here")
            users.change(connection, user.id, **changed)
        _note(runtime, f"user {user.name}: {what}")
    typer.echo(f"{user.name}: {what}", err=True)


def _known(connection: users.Connection, name: str) -> User:
    user = users.by_name(connection, name.casefold())
    if user is None:
        raise GiveUp("nobody of that name is known")
    return user


def _called(name: str) -> str:
    called = name.casefold()
    if not _NAME.fullmatch(called):
        raise Usage("a name has letters, digits and . _ @ -, at most 64 of them")
    return called


def _roles(given: list[str]) -> list[str]:
    for word in given:
        if word not in list(Role):
            raise Usage(f"--role should be one of {', '.join(Role)}")
    return sorted(set(given))


def _row(user: User) -> dict[str, Any]:
    return {
        "name": user.name,
        "roles": " ".join(sorted(user.roles)),
        "accounts": "all" if user.accounts is None else " ".join(sorted(user.accounts)),
        "language": user.language,
        "signs_in": user.issuer or ("first password" if user.must_change else "password"),
        "created_at": user.created_at,
        "disabled_at": user.disabled_at,
    }


def _note(runtime: Runtime, what: str) -> None:
    who = asking("")
    audit.note(runtime.ledger, who=who, what=what, why="by command", now=runtime.clock())


def _give(password: str) -> None:
    typer.echo("the first password, shown this once, to be changed at the first sign-in:", err=True)
    typer.echo(password)
