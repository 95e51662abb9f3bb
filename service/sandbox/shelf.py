"""How objects are shown that the sandbox itself does not make: they are put here whole, by kind.

Recharges, transfers, royalties and the like belong to the provider's other products; what an
integrator puts here is answered as it is, and goes out in events.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from service.core.kinds import BY_WIRE
from service.pingpp.endpoints.operation import Operation
from service.sandbox import lists
from service.sandbox.asked import Asked, Handler
from service.sandbox.box import Box
from service.sandbox.refusal import Refusal, missing
from service.sandbox.wire import Shown

SHELF_LIMIT = 10_000


def put(box: Box, shown: Mapping[str, Any]) -> tuple[str, str]:
    """Keep an object, or its newer state; gives its kind and id."""
    kind = BY_WIRE.get((str(shown.get("object")), None))
    object_id = shown.get("id")
    if kind is None or not isinstance(object_id, str) or not object_id:
        raise Refusal(400, "需要 object（已知的种类）和 id", param="object")
    if len(box.shelf) >= SHELF_LIMIT:
        raise Refusal(400, "对象过多", param="object")
    box.shelf[kind.name, object_id] = dict(shown)
    return kind.name, object_id


def handlers(rows: Iterable[Operation], own: Iterable[str]) -> dict[str, Handler]:
    """What answers the rows that read kinds which the sandbox does not make itself."""
    made = set(own)
    return {
        row.name: _list(row) if row.paging else _retrieve(row)
        for row in rows
        if row.reads and row.answers not in made
    }


def _retrieve(row: Operation) -> Handler:
    def answer(box: Box, asked: Asked) -> Shown:
        object_id = list(asked.path.values())[-1]
        shown = box.shelf.get((row.answers, object_id))
        if shown is None or asked.path.get("app_id", shown.get("app")) != shown.get("app"):
            raise missing(row.answers, object_id)
        return shown

    return answer


def _list(row: Operation) -> Handler:
    page = lists.page_a if row.paging == "A" else lists.page_b

    def answer(box: Box, asked: Asked) -> Shown:
        app = asked.path.get("app_id")
        items = [
            shown
            for (kind, _), shown in box.shelf.items()
            if kind == row.answers and app in (None, shown.get("app"))
        ]
        return page(asked.target, lists.within(items, asked.query), asked.query)

    return answer
