"""Which programs may use the API? `token add|list|revoke`."""

import secrets
from datetime import timedelta
from typing import Annotated

import typer

from service.cli.exits import Usage
from service.cli.opening import asking
from service.cli.options import AsJson, Config, open_command
from service.cli.output import Format, show
from service.cli.user import Accounts, known_accounts
from service.core.errors import GiveUp
from service.ledger import audit, tokens
from service.ledger.tokens import Token
from service.web.api.scopes import SCOPES
from service.work.admit import digest_of

app = typer.Typer(help="Tokens of programs that use the JSON API.")

DAYS_LIMIT = 366
NAME_LIMIT = 64
_COLUMNS = (
    "id", "name", "scopes", "accounts", "made_by", "created_at", "expires_at", "used_at",
    "revoked_at",
)  # fmt: skip


@app.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What it is for.")],
    scope: Annotated[list[str], typer.Option(help=f"{', '.join(SCOPES)}; several may be.")],
    account: Accounts = None,
    days: Annotated[int, typer.Option(min=1, max=DAYS_LIMIT, help="How long it is good.")] = 90,
    config: Config = None,
) -> None:
    """Make a token and print it once; only its hash is kept."""
    for word in scope:
        if word not in SCOPES:
            raise Usage(f"--scope should be one of {', '.join(SCOPES)}")
    if not name.strip() or len(name) > NAME_LIMIT or not name.isprintable():
        raise Usage(f"NAME should say what it is for, in at most {NAME_LIMIT} letters")
    secret = f"plt_{secrets.token_urlsafe(32)}"
    with open_command(context, config) as runtime:
        now = runtime.clock()
        accounts = known_accounts(runtime, account)
        token = Token(
            id=f"token_{secrets.token_hex(8)}",
            name=name,
            scopes=frozenset(scope),
            accounts=None if accounts is None else frozenset(accounts),
            made_by=asking(""),
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
        with runtime.ledger.begin() as connection:
            tokens.add(connection, token, digest_of(secret))
        what = f"{token.id}: added for {', '.join(sorted(token.scopes))}"
        audit.note(runtime.ledger, who=token.made_by, what=what, why="by command", now=now)
    typer.echo(f"{token.id}, shown this once, good until {token.expires_at.isoformat()}:", err=True)
    typer.echo(secret)


@app.command("list")
def list_(context: typer.Context, config: Config = None, as_json: AsJson = False) -> None:
    """Show the tokens, those that ended too."""
    with open_command(context, config) as runtime:
        with runtime.ledger.read() as connection:
            found = tokens.everyone(connection)
        rows = ({name: _cell(token, name) for name in _COLUMNS} for token in found)
        show(rows, _COLUMNS, Format.JSONL if as_json else Format.TABLE)


@app.command()
def revoke(
    context: typer.Context,
    token_id: Annotated[str, typer.Argument(metavar="ID", help="token_…, as list shows it.")],
    config: Config = None,
) -> None:
    """End a token at once."""
    with open_command(context, config) as runtime:
        now = runtime.clock()
        with runtime.ledger.begin() as connection:
            done = tokens.revoke(connection, token_id, now=now)
        if not done:
            raise GiveUp("there is no such token, or it was revoked before")
        what = f"{token_id}: revoked"
        audit.note(runtime.ledger, who=asking(""), what=what, why="by command", now=now)
    typer.echo(f"{token_id}: revoked", err=True)


def _cell(token: Token, name: str) -> object:
    value = getattr(token, name)
    if isinstance(value, frozenset):
        return " ".join(sorted(value))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return "all" if name == "accounts" and value is None else value
