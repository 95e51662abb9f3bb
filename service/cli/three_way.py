"""What do the book, Ping++ and the channel say of each number? `statement three-way`."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from typing import Annotated, Any

import typer

from service.cli.exits import FOUND, Usage
from service.cli.options import AsJson, Config, open_command
from service.cli.output import Format, show
from service.cli.statement import Account, account_of, days_of, reading_of
from service.core.statement.three_way import SIDES, Compared, Said
from service.ledger.three_way import Source, compared
from service.work.statement.take import EPOCH

ROWS_LISTED = 1_000
_COLUMNS = ("day", "what", "number", *SIDES, "currency", "alone")

First = Annotated[str, typer.Option(help="From this day on: 2026-11-23.")]
Last = Annotated[str, typer.Option(help="Up to this day, with it.")]


def three_way(
    context: typer.Context,
    channel: Annotated[str, typer.Option(help="The source of the channel's bill: wechat.")],
    book: Annotated[str, typer.Option(help="The source of the merchant's book.")] = "book",
    config: Config = None,
    account: Account = None,
    day: Annotated[str, typer.Option(help="This day only.")] = "",
    first_day: First = "",
    last_day: Last = "",
    number: Annotated[str | None, typer.Option(help="This order_no only.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what all three agree on.")
    ] = False,
    limit: Annotated[
        int, typer.Option(min=1, max=10_000_000, help="At most so many rows.")
    ] = ROWS_LISTED,
    as_lines: AsJson = False,
) -> None:
    """Lay book, Ping++ and channel side by side, and name who stands alone; 1 when any does.

    Compared are the days that statements of both sources cover.
    """
    if day and (first_day or last_day):
        raise Usage("give --day, or --first-day and --last-day")
    days = days_of(day or first_day, day or last_day)
    seen: Counter[str] = Counter()
    with open_command(context, config) as runtime:
        whose = account_of(runtime.settings, channel, account)
        ours, theirs = (
            Source(name, reading_of(runtime.settings, name)) for name in (book, channel)
        )
        found = compared(runtime.ledger, whose, ours, theirs, days)
        rows = _counted(found, seen, number, everything=everything)
        shape = Format.JSONL if as_lines else Format.TABLE
        show(islice((_row(one, flat=not as_lines) for one in rows), limit), _COLUMNS, shape)
        # what was not shown is counted too
        for _ in rows:
            pass
    named = "".join(f"; {side} alone in {seen[side]:,}" for side in SIDES if seen[side])
    typer.echo(f"{seen['']:,} numbers, {seen['differs']:,} differ{named}", err=True)
    if seen["differs"]:
        raise typer.Exit(FOUND)


def _counted(
    found: Iterator[Compared], seen: Counter[str], number: str | None, *, everything: bool
) -> Iterator[Compared]:
    """What is to be shown; all of it is counted."""
    for one in found:
        if number is not None and one.number != number:
            continue
        seen[""] += 1
        seen["differs"] += bool(one.alone)
        for side in {side for names in one.alone.values() if len(names) == 1 for side in names}:
            seen[side] += 1
        if everything or one.alone:
            yield one


def _row(one: Compared, *, flat: bool) -> dict[str, Any]:
    head = {"day": _day(one.first_day), "what": one.what, "number": one.number}
    if not flat:
        said = {side: _side(one.said.get(side)) for side in SIDES}
        return {**head, **said, "alone": one.alone}
    amounts = {side: _amount(one.said.get(side)) for side in SIDES}
    alone = "; ".join(f"{aspect}: {', '.join(names)}" for aspect, names in one.alone.items())
    currencies = sorted({name for said in one.said.values() for name in said.currencies if name})
    return {**head, **amounts, "currency": "/".join(currencies), "alone": alone}


def _side(said: Said | None) -> dict[str, Any] | None:
    """What one side says, for programs; None: nothing."""
    if said is None:
        return None
    if not said.moved:
        return {"count": 0, "status": said.status}
    return {
        "count": said.count,
        "amount": said.amount,
        "fee": said.fee,
        "currency": said.currencies[0] or None,
        "day": _day(said.days[0]),
        "unsure": said.unsure,
    }


def _amount(said: Said | None) -> str | int:
    """Minor units, or the word of what has not moved."""
    if said is None:
        return ""
    return said.amount if said.moved else (said.status or "")


def _day(number: int) -> str:
    return (EPOCH + timedelta(days=number)).isoformat()
