"""Whether one value is what its parameter takes: by form, length, bounds and choice.

Nothing here quotes the value: it may be a person's.
"""

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from typing import cast

from service.pingpp.endpoints.operation import Param, Place, Takes

AMOUNT_LIMIT = 2**63 - 1
# 2100-01-01
TIME_LIMIT = 4_102_444_800
METADATA_PAIRS_LIMIT = 20
METADATA_LENGTH_LIMIT = 1000
ID_LENGTH_LIMIT = 128
# A picture in base64 is the longest there is.
TEXT_LENGTH_LIMIT = 8_000_000

_ID = re.compile(r"[A-Za-z0-9_-]+")
_WORD = re.compile(r"[A-Za-z0-9_]+")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_DIGITS = re.compile(r"[0-9]{1,19}")

# A reason that is safe to count, and a clause that is safe to show.
Wrong = tuple[str, str] | None


def wrong(param: Param, value: object) -> Wrong:
    """What is wrong with a value that is there; None when nothing is."""
    found = _CHECKS[param.takes](param, value)
    if found is None and param.words and not _named(value) <= _named(list(param.words)):
        return "word", "it may be " + ", ".join(param.words)
    return found


def _named(value: object) -> set[str]:
    """Facts §7 row 3: yepay and yeepay are one, and both stand in the document's requests."""
    words = cast("list[object]", value) if isinstance(value, list) else [value]
    return {re.sub(r"^yepay", "yeepay", str(word)) for word in words}


def _text(param: Param, value: object) -> Wrong:
    if not isinstance(value, str) or not _is_clean(value):
        return "type", "a text is needed"
    if not value:
        return "length", "it is empty"
    most = param.most or (ID_LENGTH_LIMIT if param.takes is Takes.ID else TEXT_LENGTH_LIMIT)
    if not param.least <= len(value) <= most:
        span = f"at most {most}" if param.least <= 1 else f"{param.least} to {most}"
        return "length", f"{span} characters"
    return None


def _is_clean(value: str) -> bool:
    return "\0" not in value and not any("\ud800" <= sign <= "\udfff" for sign in value)


def _spelt(pattern: re.Pattern[str], signs: str) -> Callable[[Param, object], Wrong]:
    def check(param: Param, value: object) -> Wrong:
        if isinstance(value, str) and value and not pattern.fullmatch(value):
            return "type", f"only {signs}"
        return _text(param, value)

    return check


def _whole(least: int, most: int, what: str) -> Callable[[Param, object], Wrong]:
    def check(param: Param, value: object) -> Wrong:
        number = _number(param, value)
        if number is None:
            return "type", what
        top = param.most or most
        return None if least <= number <= top else ("range", f"from {least} to {top}")

    return check


def _number(param: Param, value: object) -> int | None:
    """A whole number; its digits as text where there is nothing but text, or where allowed."""
    as_text = param.place is Place.QUERY or param.takes is Takes.DIGITS
    if as_text and isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _flag(param: Param, value: object) -> Wrong:
    as_text = param.place is Place.QUERY and value in ("true", "false", "0", "1")
    return None if as_text or isinstance(value, bool) else ("type", "true or false")


def _address(_param: Param, value: object) -> Wrong:
    try:
        ipaddress.ip_address(value if isinstance(value, str) else "")
    except ValueError:
        return "type", "an IPv4 or IPv6 address is needed"
    return None


def _ref(param: Param, value: object) -> Wrong:
    inner = cast("Mapping[str, object]", value).get("id") if isinstance(value, Mapping) else value
    return _CHECKS[Takes.ID](param, inner)


def _hash(_param: Param, value: object) -> Wrong:
    return None if isinstance(value, Mapping) else ("type", "an object is needed")


def _metadata(param: Param, value: object) -> Wrong:
    if not isinstance(value, Mapping):
        return _hash(param, value)
    pairs = cast("Mapping[str, object]", value)
    if len(pairs) > METADATA_PAIRS_LIMIT:
        return "pairs", f"at most {METADATA_PAIRS_LIMIT} pairs"
    if len(json.dumps(pairs, ensure_ascii=False)) > METADATA_LENGTH_LIMIT:
        return "length", f"at most {METADATA_LENGTH_LIMIT} characters in all"
    return None


def _words(_param: Param, value: object) -> Wrong:
    items = cast("list[object]", value) if isinstance(value, list) else None
    if items is None or not all(isinstance(item, str) for item in items):
        return "type", "a list of texts is needed"
    return None


_ONE_UP = "a whole number of minor units is needed"

_CHECKS: Mapping[Takes, Callable[[Param, object], Wrong]] = {
    Takes.ID: _spelt(_ID, "letters, digits, _ and -"),
    Takes.WORD: _spelt(_WORD, "letters, digits and _"),
    Takes.TEXT: _text,
    Takes.BASE64: _spelt(_BASE64, "base64"),
    Takes.AMOUNT: _whole(1, AMOUNT_LIMIT, _ONE_UP),
    Takes.DIGITS: _whole(1, AMOUNT_LIMIT, _ONE_UP),
    Takes.COUNT: _whole(1, AMOUNT_LIMIT, "a whole number is needed"),
    Takes.TIME: _whole(1, TIME_LIMIT, "whole seconds since 1970 are needed"),
    Takes.FLAG: _flag,
    Takes.ADDRESS: _address,
    Takes.REF: _ref,
    Takes.HASH: _hash,
    Takes.METADATA: _metadata,
    Takes.WORDS: _words,
}
