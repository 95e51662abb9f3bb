"""What is in the ledger? `objects`, `deliveries` and `mismatches`."""

from enum import StrEnum
from typing import Annotated

import typer

from service.cli.exits import Usage
from service.cli.options import AsJson, Config, open_command
from service.cli.output import Format, show
from service.core.kinds import KINDS
from service.ledger import reads

TABLE_ROWS = 100

Account = Annotated[str | None, typer.Option(help="Of this account only.")]
Shape = Annotated[Format, typer.Option("--format", help="For people, or for programs.")]
Limit = Annotated[
    int | None,
    typer.Option(min=1, help=f"At most so many; a table has {TABLE_ROWS}, jsonl all of them."),
]


class FoundBy(StrEnum):
    """Whether a notification ever said anything of an object."""

    NOTIFIED = "notified"
    ASKED = "asked"


_OBJECTS = (
    "kind", "id", "account", "status", "amount", "amount_paid", "amount_refunded", "final",
    "conflict", "found_by", "updated_at",
)  # fmt: skip
_DELIVERIES = (
    "id", "account", "received_at", "type", "event", "state", "reason", "repeats", "bytes",
)  # fmt: skip
_MISMATCHES = (
    "number", "rule", "state", "severity", "kind", "id", "ours", "theirs", "currency", "found_at",
    "owner",
)  # fmt: skip


def objects(
    context: typer.Context,
    config: Config = None,
    account: Account = None,
    kind: Annotated[str | None, typer.Option(help="Of this kind only: order, refund, …")] = None,
    status: Annotated[str | None, typer.Option(help="In this status only.")] = None,
    final: Annotated[
        bool | None, typer.Option("--final/--open", help="Only what has ended, or has not.")
    ] = None,
    found_by: Annotated[
        FoundBy | None, typer.Option(help="notified, or asked: what no notification told of.")
    ] = None,
    limit: Limit = None,
    shape: Shape = Format.TABLE,
    as_json: AsJson = False,
) -> None:
    """List what is believed of each object; amounts in minor units (fen)."""
    if kind is not None and kind not in KINDS:
        raise Usage(f"--kind should be one of {', '.join(KINDS)}")
    shape = Format.JSONL if as_json else shape
    with open_command(context, config) as runtime:
        rows = reads.objects(
            runtime.ledger,
            account=account,
            kind=kind,
            status=status,
            final=final,
            found_by=found_by,
            limit=_limit(limit, shape),
        )
        show((row._asdict() for row in rows), _OBJECTS, shape)


def deliveries(
    context: typer.Context,
    config: Config = None,
    account: Account = None,
    state: Annotated[
        str | None, typer.Option(help="waiting, applied, kept or quarantined.")
    ] = None,
    verdict: Annotated[str | None, typer.Option(help="accepted or evidence.")] = None,
    event_type: Annotated[str | None, typer.Option("--type", help="Such as order.paid.")] = None,
    limit: Limit = None,
    shape: Shape = Format.TABLE,
    as_json: AsJson = False,
) -> None:
    """List what came in, the newest first."""
    shape = Format.JSONL if as_json else shape
    with open_command(context, config) as runtime:
        rows = reads.delivery_rows(
            runtime.ledger,
            account=account,
            state=state,
            verdict=verdict,
            event_type=event_type,
            limit=_limit(limit, shape),
        )
        show((row._asdict() for row in rows), _DELIVERIES, shape)


def mismatches(
    context: typer.Context,
    config: Config = None,
    account: Account = None,
    rule: Annotated[str | None, typer.Option(help="Of this rule only.")] = None,
    state: Annotated[
        str | None, typer.Option(help="suspected, open, acknowledged, waived or settled.")
    ] = None,
    settled: Annotated[
        bool, typer.Option("--settled", help="Also what has settled by itself.")
    ] = False,
    limit: Limit = None,
    shape: Shape = Format.TABLE,
    as_json: AsJson = False,
) -> None:
    """List what does not agree, the oldest first."""
    shape = Format.JSONL if as_json else shape
    with open_command(context, config) as runtime:
        rows = reads.mismatch_rows(
            runtime.ledger,
            account=account,
            rule=rule,
            state=state,
            settled=settled,
            limit=_limit(limit, shape),
        )
        show((row._asdict() for row in rows), _MISMATCHES, shape)


def _limit(asked: int | None, shape: Format) -> int | None:
    return asked or (TABLE_ROWS if shape is Format.TABLE else None)
