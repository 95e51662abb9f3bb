"""What did Ping++ really say of somebody? The one way to see personal data, and it is noted."""

import json
import os
import pwd
from collections.abc import Iterable
from typing import Annotated, Any

import typer

from service.cli.exits import Usage
from service.cli.explain import find
from service.cli.options import Config, open_command
from service.cli.output import Format, show
from service.core.errors import GiveUp, Unreadable
from service.core.kinds import KINDS
from service.core.masking import mask_text
from service.ledger import audit, opened
from service.ledger.opened import Opened
from service.pingpp.targets import is_id
from service.runtime import Runtime

REASON_LEAST = 4


def open_sealed(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help="order, withdrawal, …, or: delivery")],
    object_id: Annotated[str, typer.Argument(metavar="ID", help="Its id; a delivery's number.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept, so name nobody in it.")] = "",
    who: Annotated[str, typer.Option("--as", help="Who asks, when it is not this user.")] = "",
    account: Annotated[str | None, typer.Option(help="When two accounts know this id.")] = None,
    config: Config = None,
) -> None:
    """Print the sealed bytes of an object or a delivery, after an audit line was written."""
    if kind != "delivery" and kind not in KINDS:
        raise Usage(f"KIND should be delivery or one of {', '.join(KINDS)}")
    if not is_id(object_id) or (kind == "delivery" and not object_id.isdigit()):
        raise Usage("ID should be an id: letters, digits, _ and -; that of a delivery a number")
    if len(reason.strip()) < REASON_LEAST:
        raise Usage("say why with --reason")
    with open_command(context, config) as runtime:
        what, found = _chosen(runtime, kind, object_id, account)
        audit.note(
            runtime.ledger, who=asking(who), what=what, why=mask_text(reason), now=runtime.clock()
        )
        show(_rows(found), (), Format.JSONL)


def _chosen(
    runtime: Runtime, kind: str, object_id: str, account: str | None
) -> tuple[str, Iterable[Opened]]:
    if kind != "delivery":
        key = find(runtime, kind, object_id, account)
        return " ".join(key), opened.everything_of(runtime.ledger, key)
    number = int(object_id[:18])
    with runtime.ledger.read() as connection:
        if not opened.has_delivery(connection, number):
            raise GiveUp(f"there is no delivery {number}")
    return f"delivery {number}", opened.delivery(runtime.ledger, number)


def _rows(found: Iterable[Opened]) -> Iterable[dict[str, Any]]:
    try:
        for one in found:
            yield {"source": one.source, "number": one.number, "body": _document(one.body)}
    except Unreadable as error:
        raise GiveUp(f"it does not open: {error.cause}") from None


def _document(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "backslashreplace")


def asking(who: str) -> str:
    """Who does something: the system's user, and whom that one speaks for."""
    return f"{who} (as {_user()})" if who else _user()


def _user() -> str:
    """The system's own name for us: an environment can be made to say anything."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
