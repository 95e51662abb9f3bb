"""What does a program ask, is it asked properly, and what is it told when not?"""

import base64
import binascii
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec.json import Decoder, encode
from starlette.datastructures import State
from starlette.requests import Request

from service.core.observation import Key
from service.ledger.engine import Ledger
from service.web.doors import Person, Role

LIMIT, LIMIT_MOST = 50, 200
NUMBER_MOST = 2**53
CURSOR_LIMIT = 1_000

_cursor: Decoder[list[Any]] = Decoder(list[str | int])


class Wrong(Exception):
    """It is not answered as asked: a status, a sentence, and the field at fault."""

    def __init__(self, status: int, detail: str, field: str = "") -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.field = field


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter of the path or the query, with what OpenAPI says of it."""

    name: str
    about: str
    pattern: str = r"^[A-Za-z0-9_.:@-]{1,200}$"
    words: tuple[str, ...] = ()
    whole: tuple[int, int] | None = None
    where: Literal["query", "path"] = "query"

    def schema(self) -> dict[str, Any]:
        """As JSON Schema."""
        if self.whole:
            return {"type": "integer", "minimum": self.whole[0], "maximum": self.whole[1]}
        if self.words:
            return {"type": "string", "enum": list(self.words)}
        return {"type": "string", "pattern": self.pattern}

    def read(self, text: str) -> Any:
        """The value; raises Wrong, 404 where it stands in the path."""
        status = 404 if self.where == "path" else 400
        if self.whole:
            is_whole = text.isascii() and text.isdecimal() and len(text) < 17
            if not is_whole or not self.whole[0] <= int(text) <= self.whole[1]:
                raise Wrong(
                    status, f"a whole number from {self.whole[0]} to {self.whole[1]}", self.name
                )
            return int(text)
        good = text in self.words if self.words else re.search(self.pattern, text) is not None
        if not good or "\n" in text:
            raise Wrong(status, "it has not the form that it should", self.name)
        return text


@dataclass(frozen=True, slots=True)
class Ask:
    """One question, read: who, what of the path and query, and the body."""

    person: Person
    state: State
    given: Mapping[str, Any]
    body: Any = None

    @property
    def ledger(self) -> Ledger:
        """Where everything is remembered."""
        return self.state.ledger

    @property
    def now(self) -> datetime:
        """One instant for the whole answer."""
        return self.state.clock()

    @property
    def accounts(self) -> frozenset[str] | None:
        """Whose things may be seen; None: all."""
        return self.person.accounts

    @property
    def key(self) -> Key:
        """The object that the path names; raises Wrong where it may not be seen."""
        key = Key(self.given["account"], self.given["kind"], self.given["id"])
        if not self.person.sees(key.account):
            raise missing()
        return key

    def where(self, *names: str) -> dict[str, Any]:
        """The filters that were given."""
        return {name: self.given[name] for name in names if name in self.given}


def missing() -> Wrong:
    """The same for what is not there and for what may not be seen."""
    return Wrong(404, "there is no such thing, or it is not yours to see")


def read_params(request: Request, params: Collection[Param]) -> dict[str, Any]:
    """All parameters; an unknown one, or one that is given twice, is refused."""
    known = {param.name: param for param in params if param.where == "query"}
    given: dict[str, Any] = {}
    for name, text in request.query_params.multi_items():
        if name not in known:
            raise Wrong(400, "such a parameter is not known", name[:100])
        if name in given:
            raise Wrong(400, "it was given twice", name)
        given[name] = known[name].read(text)
    for param in params:
        if param.where == "path":
            given[param.name] = param.read(str(request.path_params[param.name]))
    return given


def read_body(request: Request, form: type[Any] | None) -> Any:
    """The JSON that was sent; None where none is taken."""
    if form is None:
        return None
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Wrong(415, "the body should be application/json")
    try:
        return Decoder(form).decode(request.state.body)
    except msgspec.ValidationError as error:
        raise Wrong(400, str(error)[:300], "body") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Wrong(400, "the body is no JSON", "body") from None


def cursor_of(place: Sequence[Any] | None) -> str | None:
    """A place in a list as opaque text."""
    if place is None:
        return None
    return base64.urlsafe_b64encode(encode(list(place))).rstrip(b"=").decode()


def place_of(cursor: str | None, forms: Sequence[type[Any]]) -> list[Any] | None:
    """The place of a cursor that we gave; raises Wrong for any other text."""
    if cursor is None:
        return None
    try:
        place = _cursor.decode(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", True))
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise Wrong(400, "no answer gave this cursor", "cursor") from None
    if [type(part) for part in place] != list(forms) or cursor_of(place) != cursor:
        raise Wrong(400, "no answer gave this cursor", "cursor")
    if any(isinstance(part, int) and not -NUMBER_MOST < part < NUMBER_MOST for part in place):
        raise Wrong(400, "no answer gave this cursor", "cursor")
    return place


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One row of the API's table: its door, its parameters, its document and its handler.

    media: the types of the file that the handler answers with, where that is no view.
    """

    path: str
    method: str
    role: Role
    name: str
    about: str
    answer: Callable[[Ask], Any]
    view: Any
    params: tuple[Param, ...] = ()
    body: type[Any] | None = None
    status: int = 200
    scope: str = ""
    media: tuple[str, ...] = ()
