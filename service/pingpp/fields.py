"""How one value of an object is read off the wire: what its form takes, and what is too odd.

The fields of each kind are made ready once: reading them is a good part of a delivery's cost.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, cast

from service.core.errors import Unreadable
from service.core.kinds import KINDS
from service.core.kinds.kind import Field, Fields, Form, Kind
from service.core.observation import Scalar

ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_CURRENCY = re.compile(r"[a-z]{3}")
_AMOUNT_LIMIT = 2**63 - 1
# 2100-01-01: later times are slips (milliseconds, nonsense), and are left out.
_TIME_LIMIT = 4_102_444_800
_TEXT_LENGTH = 200


def _at(fields: Fields, path: tuple[str, ...]) -> Any:
    value: Any = fields
    for step in path:
        value = cast("Fields", value).get(step) if isinstance(value, dict) else None
    return value


ODD = object()
_MONEY = (Form.AMOUNT, Form.DIGITS)


def is_whole(raw: object) -> bool:
    """Whether it is an integer; true and false are none."""
    return isinstance(raw, int) and not isinstance(raw, bool)


def amount_of(raw: Any) -> object:
    """Minor units: 0 to 2^63-1, as a JSON integer."""
    # not isinstance: true and false are none
    return raw if type(raw) is int and 0 <= raw <= _AMOUNT_LIMIT else ODD


def _digits(raw: Any) -> object:
    if isinstance(raw, str) and re.fullmatch(r"0|[1-9][0-9]{0,18}", raw, re.ASCII):
        return amount_of(int(raw))
    return amount_of(raw)


def time_of(raw: Any) -> object:
    """Whole seconds since 1970, before 2100."""
    return raw if type(raw) is int and 0 < raw < _TIME_LIMIT else ODD


def _loose_time(raw: Any) -> object:
    """A batch's times were seen as text (facts §6, type looseness)."""
    if isinstance(raw, str) and re.fullmatch(r"[1-9][0-9]{0,9}", raw, re.ASCII):
        return time_of(int(raw))
    return time_of(raw)


def ref(raw: Any) -> object:
    """An id, or the id of the object that stands in its place; None for {}."""
    value = cast("Fields", raw).get("id") if isinstance(raw, dict) else raw
    if isinstance(raw, dict) and not raw:  # {} for null
        return None
    return value if isinstance(value, str) and ID.fullmatch(value) else ODD


def _loose_id(raw: Any) -> object:
    return ref(str(raw) if is_whole(raw) else raw)


def _text(raw: Any) -> object:
    return clean(raw)[:_TEXT_LENGTH] if isinstance(raw, str) else ODD


def _channel(raw: Any) -> object:
    """Facts §7 row 3: yepay and yeepay are one."""
    text = _text(raw)
    return re.sub(r"\byepay", "yeepay", text)[:64] if isinstance(text, str) else text


def _currency(raw: Any) -> object:
    return raw if isinstance(raw, str) and _CURRENCY.fullmatch(raw) else ODD


def _flag(raw: Any) -> object:
    return bool(raw)


_FORMS = {
    Form.ID: ref,
    Form.LOOSE_ID: _loose_id,
    Form.REF: ref,
    Form.AMOUNT: amount_of,
    Form.DIGITS: _digits,
    Form.TIME: time_of,
    Form.LOOSE_TIME: _loose_time,
    Form.TEXT: _text,
    Form.CHANNEL: _channel,
    Form.FLAG: _flag,
    Form.CURRENCY: _currency,
}


class Reading(NamedTuple):
    """A field made ready for the hot path: `step` when it is one key deep in one place."""

    name: str
    step: str
    paths: tuple[tuple[str, ...], ...]
    read: Callable[[Any], Any]
    required: bool
    is_money: bool


class Table(NamedTuple):
    """The fields of one kind; `names` are those of its facts."""

    facts: tuple[Reading, ...]
    totals: tuple[Reading, ...]
    attrs: tuple[Reading, ...]
    names: frozenset[str]


def _ready(field: Field) -> Reading:
    is_plain = len(field.paths) == 1 and len(field.paths[0]) == 1
    step = field.paths[0][0] if is_plain else ""
    is_money = field.form in _MONEY
    return Reading(field.name, step, field.paths, _FORMS[field.form], field.required, is_money)


TABLES = {
    kind.name: Table(
        tuple(map(_ready, kind.facts)),
        tuple(map(_ready, kind.totals)),
        tuple(map(_ready, kind.attrs)),
        frozenset(field.name for field in kind.facts),
    )
    for kind in KINDS.values()
}


def values(
    kind: Kind, table: Iterable[Reading], fields: Fields, odd: list[str]
) -> dict[str, Scalar]:
    """Read the fields of a table by name; names of odd values are added to `odd`.

    Raises Unreadable for a required value that is missing and for money that is none.
    """
    found: dict[str, Scalar] = {}
    for name, step, paths, read, required, is_money in table:
        raw = fields.get(step) if step else _first(fields, paths)
        value = None if raw is None or raw == "" else read(raw)  # facts §6: "" stands for null
        if value is None:
            if required:
                raise Unreadable(f"{name}_missing")
        elif value is ODD:
            if is_money:
                raise Unreadable(name)
            odd.append(f"{kind.name}.{name}")
        else:
            found[name] = value
    return found


def _first(fields: Fields, paths: Iterable[tuple[str, ...]]) -> Any:
    """What stands at the first of the paths that holds a value."""
    values = (_at(fields, path) for path in paths)
    return next((value for value in values if value is not None and value != ""), None)


def clean(text: str) -> str:
    """Text that both databases take: no NUL, no lone surrogate."""
    if text.isascii() and "\x00" not in text:
        return text
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
