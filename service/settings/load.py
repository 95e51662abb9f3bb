"""How the settings are found: one TOML file, the environment over it, every mistake a sentence."""

import os
import tomllib
import types
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Union, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from service.core.errors import Misconfigured
from service.settings.model import Settings
from service.settings.values import SECRET_FILE_BYTES_LIMIT

PREFIX = "PINGLEDGER_"
CONFIG_VARIABLE = "PINGLEDGER_CONFIG"
FILE_BYTES_LIMIT = 1024 * 1024

Place = tuple[str, ...]

_SENTENCES: Mapping[str, str] = {
    "missing": "is missing",
    "bool_type": "should be true or false",
    "int_type": "should be a whole number",
    "float_type": "should be a number",
    "finite_number": "should be a number",
    "string_type": "should be text",
    "tuple_type": "should be a list",
    "path_type": "should be a path",
    "is_instance_of": "should be a path",
    "dict_type": "should be a table",
    "mapping_type": "should be a table",
    "model_type": "should be a table",
    "model_attributes_type": "should be a table",
    "union_tag_not_found": "has no type: jsonl, webhook, redis, nats, amqp or kafka",
    "union_tag_invalid": "has a type that is not known: jsonl, webhook, redis, nats, amqp or kafka",
}


def load(config: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the file (that of PINGLEDGER_CONFIG, when none is given) and the environment over it.

    Relative paths are meant from the file's folder, without a file from the current one.
    Raises Misconfigured with the dotted key; a secret's value is in no message.
    """
    # the one place that reads it
    variables = os.environ if environ is None else environ  # noqa: TID251
    named = variables.get(CONFIG_VARIABLE)
    path = config or (Path(named) if named else None)
    given = _read_file(path) if path else {}
    origins = _overlay(given, variables)
    given.setdefault("data_dir", ".")
    folder = path.absolute().parent if path else Path.cwd()
    try:
        return Settings.model_validate(given, context={"folder": folder})
    except ValidationError as error:
        raise _misconfigured(error, origins) from None


def _read_file(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_LIMIT + 1)
    except OSError as error:
        raise Misconfigured("config", f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise Misconfigured("config", "the path holds a NUL byte") from None
    if len(data) > FILE_BYTES_LIMIT:
        raise Misconfigured("config", f"{path} is larger than {FILE_BYTES_LIMIT} bytes")
    try:
        return tomllib.loads(data.decode())
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Misconfigured("config", f"{path}, line {line}: it is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured("config", f"{path} is not TOML: {error}") from None
    except RecursionError:
        raise Misconfigured("config", f"{path} is nested too deeply") from None


def _overlay(given: dict[str, Any], variables: Mapping[str, str]) -> dict[Place, str]:
    """Put each PINGLEDGER_A__B over a.b; gives the variables by place. An empty one is unset."""
    origins: dict[Place, str] = {}
    for name in sorted(variables):
        value = variables[name]
        if not name.upper().startswith(PREFIX) or name == CONFIG_VARIABLE or not value:
            continue
        place = tuple(name[len(PREFIX) :].lower().split("__"))
        _check_variable(name, place, value)
        _put(given, place, value, name)
        origins[place] = name
    return origins


def _check_variable(name: str, place: Place, value: str) -> None:
    if not name.isupper() or not all(place):
        raise Misconfigured(name, "such a variable is not known: capitals, and two _ for each dot")
    if value != value.strip():
        raise Misconfigured(name, "begins or ends with white space")
    if "${" in value:
        raise Misconfigured(name, "holds a ${…} that nobody has filled in")
    if len(value) > SECRET_FILE_BYTES_LIMIT:
        raise Misconfigured(name, "is too long")


def _put(given: dict[str, Any], place: Place, value: str, name: str) -> None:
    table = given
    for step in place[:-1]:
        inner = table.setdefault(step, {})
        if not isinstance(inner, dict):
            raise Misconfigured(name, f"{step} is no table in the configuration file")
        table = cast("dict[str, Any]", inner)
    table[place[-1]] = value


def _misconfigured(error: ValidationError, origins: Mapping[Place, str]) -> Misconfigured:
    """The one mistake to mend first: a misspelt key explains a missing one."""
    found = error.errors(include_url=False, include_input=False)
    found.sort(key=lambda one: one["type"] != "extra_forbidden")
    first = found[0]
    place, table = _walk(first["loc"])
    sentence = _sentence(first, table)
    if key := first.get("ctx", {}).get("key"):
        place = (*place, key)
    if variable := next((v for p, v in origins.items() if p[: len(place)] == place), None):
        sentence = f"{sentence} (from {variable})"
    if len(found) > 1:
        sentence = f"{sentence}; {len(found) - 1} more after this one"
    return Misconfigured(".".join(place), sentence)


def _sentence(one: ErrorDetails, table: type[BaseModel] | None) -> str:
    if one["type"] == "extra_forbidden":
        known = list(table.model_fields) if table else []
        near = get_close_matches(str(one["loc"][-1]), known, n=1, cutoff=0.5)
        hint = f": did you mean {near[0]}?" if near else f": known are {', '.join(known)}"
        return f"is not a known key{hint}"
    if one["type"] in _SENTENCES:
        return _SENTENCES[one["type"]]
    said = one["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return said[:1].lower() + said[1:]


def _walk(loc: Sequence[str | int]) -> tuple[Place, type[BaseModel] | None]:
    """The dotted place of an error, without pydantic's own steps, and the table it is in."""
    place: list[str] = []
    here: Any = Settings
    table: type[BaseModel] | None = None
    for step in loc:
        if step == "[key]":
            continue
        if isinstance(here, type) and issubclass(here, BaseModel):
            table = here
            field = here.model_fields.get(str(step))
            here = field.annotation if field else None
        elif choice := _chosen(here, step):
            here = choice
            continue
        else:
            here = _inside(here)
        place.append(str(step))
    return tuple(place), table


def _inside(annotation: Any) -> Any:
    """What the values of a mapping are."""
    inner = get_args(_bare(annotation))
    return _bare(inner[-1]) if inner else None


def _chosen(annotation: Any, step: str | int) -> type[BaseModel] | None:
    """The table of a union whose `type` is `step`."""
    bare = _bare(annotation)
    if get_origin(bare) not in (Union, types.UnionType):
        return None
    for choice in get_args(bare):
        kind = choice.model_fields.get("type") if issubclass(choice, BaseModel) else None
        if kind is not None and step in get_args(kind.annotation):
            return choice
    return None


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
