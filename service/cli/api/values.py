"""How key=value on a command line becomes the nested values of a request.

extra.return_url=https://…      a text; a number, true or false where one is taken
recipients[0].user=u1           places of a list count from 0; extra[return_url]= is taken, too
metadata:='{"shop": "7"}'       JSON, as it stands
pic=@photo.jpg  name=@-         the content of a file, or of stdin; base64 where that is taken
metadata:=@file.json            JSON out of a file
"""

import base64
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn, cast

from service.cli.exits import Usage
from service.pingpp.endpoints.operation import Operation, Param, Takes
from service.pingpp.endpoints.request import param_at

FILE_BYTES_LIMIT = 6 * 1024 * 1024
STEPS_LIMIT = 8
PLACES_LIMIT = 200
ARGUMENTS_LIMIT = 1_000

_ARGUMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_.\[\]]{0,127})(:?=)(.*)", re.DOTALL)
_BRACKETS = re.compile(r"\[([A-Za-z_][A-Za-z0-9_]*)\]")
_STEP = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)((?:\[[0-9]{1,3}\])?)")
_WHOLE = re.compile(r"-?[0-9]{1,19}")
_WHOLES = frozenset({Takes.AMOUNT, Takes.DIGITS, Takes.COUNT, Takes.TIME})


def read_values(operation: Operation, arguments: Sequence[str]) -> dict[str, Any]:
    """The values that the arguments give; raises Usage for what cannot be understood.

    What is understood and wrong for the operation is told by the check of its row.
    """
    if len(arguments) > ARGUMENTS_LIMIT:
        raise Usage(f"at most {ARGUMENTS_LIMIT} values are taken")
    values: dict[str, Any] = {}
    for argument in arguments:
        found = _ARGUMENT.fullmatch(argument)
        if found is None:
            raise Usage("a value is given as key=text, key:=json, key=@file or key:=@file")
        name = _BRACKETS.sub(r".\1", found[1])
        value = _value(param_at(operation, name), name, found[2], found[3])
        _put(values, _steps(name), value, name)
    return values


def _value(param: Param | None, name: str, sign: str, given: str) -> Any:
    takes = param.takes if param else Takes.TEXT
    if sign == ":=":
        return _json(name, _content(name, given[1:]) if given.startswith("@") else given.encode())
    if not given.startswith("@"):
        return _typed(takes, given)
    content = _content(name, given[1:])
    if takes is Takes.BASE64:
        return base64.b64encode(content).decode("ascii")
    try:
        return _typed(takes, content.decode().rstrip("\r\n"))
    except UnicodeDecodeError:
        raise Usage(f"{name}: the file is not UTF-8 text") from None


def _typed(takes: Takes, text: str) -> Any:
    """A text as its parameter wants it; what does not fit stays text, and the check tells of it."""
    if takes in _WHOLES and _WHOLE.fullmatch(text):
        return int(text)
    if takes is Takes.FLAG:
        return {"true": True, "false": False}.get(text, text)
    return [word for word in text.split(",") if word] if takes is Takes.WORDS else text


def _json(name: str, text: bytes) -> Any:
    try:
        return json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Usage(f"{name}: what follows := is not JSON") from None


def _no_number(_text: str) -> NoReturn:
    raise ValueError


def _content(name: str, path: str) -> bytes:
    read: Callable[[int], bytes] = sys.stdin.buffer.read
    try:
        if path != "-":
            with Path(path).open("rb") as file:
                data = file.read(FILE_BYTES_LIMIT + 1)
        else:
            data = read(FILE_BYTES_LIMIT + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "that is no path"
        raise Usage(f"{name}: the file cannot be read: {reason}") from None
    if len(data) > FILE_BYTES_LIMIT:
        raise Usage(f"{name}: the file is larger than {FILE_BYTES_LIMIT} bytes")
    return data


def _steps(name: str) -> list[str | int]:
    steps: list[str | int] = []
    for part in name.split("."):
        found = _STEP.fullmatch(part)
        if found is None:
            raise Usage(f"{name}: a key is written as extra.return_url or recipients[0].user")
        steps.append(found[1])
        if found[2]:
            steps.append(int(found[2][1:-1]))
    if len(steps) > STEPS_LIMIT:
        raise Usage(f"{name}: at most {STEPS_LIMIT} steps deep")
    return steps


def _put(values: dict[str, Any], steps: Sequence[str | int], value: Any, name: str) -> None:
    """Put it at its place; nothing is given twice, and places of a list follow each other."""
    here: Any = values
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        inner: Any = {} if isinstance(following, str) else []
        if following is None:
            inner = value
        if isinstance(step, int):
            here = _into_list(here, step, inner, name, is_last=following is None)
        else:
            here = _into_object(here, step, inner, name, is_last=following is None)


def _into_object(here: Any, step: str, inner: Any, name: str, *, is_last: bool) -> Any:
    if not isinstance(here, dict):
        raise Usage(f"{name}: it is given in two ways")
    fields = cast("dict[str, Any]", here)
    if is_last and step in fields:
        raise Usage(f"{name}: it is given twice")
    return fields.setdefault(step, inner)


def _into_list(here: Any, step: int, inner: Any, name: str, *, is_last: bool) -> Any:
    if not isinstance(here, list):
        raise Usage(f"{name}: it is given in two ways")
    items = cast("list[Any]", here)
    if step > len(items) or step >= PLACES_LIMIT:
        raise Usage(f"{name}: places of a list are counted from 0, without a gap")
    if step == len(items):
        items.append(inner)
    elif is_last:
        raise Usage(f"{name}: it is given twice")
    return items[step]
