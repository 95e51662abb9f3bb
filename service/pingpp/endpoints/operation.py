"""What one row of the table of operations says: how it is asked, with what, and what it does.

Lines are those of the provider's API document; 0 is for what only other sources have (facts 4.5-5).
"""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple


class Place(Enum):
    """Where in the request a parameter goes."""

    PATH = "path"
    QUERY = "query"
    BODY = "body"


class Takes(Enum):
    """What a parameter takes, named as people are told."""

    ID = "id"  # letters, digits, _ and -
    WORD = "word"  # letters, digits and _ (L94, L1106)
    TEXT = "text"
    BASE64 = "base64"
    AMOUNT = "amount"  # whole minor units, at least one
    DIGITS = "amount or digits"  # facts §7 row 16: "string" in the table, a number in the example
    COUNT = "whole number"
    TIME = "Unix seconds"
    FLAG = "true or false"
    ADDRESS = "IP address"
    REF = "id or object"  # facts §7 row 44: a text in the table, {"id": …} in the example
    HASH = "object"
    METADATA = "metadata"  # an object of at most 20 pairs and 1000 characters (facts 4.4)
    WORDS = "list of words"


class Need(Enum):
    """Whether a parameter must be given."""

    YES = "yes"
    NO = "no"
    SOMETIMES = "sometimes"


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter.

    name: dotted, with [] after a list: extra.return_url, recipients[].amount; in a query the
    steps after the first stand in brackets on the wire. least, most: characters of a text, else
    bounds of a number. words: all it may be. when: must be given if that parameter has that
    word. instead: another spelling that does as well; sent as `name`. fixed: what is sent
    without being asked for.
    """

    name: str
    takes: Takes
    line: int
    place: Place = Place.BODY
    need: Need = Need.YES
    least: int = 1
    most: int | None = None
    words: tuple[str, ...] = ()
    when: tuple[str, str] | None = None
    instead: str = ""
    fixed: str = ""


class Repeat(NamedTuple):
    """Whether it may be sent again when no answer came, and why; both languages.

    ask: the operation that shows whether the first one arrived; "" when there is none.
    """

    allowed: bool
    en: str
    zh: str
    ask: str = ""


class Title(NamedTuple):
    """What an operation is called."""

    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the provider.

    paths: templates; all but the first are asked when the one before is not there (facts §7 rows
    14 and 24). answers: the kind of object in the answer, or a word for what is no object.
    names: the parameters that tell one sending from another: its number, else what it acts on.
    paging: A (starting_after) or B (page) for a list (facts 4.5), "" for everything else.
    page_seconds: how long the page that the answer names can be used; 0: it names none.
    """

    name: str
    method: str
    paths: tuple[str, ...]
    title: Title
    line: int
    answers: str
    params: tuple[Param, ...]
    repeat: Repeat
    moves_money: bool = False
    names: tuple[str, ...] = ()
    paging: str = ""
    page_seconds: int = 0

    @property
    def path(self) -> str:
        """The documented path."""
        return self.paths[0]

    @property
    def reads(self) -> bool:
        """Whether it changes nothing: all that a daemon may ask."""
        return self.method == "GET"


READING = Repeat(True, "it only reads", "只读取，不改变任何东西")
NOTHING_MADE = Repeat(True, "it creates nothing that lasts", "不产生需要保留的对象")
SAME_STATE = Repeat(True, "a second time leaves the same state", "重复一次，状态仍然相同")


def by_number(ask: str) -> Repeat:
    """Not promised to be safe: numbers must be unique, and nothing says what a repetition does."""
    if not ask:
        return Repeat(
            False,
            "nothing lists or finds these objects by their number: ask the provider's dashboard",
            "没有接口能按订单号查到：请在 Ping++ 管理平台核实",
        )
    return Repeat(
        False,
        f"it may have arrived: look with {ask} first",
        f"可能已经生效：请先用 {ask} 查询",
        ask,
    )


def in_path(name: str, line: int, *, most: int = 128) -> Param:
    """An id in the address."""
    return Param(name, Takes.ID, line, Place.PATH, most=most)


def must(
    name: str,
    takes: Takes,
    line: int,
    *,
    least: int = 1,
    most: int | None = None,
    words: tuple[str, ...] = (),
    fixed: str = "",
) -> Param:
    """A parameter of the body that must be given."""
    return Param(name, takes, line, least=least, most=most, words=words, fixed=fixed)


def may(
    name: str,
    takes: Takes,
    line: int,
    *,
    least: int = 1,
    most: int | None = None,
    words: tuple[str, ...] = (),
) -> Param:
    """A parameter of the body that may be given."""
    return Param(name, takes, line, need=Need.NO, least=least, most=most, words=words)


def asked(
    name: str, takes: Takes, *, most: int | None = None, words: tuple[str, ...] = ()
) -> Param:
    """A parameter of the query that may be given; the document names none (facts 4.5)."""
    return Param(name, takes, 0, Place.QUERY, Need.NO, most=most, words=words)


_CREATED = tuple(asked(f"created.{word}", Takes.TIME) for word in ("gt", "gte", "lt", "lte"))

# Facts 4.5, style A: the hundred newest at most, before or after an id.
PAGES_A = (
    asked("limit", Takes.COUNT, most=100),
    asked("starting_after", Takes.ID),
    asked("ending_before", Takes.ID),
    *_CREATED,
)

# Facts 4.5, style B: numbered pages, of a hundred at most in its older documents.
PAGES_B = (asked("page", Takes.COUNT), asked("per_page", Takes.COUNT, most=100), *_CREATED)
