"""Which app is meant: the one that was given, or the account's only one; never a foreign one."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from service.cli.exits import Usage
from service.pingpp.endpoints.operation import Need, Operation

# How the document names the app of a request, in path, body and query.
_NAMES = ("app_id", "app", "app.id")


def with_app(
    row: Operation, values: Mapping[str, Any], apps: Sequence[str], account: str
) -> dict[str, Any]:
    """The values, with the account's only app where one is needed and none was given.

    Raises Usage for an app that is not the account's; without a list of apps any is taken.
    """
    placed = dict(values)
    for name in _NAMES:
        param = next((one for one in row.params if one.name == name), None)
        if param is None or param.need is not Need.YES:
            continue
        outer, _, inner = name.partition(".")
        if outer not in placed and len(apps) == 1:
            placed[outer] = {inner: apps[0]} if inner else apps[0]
        chosen: Any = placed.get(outer)
        if inner and isinstance(chosen, dict):
            chosen = cast("dict[str, Any]", chosen).get(inner)
        if isinstance(chosen, str) and apps and chosen not in apps:
            raise Usage(f"{name}: it is not one of accounts.{account}.apps")
    return placed
