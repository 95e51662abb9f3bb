"""How is a source's file mapped? A ready mapping, and what the settings say over it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field

from service.core.statement.mapping import COLUMNS, READY, WHATS, Reading
from service.settings.table import Table
from service.settings.values import Flag, Name, Whole, Words

# A format that strptime would take ages over, or a heading of a novel, is a slip.
_TEXT_LIMIT = 200
_TEXTS_LIMIT = 50


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("is no time zone that this machine knows") from None
    return name


def _texts(value: Any) -> Any:
    """One text stands for a list of one: headings may hold commas, so they are not split."""
    if isinstance(value, str):
        value = [value]
    return tuple(value) if isinstance(value, list) else value  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


Text = Annotated[str, Field(min_length=1, max_length=_TEXT_LIMIT)]
Texts = Annotated[
    tuple[Text, ...], BeforeValidator(_texts), Field(min_length=1, max_length=_TEXTS_LIMIT)
]
Zone = Annotated[str, AfterValidator(_known_zone)]


def _columns(value: Mapping[str, Any]) -> Mapping[str, Any]:
    unknown = sorted(set(value) - set(COLUMNS))
    if unknown:
        raise ValueError(f"{unknown[0]} is no column that a line has: {', '.join(COLUMNS)}")
    return value


def _kinds(value: Mapping[str, Any]) -> Mapping[str, Any]:
    unknown = sorted(set(value) - set(WHATS))
    if unknown:
        raise ValueError(f"{unknown[0]} is no kind of line: {', '.join(WHATS)}")
    return value


def _covered(value: tuple[str, ...]) -> tuple[str, ...]:
    _kinds(dict.fromkeys(value))
    return value


class Statement(Table):
    """One source of statements: `like` names a ready mapping, every other key changes it.

    See service.core.statement.mapping for what each means.
    """

    like: Literal["book", "wechat", "alipay", "yeepay", "bank"] | None = None
    account: Name | None = None
    columns: Annotated[Mapping[str, Texts], AfterValidator(_columns)] | None = None
    types: Annotated[Mapping[str, Texts], AfterValidator(_kinds)] | None = None
    skips: Texts | None = None
    done: Texts | None = None
    unit: Literal["yuan", "fen"] | None = None
    currency: Annotated[str, Field(pattern="^[a-z]{3}$")] | None = None
    encoding: Literal["auto", "utf-8", "gbk", "gb18030"] | None = None
    delimiter: Literal["auto", "comma", "tab", "semicolon", "pipe"] | None = None
    sheet: Text | None = None
    time_formats: Texts | None = None
    zone: Zone | None = None
    comment: Annotated[str, Field(max_length=8)] | None = None
    trailer: Texts | None = None
    counted: Flag | None = None
    against: Literal["charges", "orders"] | None = None
    covers: Annotated[Words, AfterValidator(_covered)] | None = None
    channels: Words | None = None
    # half an hour to each side of midnight at the most: more is another day
    cut_seconds: Annotated[Whole, Field(ge=0, le=1_800)] | None = None

    def reading(self, name: str) -> Reading:
        """The mapping: that of `like`, else of the ready one of this name, else an empty one."""
        ready = READY.get(self.like or name, Reading())
        given = {
            key: getattr(self, key)
            for key in type(self).model_fields
            if key not in ("like", "account") and getattr(self, key) is not None
        }
        for key in ("columns", "types"):
            if key in given:
                given[key] = {**getattr(ready, key), **given[key]}
        return replace(ready, **given)


def readings(given: Mapping[str, Statement]) -> dict[str, Reading]:
    """Every mapping by its source's name: the ready ones, and those of the settings over them."""
    return {**READY, **{name: one.reading(name) for name, one in given.items()}}
