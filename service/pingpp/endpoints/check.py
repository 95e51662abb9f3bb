"""Whether a request is one that the document allows: its values held against its row.

Pure, and the same for the command that sends and for the sandbox that is sent to. What is wrong is
told by place and reason, never with the value: it may be a person's.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from typing import Any, NamedTuple, cast

from service.core.errors import PingledgerError
from service.pingpp.endpoints.operation import Need, Operation, Param, Place
from service.pingpp.endpoints.takes import wrong

Values = Mapping[str, Any]

PROBLEMS_LIMIT = 50
NAME_LENGTH_SHOWN = 64


class Given(NamedTuple):
    """A request's values where they go; query and body are nested as the names' steps are."""

    path: Values
    query: Values
    body: Values


class Problem(NamedTuple):
    """What is wrong with one parameter.

    reason: missing, unknown, type, length, range, word or pairs. text: a clause in English.
    """

    param: str
    reason: str
    text: str

    def __str__(self) -> str:
        return f"{self.param}: {self.text}"


class Invalid(PingledgerError):
    """A request that is not sent: what is wrong with it, at most fifty problems."""

    def __init__(self, operation: str, problems: list[Problem]) -> None:
        super().__init__(f"{operation}: " + "; ".join(map(str, problems)))
        self.problems = problems


@dataclass(slots=True)
class _Node:
    """A step of the names: the parameter that ends here, and the steps that follow."""

    param: Param | None = None
    many: bool = False
    inside: dict[str, "_Node"] = field(default_factory=dict[str, "_Node"])


def problems(operation: Operation, given: Given) -> list[Problem]:
    """Everything that is wrong with the values, in the order of the table; empty when all is well.

    A null is as good as nothing. An object without a table of its own (extra, metadata) may hold
    anything.
    """
    found = (
        problem
        for place, values in zip(Place, given, strict=True)
        for problem in _walk(_tree(operation, place), values, "", values)
    )
    return list(islice(found, PROBLEMS_LIMIT))


def ensure(operation: Operation, given: Given) -> None:
    """Raise Invalid when something is wrong."""
    if found := problems(operation, given):
        raise Invalid(operation.name, found)


def meant(rows: Iterable[Operation], given: Given) -> Operation:
    """Which of several rows with one method and path a request means: where least is wrong.

    So a withdrawal with a settle_account is an enterprise's, one with a return_url a person's.
    """
    return min(rows, key=lambda row: len(problems(row, given)))


@cache
def _tree(operation: Operation, place: Place) -> _Node:
    root = _Node()
    for param in operation.params:
        if param.place is not place:
            continue
        node = root
        for step in param.name.split("."):
            key = step.removesuffix("[]")
            node = node.inside.setdefault(key, _Node(many=step.endswith("[]")))
        node.param = param
    return root


def _walk(node: _Node, values: Values, at: str, root: Values) -> Iterator[Problem]:
    for name, child in node.inside.items():
        where = f"{at}.{name}" if at else name
        value = values.get(name)
        if child.param is not None:
            yield from _leaf(child.param, value, where, root)
        if child.inside:
            yield from _branch(child, value, where, root)
    if node.param is None:
        for name in values:
            if name not in node.inside:
                shown = _shown(name)
                yield Problem(f"{at}.{shown}" if at else shown, "unknown", "there is no such one")


def _shown(name: str) -> str:
    """A name that came from outside: short, and nothing in it that a terminal obeys."""
    return "".join(sign if sign.isprintable() else "?" for sign in name[:NAME_LENGTH_SHOWN])


def _branch(node: _Node, value: object, at: str, root: Values) -> Iterator[Problem]:
    """What stands below a name: an object, or a list of them."""
    if node.many:
        items = _items(value)
        if items is None:
            yield Problem(at, "type", "a list of objects is needed")
        elif not items and _asks(node, root):
            yield Problem(at, "missing", "at least one is needed")
        for place, item in enumerate(items or []):
            yield from _object(node, item, f"{at}[{place}]", root)
    elif value is not None or node.param is None or _asks(node, root):
        yield from _object(node, {} if value is None else value, at, root)


def _items(value: object) -> list[object] | None:
    """A list; an object alone is taken for one (facts §7 row 22)."""
    if value is None:
        return []
    if isinstance(value, Mapping):
        return [cast("object", value)]
    return cast("list[object]", value) if isinstance(value, list) else None


def _asks(node: _Node, root: Values) -> bool:
    """Whether something below an absent object is needed now."""
    return any(child.param and _is_needed(child.param, root) for child in node.inside.values())


def _object(node: _Node, value: object, at: str, root: Values) -> Iterator[Problem]:
    if isinstance(value, Mapping):
        yield from _walk(node, cast("Values", value), at, root)
    elif node.param is None:
        yield Problem(at, "type", "an object is needed")


def _leaf(param: Param, value: object, at: str, root: Values) -> Iterator[Problem]:
    if value is None or (value == "" and param.need is not Need.NO):
        if _is_needed(param, root) and _at(root, param.instead) in (None, ""):
            yield Problem(at, "missing", _why_needed(param))
    elif found := wrong(param, value):
        yield Problem(at, *found)


def _is_needed(param: Param, root: Values) -> bool:
    if param.when is not None:
        name, word = param.when
        return _at(root, name) == word
    return param.need is Need.YES


def _why_needed(param: Param) -> str:
    if param.when is not None:
        return "it is needed when {} is {}".format(*param.when)
    return "it is needed"


def _at(root: Values, name: str) -> object:
    value: Any = root
    for step in name.split("."):
        value = cast("Values", value).get(step) if isinstance(value, dict) else None
    return value
