"""How values become a request, and a request's query values again: places, targets, bytes."""

import json
from collections.abc import Iterable, Iterator, Mapping
from string import Formatter
from typing import Any, cast
from urllib.parse import quote, urlencode

from service.pingpp.endpoints.check import Given, Values
from service.pingpp.endpoints.operation import Operation, Param, Place


def sort_out(operation: Operation, values: Values) -> Given:
    """Put each value where its first step belongs, and what is fixed beside it.

    A name that the table lacks goes with the body, where the check tells of it. What stands under
    the other spelling of a name is moved to the name (facts §7 row 35).
    """
    places = {param.name.partition(".")[0]: param.place for param in operation.params}
    given = {place: dict[str, Any]() for place in Place}
    for param in operation.params:
        if param.fixed:
            given[param.place][param.name] = param.fixed
    for name, value in values.items():
        given[places.get(name, Place.BODY)][name] = value
    for param in operation.params:
        if param.instead:
            _respell(given[param.place], param)
    return Given(*(given[place] for place in Place))


def _respell(values: dict[str, Any], param: Param) -> None:
    """Both spellings stand below one name; where both are given, nothing is moved."""
    outer, _, name = param.name.rpartition(".")
    inside, other = values.get(outer), param.instead.rpartition(".")[2]
    if isinstance(inside, dict) and other in inside and name not in inside:
        kept = dict(cast("dict[str, Any]", inside))
        values[outer] = {name: kept.pop(other), **kept}


def targets(operation: Operation, given: Given) -> list[str]:
    """Path and query as they are sent, once for each of the row's paths; the values are good."""
    query = query_text(given.query)
    tail = f"?{query}" if query else ""
    return [_fill(template, given.path) + tail for template in operation.paths]


def body_bytes(operation: Operation, given: Given) -> bytes:
    """The JSON that is sent and signed; empty for what only reads (facts 4.2)."""
    if operation.reads:
        return b""
    return json.dumps(given.body, ensure_ascii=False, separators=(",", ":")).encode()


def query_text(query: Values) -> str:
    """Encode nested values; steps after the first stand in brackets: created[gte], app[id]."""
    return urlencode(list(_pairs(query, "")))


def read_query(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Nest a query's pairs again; a name that cannot be nested stays as it is, and is unknown."""
    fields: dict[str, Any] = {}
    for name, value in pairs:
        outer, _, inner = name.partition("[")
        below = fields.setdefault(outer, {}) if inner.endswith("]") and outer else None
        if isinstance(below, dict):
            cast("dict[str, Any]", below)[inner[:-1]] = value
        else:
            fields[name] = value
    return fields


def param_at(operation: Operation, name: str) -> Param | None:
    """The parameter with this name; places in a list may be numbered: recipients[0].user."""
    steps = [step.partition("[")[0] + ("[]" if "[" in step else "") for step in name.split(".")]
    known = {param.name: param for param in operation.params}
    return known.get(".".join(steps))


def placeholders(template: str) -> list[str]:
    """The names in the braces of a path."""
    return [name for _, name, _, _ in Formatter().parse(template) if name]


def _fill(template: str, values: Values) -> str:
    names = placeholders(template)
    return template.format_map({name: quote(str(values[name]), safe="") for name in names})


def _pairs(values: Values, outer: str) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        at = f"{outer}[{name}]" if outer else name
        if isinstance(value, Mapping):
            yield from _pairs(cast("Values", value), at)
        elif value is not None:
            yield at, _word(value)


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
