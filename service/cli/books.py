"""What do the books say? `balance` and `journal`."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from service.cli.exits import FOUND, Usage
from service.cli.explain import ambiguous
from service.cli.options import AsJson, Config, open_command
from service.cli.output import Format, show
from service.core.observation import Key
from service.ledger import journal as books
from service.ledger import reads
from service.ledger.journal import Balance, Span
from service.runtime import Runtime

Account = Annotated[str | None, typer.Option(help="Of this account only.")]
Day = Annotated[str | None, typer.Option("--at", metavar="DAY", help="As it stood at its end.")]
Known = Annotated[
    str | None, typer.Option("--as-known", metavar="DAY", help="As it was known at its end.")
]

_BALANCES = ("account", "book", "currency", "debit", "credit", "balance")
_LINES = (
    "known_at", "happened_at", "account", "kind", "object_id", "entry", "debit", "credit",
    "amount", "currency", "corrects",
)  # fmt: skip
LINES = 200


def balance(
    context: typer.Context,
    config: Config = None,
    account: Account = None,
    at: Day = None,
    as_known: Known = None,
    as_json: AsJson = False,
) -> None:
    """Show what stands on each account of the journal, in minor units; 1 when it is not zero."""
    with open_command(context, config) as runtime:
        span = Span(account, until=_end_of(runtime, at), known=_end_of(runtime, as_known))
        with runtime.ledger.read() as connection:
            found = books.balances(connection, span)
    show(map(_row, found), _BALANCES, Format.JSONL if as_json else Format.TABLE)
    for sentence in _trial(found):
        typer.echo(sentence, err=True)
    if any(one.debit != one.credit for one in books.trial(found)):
        raise typer.Exit(FOUND)


def journal(
    context: typer.Context,
    kind: Annotated[str | None, typer.Argument(help="Of one object: its kind …")] = None,
    object_id: Annotated[str | None, typer.Argument(metavar="ID", help="… and its id.")] = None,
    config: Config = None,
    account: Account = None,
    order: Annotated[str | None, typer.Option(help="All that belongs to this order.")] = None,
    book: Annotated[
        str | None, typer.Option(help="Of one account: wallet:APP-cus_003, fees, …")
    ] = None,
    since: Annotated[str | None, typer.Option(metavar="DAY", help="Happened from then on.")] = None,
    until: Annotated[str | None, typer.Option(metavar="DAY", help="To the end of it.")] = None,
    as_known: Known = None,
    limit: Annotated[int | None, typer.Option(min=1, help=f"A table has {LINES}.")] = None,
    as_json: AsJson = False,
) -> None:
    """List postings: each moves an amount, in minor units, from its credit to its debit."""
    if (kind is None) is not (object_id is None):
        raise Usage("give both, KIND and ID, or neither")
    with open_command(context, config) as runtime:
        span = Span(
            account,
            since=_start_of(runtime, since),
            until=_end_of(runtime, until),
            known=_end_of(runtime, as_known),
        )
        found = books.lines(
            runtime.ledger,
            span,
            key=_object(runtime, kind, object_id, account),
            order_id=order,
            book=book,
            limit=limit or (None if as_json else LINES),
        )
        shape = Format.JSONL if as_json else Format.TABLE
        show((one._asdict() for one in found), _LINES, shape)


def _object(
    runtime: Runtime, kind: str | None, object_id: str | None, account: str | None
) -> Key | None:
    if kind is None or object_id is None:
        return None
    with runtime.ledger.read() as connection:
        found = reads.find(connection, kind, object_id, account)
    if len(found) != 1:
        raise Usage(ambiguous(found) if found else f"no {kind} {object_id} is known")
    return found[0]


def _row(one: Balance) -> dict[str, Any]:
    return {**one._asdict(), "balance": one.balance}


def _trial(found: Sequence[Balance]) -> Iterator[str]:
    """The proof of the whole: both sides by currency."""
    for one in books.trial(found):
        difference = one.debit - one.credit
        yield f"{one.currency}: debit {one.debit:,}, credit {one.credit:,}, difference {difference}"


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Usage(f"{text!r} is no day: write it as 2026-11-23") from None


def _start_of(runtime: Runtime, day: str | None) -> datetime | None:
    if day is None:
        return None
    return datetime.combine(_day(day), time.min, ZoneInfo(runtime.settings.zone))


def _end_of(runtime: Runtime, day: str | None) -> datetime | None:
    """The first instant that no longer belongs to the business day."""
    start = _start_of(runtime, day)
    return None if start is None else start + timedelta(days=1)
