"""Which of the provider's reading operations the merchant has not used yet, and how to."""

from typing import Any

from service.cli.demo.desk import APP, Desk
from service.pingpp.endpoints import OPERATIONS
from service.pingpp.endpoints.operation import Need, Operation, Param, Place

# Whose id a path's placeholder takes, where its name does not say it (L265, L543).
_MEANT = {"cus_id": "cus_application"}
_FAMILY = ("order_refund.", "order_charge.", "refund.")


class Looks:
    """Uses each reading operation until it was answered once."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.left = [row.name for row in OPERATIONS.values() if row.reads]

    def go_on(self, most: int) -> None:
        """Use so many more of those that can be."""
        for name in list(self.left)[:most]:
            self.left.remove(name)
            if not self._look(OPERATIONS[name]):
                self.left.append(name)

    def _look(self, row: Operation) -> bool:
        values: dict[str, Any] = {}
        for param in row.params:
            if param.place is Place.PATH or (param.place is Place.QUERY and param.need is Need.YES):
                value = self._value(row, param)
                if value is None:
                    return False
                outer, _, inner = param.name.partition(".")
                values[outer] = {inner: value} if inner else value
        shown = self._desk.ask(row.name, **values)
        if row.name == "event.list" and shown.get("data"):
            self._desk.known["event"] = shown["data"][0]["id"]
        return bool(shown)

    def _value(self, row: Operation, param: Param) -> str | None:
        name = param.name
        if name in ("app", "app_id", "app.id"):
            return APP
        known = self._desk.family if row.name.startswith(_FAMILY) else self._desk.known
        kind = _MEANT.get(name, row.answers if name in ("id", "mch_id") else name[: -len("_id")])
        return known.get(kind)
