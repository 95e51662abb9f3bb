"""What Ping++ said: bytes → Event → Observations.

Strict about JSON and money, tolerant of the document's contradictions by name (each kind's row
says which), and of nothing else. State comes from the object, never from the event's name.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

from service.core.errors import Unreadable
from service.core.kinds import BY_WIRE
from service.core.kinds.kind import COMMON_WORDS, Field, Fields, Form, Kind, normalise
from service.core.observation import Key, Observation, Part, Scalar, Source
from service.pingpp.strict import parse

_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_CURRENCY = re.compile(r"[a-z]{3}")
_CHANNEL_CODE = re.compile(r"\b([A-Z]{2,10}[0-9]{2,10})\|")
_AMOUNT_LIMIT = 2**63 - 1
# 2100-01-01: later times are slips (milliseconds, nonsense), and are left out.
_TIME_LIMIT = 4_102_444_800
_TEXT_LENGTH = 200
_TYPE_LENGTH = 128


@dataclass(frozen=True, slots=True)
class Event:
    """One event's envelope (facts §1.2): `created` in seconds; None where it is absent or odd."""

    type: str
    created: int | None
    livemode: bool | None
    object: Fields


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one body shows: the object, what is embedded in it, and values too odd to take."""

    observations: list[Observation]
    odd: list[str]


class UnknownKind(Unreadable):
    """An authentic object of a class that the table does not have; `wire` names it."""

    def __init__(self, wire: str) -> None:
        super().__init__("unknown_object", wire)
        self.wire = wire


class WrongObject(Unreadable):
    """An answer that shows another object than the one that was asked for."""

    def __init__(self) -> None:
        super().__init__("wrong_object")


def read_event(body: bytes) -> Event:
    """Read an event's envelope; raises Unreadable when there is no object in it."""
    fields = parse(body)
    kind = fields.get("type")
    if fields.get("object") != "event" or not isinstance(kind, str):
        raise Unreadable("not_an_event")
    data = fields.get("data")
    inner = cast("Fields", data).get("object") if isinstance(data, dict) else None
    if not isinstance(inner, dict):
        raise Unreadable("no_object")
    livemode = fields.get("livemode")
    created = _time(fields.get("created"))
    return Event(
        type=_clean(kind)[:_TYPE_LENGTH],
        created=created if isinstance(created, int) else None,
        livemode=livemode if isinstance(livemode, bool) else None,
        object=cast("Fields", inner),
    )


def read_object(
    fields: Fields,
    *,
    account: str,
    source: Source,
    seen_at: datetime,
    said_at: int | None = None,
    delivery_id: int | None = None,
) -> Sighting:
    """Read an object and what is embedded in it; raises Unreadable, UnknownKind among it."""
    kind = kind_of(fields)
    stamp = Observation(
        key=Key(account, kind.name, _object_id(kind, fields)),
        source=source,
        seen_at=seen_at,
        status="",
        said_at=said_at,
        delivery_id=delivery_id,
    )
    odd: list[str] = []
    return Sighting(list(_observe(kind, fields, stamp, {}, odd)), odd)


def read_answer(body: bytes, *, key: Key, seen_at: datetime) -> Sighting:
    """Read the answer to a question for one object; it must be that object (A15, A16).

    The first observation carries the answer's bytes as its evidence.
    """
    fields = parse(body)
    if "error" in fields:
        raise Unreadable("error_body")
    kind = BY_WIRE.get(_wire(fields))
    if kind is None or kind.name != key.kind or _object_id(kind, fields) != key.object_id:
        raise WrongObject
    seen = read_object(fields, account=key.account, source=Source.POLL, seen_at=seen_at)
    seen.observations[0] = replace(seen.observations[0], raw=body)
    return seen


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list: items in order, their ids (paging needs the last), whether more follow.

    `unread` counts items that could not be read; they prove nothing and stop nothing.
    """

    sightings: list[Sighting]
    ids: list[str]
    has_more: bool
    unread: int


def read_page(body: bytes, *, account: str, seen_at: datetime) -> Page:
    """Read a page of one of the provider's lists (facts §4.5)."""
    fields = parse(body)
    data = fields.get("data")
    if fields.get("object") != "list" or not isinstance(data, list):
        raise Unreadable("not_a_list")
    page = Page([], [], fields.get("has_more") is True, 0)
    unread = 0
    for item in cast("list[Any]", data):
        try:
            seen = _item(item, account, seen_at)
        except Unreadable:
            unread += 1
            continue
        page.sightings.append(seen)
        page.ids.append(seen.observations[0].key.object_id)
    return replace(page, unread=unread)


def _item(item: Any, account: str, seen_at: datetime) -> Sighting:
    if not isinstance(item, dict):
        raise Unreadable("not_an_object")
    fields = cast("Fields", item)
    return read_object(fields, account=account, source=Source.LIST, seen_at=seen_at)


def kind_of(fields: Fields) -> Kind:
    """The kind of an object, by its `object` and `type` (facts §7 row 19)."""
    wire = _wire(fields)
    kind = BY_WIRE.get(wire)
    if kind is None:
        name = "/".join(_clean(part)[:64] for part in wire if part)
        raise UnknownKind(name)
    return kind


def _wire(fields: Fields) -> tuple[str, str | None]:
    name, variant = fields.get("object"), fields.get("type")
    if not isinstance(name, str):
        raise Unreadable("no_object_name")
    pair = (name, variant if isinstance(variant, str) else None)
    # only where a table row tells variants apart does `type` name the kind
    return pair if pair in BY_WIRE or name == "allocation" else (name, None)


def _object_id(kind: Kind, fields: Fields) -> str:
    value = fields.get("id")
    if kind.id_form is Form.LOOSE_ID and _is_whole(value):
        value = str(value)
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise Unreadable("object_id")
    return value


def _observe(
    kind: Kind, fields: Fields, stamp: Observation, links: Mapping[str, Scalar], odd: list[str]
) -> Iterator[Observation]:
    """The object itself first, then what is embedded in it, linked back to it."""
    facts = _values(kind, kind.facts, fields, odd)
    attrs = _values(kind, kind.attrs, fields, odd)
    attrs.update(_failure(fields))
    for name, value in links.items():
        facts.setdefault(name, value)
    totals = cast("dict[str, int]", _values(kind, kind.totals, fields, odd))
    yield replace(
        stamp,
        status=normalise(kind.words, kind.status(fields)),
        facts=facts,
        totals=totals,
        attrs=attrs,
        parts=tuple(_parts(kind, fields, odd)),
    )
    yield from _embedded(kind, fields, stamp, odd)


def _embedded(
    kind: Kind, fields: Fields, stamp: Observation, odd: list[str]
) -> Iterator[Observation]:
    parent = {f"{kind.name}_id": stamp.key.object_id}
    for inner in kind.inside(fields):
        try:
            inner_kind = kind_of(inner)
            key = Key(stamp.key.account, inner_kind.name, _object_id(inner_kind, inner))
            links = {n: v for n, v in parent.items() if any(f.name == n for f in inner_kind.facts)}
            yield from _observe(inner_kind, inner, replace(stamp, key=key), links, odd)
        except Unreadable as error:
            # The outer object is sound; what is odd inside is told, and asked for by itself.
            odd.append(f"{kind.name}.inside.{error.cause}")


def _values(
    kind: Kind, table: Iterable[Field], fields: Fields, odd: list[str]
) -> dict[str, Scalar]:
    found: dict[str, Scalar] = {}
    for field in table:
        value = _value(field, fields)
        if value is None:
            if field.required:
                raise Unreadable(f"{field.name}_missing")
        elif value is _ODD:
            if field.form in _MONEY:
                raise Unreadable(field.name)
            odd.append(f"{kind.name}.{field.name}")
        else:
            found[field.name] = value  # pyright: ignore[reportArgumentType]
    return found


def _value(field: Field, fields: Fields) -> object:
    for path in field.paths:
        raw = fields.get(path[0]) if len(path) == 1 else _at(fields, path)
        if raw is not None and raw != "":  # facts §6: "" stands for null
            return _FORMS[field.form](raw)
    return None


def _at(fields: Fields, path: tuple[str, ...]) -> Any:
    value: Any = fields
    for step in path:
        value = cast("Fields", value).get(step) if isinstance(value, dict) else None
    return value


_ODD = object()
_MONEY = (Form.AMOUNT, Form.DIGITS)


def _is_whole(raw: object) -> bool:
    return isinstance(raw, int) and not isinstance(raw, bool)


def _amount(raw: Any) -> object:
    return raw if _is_whole(raw) and 0 <= raw <= _AMOUNT_LIMIT else _ODD


def _digits(raw: Any) -> object:
    if isinstance(raw, str) and re.fullmatch(r"0|[1-9][0-9]{0,18}", raw, re.ASCII):
        return _amount(int(raw))
    return _amount(raw)


def _time(raw: Any) -> object:
    return raw if _is_whole(raw) and 0 < raw < _TIME_LIMIT else _ODD


def _ref(raw: Any) -> object:
    value = cast("Fields", raw).get("id") if isinstance(raw, dict) else raw
    if isinstance(raw, dict) and not raw:  # {} for null
        return None
    return value if isinstance(value, str) and _ID.fullmatch(value) else _ODD


def _loose_id(raw: Any) -> object:
    return _ref(str(raw) if _is_whole(raw) else raw)


def _text(raw: Any) -> object:
    return _clean(raw)[:_TEXT_LENGTH] if isinstance(raw, str) else _ODD


def _channel(raw: Any) -> object:
    """Facts §7 row 3: yepay and yeepay are one."""
    text = _text(raw)
    return re.sub(r"\byepay", "yeepay", text)[:64] if isinstance(text, str) else text


def _currency(raw: Any) -> object:
    return raw if isinstance(raw, str) and _CURRENCY.fullmatch(raw) else _ODD


def _flag(raw: Any) -> object:
    return bool(raw)


_FORMS = {
    Form.ID: _ref,
    Form.LOOSE_ID: _loose_id,
    Form.REF: _ref,
    Form.AMOUNT: _amount,
    Form.DIGITS: _digits,
    Form.TIME: _time,
    Form.TEXT: _text,
    Form.CHANNEL: _channel,
    Form.FLAG: _flag,
    Form.CURRENCY: _currency,
}


def _parts(kind: Kind, fields: Fields, odd: list[str]) -> Iterator[Part]:
    for position, (role, item) in enumerate(kind.parts(fields)):
        amount = _amount(item.get("amount"))
        user = _ref(item.get("user"))
        if amount is _ODD or user is _ODD:
            odd.append(f"{kind.name}.{role}")
            continue
        status = normalise(COMMON_WORDS, item.get("status"))
        yield Part(f"{role}/{position}/{user}", status, cast("int", amount))


def _failure(fields: Fields) -> dict[str, Scalar]:
    """That a failure is named, and the channel's code of it; never its free text (L1795)."""
    message, code = fields.get("failure_msg"), fields.get("failure_code")
    failure: dict[str, Scalar] = {"failing": True} if message or code else {}
    if isinstance(message, str) and not code and (match := _CHANNEL_CODE.search(message)):
        failure["failure_code"] = match[1]
    return failure


def _clean(text: str) -> str:
    """Text that both databases take: no NUL, no lone surrogate."""
    if text.isascii() and "\x00" not in text:
        return text
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
