"""What a kind's row of the table says: its spelling on the wire, its states, when to look."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, NamedTuple, cast

from service.core.journal import Leg, Parts

Fields = Mapping[str, Any]

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR

# How long after an object's due time its last word may still come: facts §6, time mechanics
# (a charge expires ten seconds after its order).
MARGIN_SECONDS = 60


class Form(Enum):
    """How one value is spelt on the wire, and what it may be."""

    ID = auto()
    LOOSE_ID = auto()  # text, or a JSON number: facts §6, type looseness
    REF = auto()  # an id, or the object it names: facts §7 rows 21 and 44
    AMOUNT = auto()
    DIGITS = auto()  # an amount, or its digits as text: facts §7 row 16
    TIME = auto()  # whole seconds since 1970
    LOOSE_TIME = auto()  # seconds, or their digits as text: facts §6, type looseness
    TEXT = auto()
    CHANNEL = auto()  # facts §7 row 3: yepay and yeepay are one
    FLAG = auto()
    CURRENCY = auto()


@dataclass(frozen=True, slots=True)
class Field:
    """One value of an object: our name for it, its form, and where on the wire it may stand.

    `wire` lists dotted paths; the first that holds a value wins. An object without a value for a
    `required` field is quarantined.
    """

    name: str
    form: Form
    wire: tuple[str, ...] = ()
    required: bool = False
    # the wire paths in steps, split once: reading is a hot path
    paths: tuple[tuple[str, ...], ...] = field(init=False)

    def __post_init__(self) -> None:
        paths = tuple(tuple(path.split(".")) for path in self.wire or (self.name,))
        object.__setattr__(self, "paths", paths)


class Word(NamedTuple):
    """One status: how far along it is, and which end it belongs to ("" while it is none).

    Statuses of one branch follow each other; statuses of two branches contradict each other.
    """

    rank: int
    branch: str = ""


class List(NamedTuple):
    """A list endpoint: its path, its paging (A: starting_after, B: page) and its query."""

    path: str
    paging: str
    query: Mapping[str, str]


class Looks(NamedTuple):
    """When to look again, in seconds: while open (the last repeats), then after the end."""

    open: tuple[int, ...]
    after: tuple[int, ...] = ()


def status_field(fields: Fields) -> object:
    """The raw status word of an object that has one."""
    return fields.get("status")


def no_status(_fields: Fields) -> object:
    """The one word of an object that has no states: it is known."""
    return "known"


def no_parts(_fields: Fields) -> Iterable[tuple[str, Fields]]:
    """Most kinds have no recipients or senders."""
    return ()


def nothing_inside(_fields: Fields) -> Iterable[Fields]:
    """Most kinds carry no other object."""
    return ()


def no_place(_object_id: str) -> Mapping[str, str]:
    """Most ids say nothing but themselves."""
    return {}


def no_legs(_known: Fields, _parts: Parts) -> Iterable[Leg]:
    """Most kinds move no money by themselves."""
    return ()


@dataclass(frozen=True, slots=True)
class Kind:
    """One class of Ping++ object.

    wire: the (object, type) pairs that name it; type None stands for "absent".
    paths: GET templates over {id}, {app}, {order_id}, {charge_id}; tried in turn on 404.
        None at all: nobody can be asked, so that a person is told at the due time.
    due: seconds since 1970 by which it should be final, from what is known and since when.
    identify: what tells two objects apart where the `id` does not, or is none (None: it does).
    place: what such an identity says of where the object is asked for; its `id` there, too.
    also: the wire names under which an answer to our own question may show it, too.
    lapses: an own look after `due` that still finds it open ends the watch without a mismatch.
    follows: the fact naming the parent whose looks also show this object.
    touches_user: its change moves wallets, so that the users it names are looked at again.
    retried: a failed attempt inside is no failure of the object itself.
    notified: the provider documents an event for it.
    legs: the money that has moved because of it, from what is known of it and of its parts.
    """

    name: str
    wire: tuple[tuple[str, str | None], ...]
    paths: tuple[str, ...]
    words: Mapping[str, Word]
    facts: tuple[Field, ...]
    looks: Looks
    due: Callable[[Fields, int], int]
    totals: tuple[Field, ...] = ()
    attrs: tuple[Field, ...] = ()
    lists: tuple[List, ...] = ()
    status: Callable[[Fields], object] = status_field
    parts: Callable[[Fields], Iterable[tuple[str, Fields]]] = no_parts
    inside: Callable[[Fields], Iterable[Fields]] = nothing_inside
    legs: Callable[[Fields, Parts], Iterable[Leg]] = no_legs
    regressions: frozenset[tuple[str, str]] = frozenset()
    lapses: bool = False
    follows: str = ""
    notified: bool = False
    id_form: Form = Form.ID
    identify: Callable[[Fields], object] | None = None
    place: Callable[[str], Mapping[str, str]] = no_place
    also: frozenset[str] = frozenset()
    touches_user: bool = False
    retried: bool = False


# created < pending < one of three ends: withdrawals, refunds and allocations (facts §6).
COMMON_WORDS: Mapping[str, Word] = {
    "created": Word(0),
    "pending": Word(1),
    "succeeded": Word(3, "succeeded"),
    "failed": Word(3, "failed"),
    "canceled": Word(3, "canceled"),
}

# An object without states is known or not; nothing ends it.
KNOWN_WORDS: Mapping[str, Word] = {"known": Word(0)}

# What ends in parts (facts §6): a batch of which some succeeded and some failed.
PARTLY_WORDS: Mapping[str, Word] = {
    **COMMON_WORDS,
    "partially_succeeded": Word(3, "partially_succeeded"),
}

# Facts §7, global status map. "paid" is left out: for orders it is a state of its own.
_SYNONYMS: Mapping[str, str] = {
    "succeed": "succeeded",
    "success": "succeeded",
    "completed": "succeeded",
    "processing": "pending",
    "waiting": "pending",
    "sending": "pending",
    "failure": "failed",
    "fail": "failed",
    "cancelled": "canceled",
}

UNKNOWN = "unknown:"
_RAW_WORD_LENGTH = 40


def normalise(words: Mapping[str, Word], raw: object) -> str:
    """Map a raw status to a word of the table, else keep it raw behind "unknown:" (facts §7)."""
    if isinstance(raw, str):
        word = _SYNONYMS.get(raw, raw)
        if word in words:
            return word
    shown = raw if isinstance(raw, str) else type(raw).__name__
    clean = "".join(c if c.isprintable() else "?" for c in shown[:_RAW_WORD_LENGTH])
    return UNKNOWN + clean


def rank(words: Mapping[str, Word], word: str) -> int:
    """How far along a word is; an unknown one is behind all others, so that it never wins."""
    known = words.get(word)
    return -1 if known is None else known.rank


def listed(value: Any) -> list[Fields]:
    """The objects in a list object, a bare list or nothing: null, [] and {} all mean none."""
    data = cast("dict[str, Any]", value).get("data") if isinstance(value, dict) else value
    items = cast("list[Any]", data) if isinstance(data, list) else []
    return [cast("Fields", item) for item in items if isinstance(item, dict)]


def after_seconds(seconds: int) -> Callable[[Fields, int], int]:
    """A deadline a fixed time after the current status began."""

    def due(_known: Fields, since: int) -> int:
        return since + seconds

    return due
