"""What Ping++ said: bytes → Event → Observations.

Strict about JSON and money, tolerant of the document's contradictions by name (each kind's row
says which), and of nothing else. State comes from the object, never from the event's name.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple, cast

import msgspec

from service.core.errors import Unreadable
from service.core.kinds import BY_WIRE, KINDS
from service.core.kinds.kind import COMMON_WORDS, Fields, Form, Kind, normalise
from service.core.observation import Key, Observation, Part, Scalar, Source
from service.pingpp.declined import split_failure
from service.pingpp.fields import ID, ODD, TABLES, amount_of, clean, is_whole, ref, time_of, values
from service.pingpp.strict import parse

_TYPE_LENGTH = 128


class Event(msgspec.Struct, frozen=True):
    """One event's envelope (facts §1.2): `created` in seconds; None where it is absent or odd."""

    type: str
    created: int | None
    livemode: bool | None
    object: Fields


class Sighting(msgspec.Struct, frozen=True):
    """What one body shows: the object, what is embedded in it, and values too odd to take."""

    observations: list[Observation]
    odd: list[str]


class _Stamp(NamedTuple):
    """What all observations out of one body have in common."""

    account: str
    source: Source
    seen_at: datetime
    said_at: int | None
    delivery_id: int | None


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
    return _event(parse(body))


def _event(item: Any) -> Event:
    fields = cast("Fields", item if isinstance(item, dict) else {})
    kind = fields.get("type")
    if fields.get("object") != "event" or not isinstance(kind, str):
        raise Unreadable("not_an_event")
    data = fields.get("data")
    inner = cast("Fields", data).get("object") if isinstance(data, dict) else None
    if not isinstance(inner, dict):
        raise Unreadable("no_object")
    livemode = fields.get("livemode")
    created = time_of(fields.get("created"))
    return Event(
        type=clean(kind)[:_TYPE_LENGTH],
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
    stamp = _Stamp(account, source, seen_at, said_at, delivery_id)
    odd: list[str] = []
    return Sighting(list(_observe(kind_of(fields), fields, stamp, {}, odd)), odd)


def read_answer(body: bytes, *, key: Key, seen_at: datetime) -> Sighting:
    """Read the answer to a question for one object; it must be that object (A15, A16).

    The first observation carries the answer's bytes as its evidence.
    """
    fields = parse(body)
    if "error" in fields:
        raise Unreadable("error_body")
    kind = _answering(fields, key.kind)
    if kind is None or object_id_of(kind, fields) != key.object_id:
        raise WrongObject
    stamp, odd = _Stamp(key.account, Source.POLL, seen_at, None, None), list[str]()
    seen = Sighting(list(_observe(kind, fields, stamp, {}, odd)), odd)
    seen.observations[0] = msgspec.structs.replace(seen.observations[0], raw=body)
    return seen


def _answering(fields: Fields, asked: str) -> Kind | None:
    """The kind that was asked for, if the answer bears a name of it."""
    kind = BY_WIRE.get(_wire(fields))
    if kind is None or kind.name == asked:
        return kind
    own = KINDS.get(asked)
    return own if own is not None and kind.name in own.also else None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list: items in order, their ids (paging needs the last), whether more follow.

    `unread` counts items that could not be read; they prove nothing and stop nothing. `times` are
    what the list is sorted and bounded by, in seconds, as far as items name them.
    """

    sightings: list[Sighting]
    ids: list[str]
    has_more: bool
    unread: int
    times: list[int]


def read_page(body: bytes, *, account: str, seen_at: datetime) -> Page:
    """Read a page of one of the provider's lists (facts §4.5)."""
    items, has_more = _items(body)
    page, unread = Page([], [], has_more, 0, []), 0
    for item in items:
        try:
            seen = _item(item, account, seen_at)
        except Unreadable:
            unread += 1
            continue
        page.sightings.append(seen)
        page.ids.append(seen.observations[0].key.object_id)
        created = seen.observations[0].facts.get("created")
        page.times.extend([created] if isinstance(created, int) else [])
    return replace(page, unread=unread)


def read_events(body: bytes, *, account: str, seen_at: datetime, livemode: bool) -> Page:
    """Read a page of events (facts §5): ids and times are the events', sightings their objects'.

    What is of the other mode is left out and counts as unread.
    """
    items, has_more = _items(body)
    page, unread = Page([], [], has_more, 0, []), 0
    for item in items:
        name = cast("Fields", item).get("id") if isinstance(item, dict) else None
        page.ids.extend([name] if isinstance(name, str) and ID.fullmatch(name) else [])
        try:
            event = _event(item)
            page.times.extend([] if event.created is None else [event.created])
            seen = read_object(
                event.object,
                account=account,
                source=Source.REPLAY,
                seen_at=seen_at,
                said_at=event.created,
            )
        except Unreadable:
            unread += 1
            continue
        is_ours = event.livemode in (None, livemode)
        page.sightings.extend([seen] if is_ours else [])
        unread += not is_ours
    return replace(page, unread=unread)


def _items(body: bytes) -> tuple[list[Any], bool]:
    """The items of a list, and whether more follow."""
    fields = parse(body)
    data = fields.get("data")
    if fields.get("object") != "list" or not isinstance(data, list):
        raise Unreadable("not_a_list")
    return cast("list[Any]", data), fields.get("has_more") is True


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
        name = "/".join(clean(part)[:64] for part in wire if part)
        raise UnknownKind(name)
    return kind


def _wire(fields: Fields) -> tuple[str, str | None]:
    name, variant = fields.get("object"), fields.get("type")
    if not isinstance(name, str):
        raise Unreadable("no_object_name")
    pair = (name, variant if isinstance(variant, str) else None)
    # only where a table row tells variants apart does `type` name the kind
    return pair if pair in BY_WIRE or name == "allocation" else (name, None)


def object_id_of(kind: Kind, fields: Fields) -> str:
    """What tells an object from others of its account and kind; raises Unreadable."""
    value = fields.get("id") if kind.identify is None else kind.identify(fields)
    if kind.id_form is Form.LOOSE_ID and is_whole(value):
        value = str(value)
    if not isinstance(value, str) or not ID.fullmatch(value):
        raise Unreadable("object_id")
    return value


def _observe(
    kind: Kind, fields: Fields, stamp: _Stamp, links: Mapping[str, Scalar], odd: list[str]
) -> Iterator[Observation]:
    """The object itself first, then what is embedded in it, linked back to it."""
    table = TABLES[kind.name]
    key = Key(stamp.account, kind.name, object_id_of(kind, fields))
    facts = values(kind, table.facts, fields, odd)
    for name, value in links.items():
        facts.setdefault(name, value)
    attrs = values(kind, table.attrs, fields, odd)
    attrs.update(_failure(fields))
    yield Observation(
        key,
        stamp.source,
        stamp.seen_at,
        normalise(kind.words, kind.status(fields)),
        facts,
        cast("dict[str, int]", values(kind, table.totals, fields, odd)),
        attrs,
        tuple(_parts(kind, fields, odd)),
        stamp.said_at,
        stamp.delivery_id,
    )
    for inner in kind.inside(fields):
        try:
            yield from _embedded(kind, key, inner, stamp, odd)
        except Unreadable as error:
            # The outer object is sound; what is odd inside is told, and asked for by itself.
            odd.append(f"{kind.name}.inside.{error.cause}")


def _embedded(
    parent: Kind, key: Key, fields: Fields, stamp: _Stamp, odd: list[str]
) -> Iterator[Observation]:
    kind = kind_of(fields)
    link = f"{parent.name}_id"
    own = parent.place(key.object_id).get("id", key.object_id)
    links = {link: own} if link in TABLES[kind.name].names else {}
    yield from _observe(kind, fields, stamp, links, odd)


def _parts(kind: Kind, fields: Fields, odd: list[str]) -> Iterator[Part]:
    for position, (role, item) in enumerate(kind.parts(fields)):
        amount = amount_of(item.get("amount"))
        user = ref(item.get("user"))
        if amount is ODD or user is ODD:
            odd.append(f"{kind.name}.{role}")
            continue
        status = normalise(COMMON_WORDS, item.get("status"))
        yield Part(f"{role}/{position}/{user}", status, cast("int", amount))


def _failure(fields: Fields) -> dict[str, Scalar]:
    """That a failure is named, and the channel's code of it; never its free text (L1795)."""
    message, code = fields.get("failure_msg"), fields.get("failure_code")
    failure: dict[str, Scalar] = {"failing": True} if message or code else {}
    if isinstance(message, str) and not code and (named := split_failure(message).code):
        failure["failure_code"] = named
    return failure
