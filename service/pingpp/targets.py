"""Which request target asks for an object, or for a page of a list: the kinds' paths, filled in.

Ids come from the outside: anything that is not plainly an id never becomes part of a path.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import product
from string import Formatter
from urllib.parse import quote, urlencode

from service.core.kinds.kind import Kind, List

_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")

# The most that every known shape of a list gives (facts 4.5: newer documents cap style B at 20).
LIMIT_A = 100
PER_PAGE_B = 20


def is_id(value: str) -> bool:
    """Whether this may stand in a path: letters, digits, _ and -, at most 128."""
    return _ID.fullmatch(value) is not None


def object_targets(
    kind: Kind,
    object_id: str,
    place: Mapping[str, str | None],
    *,
    apps: Sequence[str] = (),
    paths: Sequence[str] | None = None,
) -> list[str]:
    """Where to ask for one object, in turn; empty when what its paths need is not known.

    place: its app, order_id and charge_id as far as known. apps: tried when its app is not.
    paths: what an account's settings say instead of the kind's own.
    """
    templates = kind.paths if paths is None else paths
    return _fill(templates, {**place, "id": object_id, **kind.place(object_id)}, apps)


def sibling_targets(
    kind: Kind, place: Mapping[str, str | None], paging: str, *, page: int, after: str | None
) -> list[str]:
    """Where a page of the objects of a kind under one parent is: their paths without the last id.

    So /v1/orders/{order_id}/refunds, then /order_refunds (L1485, facts 4.6).
    """
    paths = _fill([path.removesuffix("/{id}") for path in kind.paths], place, ())
    query = urlencode(_paging(paging, page, after))
    return [f"{path}?{query}" for path in paths]


def list_target(
    shape: List, app: str, *, page: int, after: str | None, created: Mapping[str, int]
) -> str:
    """Ask for one page of a list (facts 4.5), newest first; the app must be an id.

    page counts from 1 (style B); after is the last id of the page before (style A);
    created bounds the items by "gte", "lte" … in Unix seconds.
    """
    (path,) = _fill([shape.path], {"app": app}, ())
    query = {name: value.replace("{app}", app) for name, value in shape.query.items()}
    query |= {f"created[{word}]": str(at) for word, at in created.items()}
    # a shape that names its own number of items keeps it
    paging = _paging(shape.paging, page, after)
    query |= {name: value for name, value in paging.items() if name not in query}
    return f"{path}?{urlencode(query)}"


def _paging(style: str, page: int, after: str | None) -> dict[str, str]:
    if style == "B":
        return {"page": str(page), "per_page": str(PER_PAGE_B)}
    start = {} if after is None else {"starting_after": after}
    return {"limit": str(LIMIT_A), **start}


def _fill(
    templates: Sequence[str], values: Mapping[str, str | None], apps: Sequence[str]
) -> list[str]:
    """Each template with its placeholders filled; one that lacks a value is left out."""
    targets: list[str] = []
    for template in templates:
        names = [name for _, name, _, _ in Formatter().parse(template) if name]
        choices = [_choices(name, values, apps) for name in names]
        for chosen in product(*choices):
            filled = {
                name: quote(value, safe="") for name, value in zip(names, chosen, strict=True)
            }
            targets.append(template.format_map(filled))
    return targets


def _choices(name: str, values: Mapping[str, str | None], apps: Sequence[str]) -> list[str]:
    value = values.get(name)
    found = list(apps) if value is None and name == "app" else [value]
    return [one for one in found if one is not None and is_id(one)]
