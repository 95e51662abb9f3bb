"""Which bytes are JSON that we trust to mean one thing: the one parser for all that Ping++ says.

Refused: anything but UTF-8, a BOM, NaN and infinities, numbers of more than 24 digits, minus zero,
a key that stands twice, more than 64 levels, more than 20,000 values (failure model §3.1, R15-R24).
A number with a fraction or an exponent becomes Inexact, which no amount, time or id accepts.
"""

import json
import math
from dataclasses import dataclass
from typing import Any, NoReturn, cast

from service.core.errors import Unreadable

DEPTH_LIMIT = 64
VALUES_LIMIT = 20_000
# The longest id seen has 24 digits (facts §6); an amount has far fewer.
DIGITS_LIMIT = 24


@dataclass(frozen=True, slots=True)
class Inexact:
    """A number with a fraction or an exponent; it may stand only where nothing is read."""

    text: str


def parse(body: bytes) -> dict[str, Any]:
    """Read one JSON object; raises Unreadable with a fixed cause for everything else."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable("not_utf8") from None
    if text.startswith("\ufeff"):
        raise Unreadable("not_json", "byte order mark")
    try:
        value: object = _decoder.decode(text)
    except json.JSONDecodeError:
        raise Unreadable("not_json") from None
    except RecursionError:
        raise Unreadable("too_deep") from None
    if not isinstance(value, dict):
        raise Unreadable("not_an_object")
    _bound(body, value)  # pyright: ignore[reportUnknownArgumentType]
    return cast("dict[str, Any]", value)


def _bound(body: bytes, value: object) -> None:
    """Count levels and values, but only where the bytes leave a doubt: this is the hot path."""
    brackets = body.count(b"{") + body.count(b"[")
    if brackets <= DEPTH_LIMIT and body.count(b",") + brackets <= VALUES_LIMIT:
        return
    count, level = 0, [value]
    for _depth in range(DEPTH_LIMIT):
        count += len(level)
        if count > VALUES_LIMIT:
            raise Unreadable("too_many_values")
        level = [child for item in level for child in _children(item)]
        if not level:
            return
    raise Unreadable("too_deep")


def _children(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(cast("dict[str, object]", value).values())
    return cast("list[object]", value) if isinstance(value, list) else []


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Unreadable("key_twice")
    return fields


def _whole(digits: str) -> int:
    if len(digits) > DIGITS_LIMIT or digits == "-0":
        raise Unreadable("number")
    return int(digits)


def _inexact(text: str) -> Inexact:
    if math.isinf(float(text)):
        raise Unreadable("number")
    return Inexact(text)


def _no_number(_text: str) -> NoReturn:
    raise Unreadable("number")


_decoder = json.JSONDecoder(
    object_pairs_hook=_once,
    parse_int=_whole,
    parse_float=_inexact,
    parse_constant=_no_number,
)
