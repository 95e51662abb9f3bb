"""What happened to one object, and why?"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

from service.cli.exits import Usage
from service.cli.options import AsJson, Config, open_command
from service.cli.output import Format, cell, show
from service.core.errors import GiveUp
from service.core.kinds import KINDS
from service.core.observation import Key
from service.ledger import reads, story
from service.ledger.story import Line
from service.pingpp.targets import is_id
from service.runtime import Runtime

# What of a change is shown to people; programs get both whole views.
_SHOWN = ("status", "amount", "amount_paid", "amount_refunded")


def explain(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help="order, order_refund, charge, withdrawal, …")],
    object_id: Annotated[str, typer.Argument(metavar="ID", help="The provider's id.")],
    config: Config = None,
    account: Annotated[str | None, typer.Option(help="When two accounts know this id.")] = None,
    as_json: AsJson = False,
) -> None:
    """Tell every delivery, sighting, decision, look, change, finding and message of one object."""
    if kind not in KINDS:
        raise Usage(f"KIND should be one of {', '.join(KINDS)}")
    if not is_id(object_id):
        raise Usage("ID should be an id: letters, digits, _ and -")
    with open_command(context, config) as runtime:
        key = find(runtime, kind, object_id, account)
        with runtime.ledger.read() as connection:
            lines = story.tell(connection, key)
    if as_json:
        show((_row(key, line) for line in lines), (), Format.JSONL)
    else:
        typer.echo(f"{key.kind} {key.object_id} of {key.account}")
        for text in sentences(lines):
            typer.echo(text)


def find(runtime: Runtime, kind: str, object_id: str, account: str | None) -> Key:
    """The one object that is meant; raises GiveUp or Usage."""
    with runtime.ledger.read() as connection:
        found = reads.find(connection, kind, object_id, account)
    if not found:
        raise GiveUp(f"nothing is known of {kind} {object_id}")
    if len(found) > 1:
        raise Usage(ambiguous(found))
    return found[0]


def ambiguous(found: Sequence[Key]) -> str:
    """What to say when an id means several objects: of accounts, or users of apps."""
    if len({key.account for key in found}) < len(found):
        return "several apps have it: say APP-ID: " + ", ".join(key.object_id for key in found)
    accounts = ", ".join(key.account for key in found)
    return f"several accounts know it: choose one with --account: {accounts}"


def _row(key: Key, line: Line) -> dict[str, Any]:
    return {**key._asdict(), "at": line.at, "what": line.what, **line.figures}


def sentences(lines: Iterable[Line]) -> Iterable[str]:
    """The story for people, one line each."""
    for line in lines:
        yield f"{cell(line.at)}  {line.what:<11}  {sentence(line)}"


def sentence(line: Line) -> str:
    """What one line says."""
    return _SENTENCES[line.what](line.figures)


def _delivery(f: Mapping[str, Any]) -> str:
    repeats = f", repeated {f['repeats']} times" if f["repeats"] else ""
    reason = f" ({f['reason']})" if f["reason"] else ""
    return (
        f"#{f['delivery']} {cell(f['type'])} {cell(f['event'])}: {f['state']}{reason}{repeats},"
        f" key {f['key'][:8]}"
    )


def _evidence(f: Mapping[str, Any]) -> str:
    return f"#{f['delivery']} came under the same event id and says something else; it is only kept"


def _observation(f: Mapping[str, Any]) -> str:
    amounts = "".join(f", {n} {f[n]}" for n in ("amount_paid", "amount_refunded") if n in f)
    by = f" of delivery #{f['delivery']}" if f["delivery"] else ""
    return f"{f['source']}{by} shows {cell(f['status'])}{amounts}: {f['decision']}"


def _look(f: Mapping[str, Any]) -> str:
    return f"asked Ping++: {f['answer']}"


def _change(f: Mapping[str, Any]) -> str:
    before: Mapping[str, Any] = f["before"] or {}
    after: Mapping[str, Any] = f["after"]
    moved = [
        f"{name} {cell(before.get(name))} → {cell(after.get(name))}"
        for name in _SHOWN
        if before.get(name) != after.get(name)
    ]
    correction = " (a correction)" if f["correction"] else ""
    return f"{f['seq']}: {', '.join(moved) or 'no figure moved'}{correction}"


def _finding(f: Mapping[str, Any]) -> str:
    return (
        f"{f['rule']}: {cell(f['ours'])} against {cell(f['theirs'])} {f['currency'] or ''}".rstrip()
    )


def _message(f: Mapping[str, Any]) -> str:
    if f["sink"] is None:
        return f"{f['type']} {f['seq']}: for nobody, there was no sink"
    tried = f", tried {f['attempts']} times: {cell(f['error'])}" if f.get("error") else ""
    at = f" at {cell(f['settled_at'])}" if isinstance(f["settled_at"], datetime) else ""
    return f"{f['type']} {f['seq']} to {f['sink']}: {f['state']}{at}{tried}"


def _dropped(f: Mapping[str, Any]) -> str:
    return (
        f"{f['type']} {f['seq']} to {f['sink']}: given up by a person, tried {f['attempts']} times:"
        f" {cell(f['error'])}; why: {cell(f['reason'])}"
    )


def _watch(f: Mapping[str, Any]) -> str:
    deadline = f", due by {cell(f['deadline_at'])}" if f["deadline_at"] else ""
    return f"is asked next ({f['reason']}), {f['looks']} looks so far{deadline}"


_SENTENCES = {
    "delivery": _delivery,
    "evidence": _evidence,
    "observation": _observation,
    "look": _look,
    "change": _change,
    "suspected": _finding,
    "opened": _finding,
    "settled": _finding,
    "message": _message,
    "dropped": _dropped,
    "watch": _watch,
}
