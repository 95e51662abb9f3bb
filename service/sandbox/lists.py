"""How lists are cut into pages: style A (starting_after) and style B (page), facts 4.5."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from service.sandbox import wire
from service.sandbox.refusal import Refusal
from service.sandbox.wire import Shown

_LIMIT, _LIMIT_MOST = 10, 100
_PER_PAGE, _PER_PAGE_MOST = 20, 100
_CREATED = re.compile(r"created\[(gt|gte|lt|lte)\]")

_COMPARE: Mapping[str, Callable[[int, int], bool]] = {
    "gt": lambda one, other: one > other,
    "gte": lambda one, other: one >= other,
    "lt": lambda one, other: one < other,
    "lte": lambda one, other: one <= other,
}


def within(items: Iterable[Shown], query: Mapping[str, str]) -> list[Shown]:
    """The items whose `created` is as the query asks, newest first."""
    bounds = [
        (found[1], _number(query, name)) for name in query if (found := _CREATED.fullmatch(name))
    ]
    kept = [i for i in items if all(_COMPARE[word](i["created"], at) for word, at in bounds)]
    return kept[::-1]


def page_a(url: str, items: Sequence[Shown], query: Mapping[str, str]) -> Shown:
    """`limit` items after `starting_after`, or before `ending_before`."""
    limit = _number(query, "limit", _LIMIT, _LIMIT_MOST)
    if "ending_before" in query:
        end = _position(items, query["ending_before"])
        start = max(0, end - limit)
        return wire.listed(url, items[start:end], has_more=start > 0)
    start = _position(items, query["starting_after"]) + 1 if "starting_after" in query else 0
    end = start + limit
    return wire.listed(url, items[start:end], has_more=end < len(items))


def page_b(url: str, items: Sequence[Shown], query: Mapping[str, str], **more: object) -> Shown:
    """Page `page` (from 1) of `per_page` items."""
    size = _number(query, "per_page", _PER_PAGE, _PER_PAGE_MOST)
    start = (_number(query, "page", 1) - 1) * size
    end = start + size
    return wire.listed(url, items[start:end], has_more=end < len(items), **more)


def _position(items: Sequence[Shown], wanted: str) -> int:
    for position, item in enumerate(items):
        if item["id"] == wanted:
            return position
    raise Refusal(400, f"游标不存在：{wanted}", param="starting_after")


def _number(query: Mapping[str, str], name: str, default: int = 0, most: int | None = None) -> int:
    value = query.get(name, str(default))
    number = int(value) if value.isascii() and value.isdigit() else -1
    least = 0 if _CREATED.fullmatch(name) else 1
    if number < least or (most is not None and number > most):
        raise Refusal(400, f"参数超出范围：{name}", param=name)
    return number
