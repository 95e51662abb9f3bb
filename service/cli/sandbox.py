"""How is the fake Ping++ started from a command line?"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from service.pingpp.targets import is_id
from service.sandbox.app import Terms
from service.sandbox.faults import parse_rates
from service.sandbox.keys import private_key, public_key
from service.sandbox.server import HOST, serve
from service.sandbox.truth import Pace

_USAGE = 64
_CONFIG = 78


def sandbox(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.", min=1, max=65535)] = 8900,
    webhook_url: Annotated[str, typer.Option(help="Where events are sent to.")] = "",
    key_file: Annotated[
        Path, typer.Option(help="Its private key; made, with .pub beside it, when absent.")
    ] = Path("sandbox-key.pem"),
    merchant_key: Annotated[
        Path | None, typer.Option(help="The merchant's public key: requests must be signed.")
    ] = None,
    api_key: Annotated[str, typer.Option(help="The API key to accept.")] = "sk_live_sandbox",
    time_scale: Annotated[
        float, typer.Option(help="How many of Ping++'s seconds pass in one.", min=0.001)
    ] = 1.0,
    fault: Annotated[
        list[str] | None, typer.Option(help="A fault and its rate, as lose=0.1; may be repeated.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed, the same chances.")] = 0,
    frozen: Annotated[
        bool, typer.Option("--frozen", help="Time passes only by /sandbox/step.")
    ] = False,
    at: Annotated[
        datetime | None, typer.Option(help="The time it starts at, UTC; the host's if not given.")
    ] = None,
    manual: Annotated[
        bool, typer.Option("--manual", help="Nobody pays or approves but you.")
    ] = False,
    cast: Annotated[
        str, typer.Option(help="The app that has the document's people from the start.")
    ] = "",
    user_fee: Annotated[
        int, typer.Option(help="What a withdrawal costs its user, in fen.", min=0)
    ] = 0,
) -> None:
    """Be a fake Ping++ on loopback: the API under /v1, pages and control under /sandbox/."""
    try:
        rates = parse_rates(fault or [])
    except ValueError as error:
        typer.echo(f"--fault: {error}", err=True)
        raise typer.Exit(_USAGE) from error
    if cast and not is_id(cast):
        typer.echo("--cast: an app's id is letters, digits, _ and -", err=True)
        raise typer.Exit(_USAGE)
    try:
        key = private_key(key_file)
        merchant = public_key(merchant_key) if merchant_key else None
    except (OSError, TypeError, ValueError) as error:
        typer.echo(f"--key-file or --merchant-key: {error}", err=True)
        raise typer.Exit(_CONFIG) from error
    terms = Terms(
        key=key,
        api_key=api_key,
        merchant_key=merchant,
        webhook_url=webhook_url,
        pace=Pace(scale=time_scale, automatic=not manual, user_fee=user_fee),
        rates=rates,
        seed=seed,
        start=at and at.replace(tzinfo=UTC),
        frozen=frozen,
        cast=cast,
    )
    typer.echo(f"sandbox: http://{HOST}:{port}/sandbox/ (public key: {key_file}.pub)", err=True)
    serve(terms, port)
