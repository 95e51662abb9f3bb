"""How operations, their parameters and their answers are shown."""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import typer

from service.cli.output import Format, as_json, show
from service.core.masking import mask
from service.ledger import sendings
from service.ledger.engine import Ledger
from service.pingpp.caller import Called
from service.pingpp.endpoints import OPERATIONS
from service.pingpp.endpoints.operation import Operation, Param
from service.telemetry import printable


def show_operations(*, as_lines: bool) -> None:
    """One line for each."""
    columns = ("operation", "method", "path", "money", "repeat", "line", "title")
    show(map(_operation, OPERATIONS.values()), columns, _shape(as_lines=as_lines))


def show_params(row: Operation, *, as_lines: bool) -> None:
    """One line for each parameter, and whether it may be sent again."""
    columns = ("param", "place", "needed", "takes", "limits", "words", "line")
    show(map(_param, row.params), columns, _shape(as_lines=as_lines))
    money = "it moves money; " if row.moves_money else ""
    page = f"; its page lives {row.page_seconds // 60} minutes" if row.page_seconds else ""
    typer.echo(f"{row.title.en}: {money}{row.repeat.en}{page}", err=True)


def show_doubts(ledger: Ledger, *, as_lines: bool) -> None:
    """What was sent and has no answer."""
    with ledger.read() as connection:
        found = sendings.without_answer(connection)
    rows = [{"account": a, "operation": o, "sent_at": at} for a, o, at in found]
    show(rows, ("account", "operation", "sent_at"), _shape(as_lines=as_lines))


def show_answer(called: Called, *, as_lines: bool, reveal: bool) -> None:
    """The answer as JSON, masked unless it is to be revealed; what it says of a failure beside."""
    fields = json.loads(called.body)
    masked = mask(fields)
    shown = fields if reveal else masked
    text = as_json(shown) if as_lines else json.dumps(shown, ensure_ascii=False, indent=2)
    typer.echo("".join(_safe(text)))
    # of the masked fields: what another field holds is hidden in its text, too
    failure = replace(called, fields=masked).failure
    if failure and not as_lines:
        code, said = failure
        sys.stderr.write(f"it tells of a failure: {code or 'no code'}: {printable(said)}\n")


def _safe(text: str) -> Iterator[str]:
    """Nothing that a terminal acts upon; JSON escapes say the same."""
    for sign in text:
        yield sign if sign.isprintable() or sign == "\n" else f"\\u{ord(sign):04x}"


def _shape(*, as_lines: bool) -> Format:
    return Format.JSONL if as_lines else Format.TABLE


def _operation(row: Operation) -> Mapping[str, Any]:
    return {
        "operation": row.name,
        "method": row.method,
        "path": row.path,
        "money": row.moves_money,
        "repeat": row.repeat.allowed,
        "line": row.line or None,
        "title": row.title.en,
    }


def _param(param: Param) -> Mapping[str, Any]:
    return {
        "param": param.name,
        "place": param.place.value,
        "needed": param.need.value,
        "takes": param.takes.value,
        "limits": f"{param.least}-{param.most}" if param.most else None,
        "words": ", ".join(param.words) or None,
        "line": param.line or None,
    }
