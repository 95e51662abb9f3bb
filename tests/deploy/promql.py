"""Which metrics and labels does a PromQL expression name? As much of the language as ours use."""

import re
from dataclasses import dataclass, field

_WORDS = {
    "by", "without", "on", "ignoring", "group_left", "group_right", "and", "or", "unless", "bool",
    "offset",
}  # fmt: skip
# what stands behind a function or an aggregation, and never behind a metric
_AFTER_FUNCTION = ("(", "by", "without")
_TOKEN = re.compile(
    r"""
    (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
  | (?P<range>\[[^\]]*\])
  | (?P<name>[A-Za-z_:][A-Za-z0-9_:]*)
  | (?P<number>[0-9][0-9.]*(?:e[+-]?[0-9]+|ms|[smhdwy])?)
  | (?P<sign>=~|!~|==|!=|<=|>=|[-+*/%^(){},=<>])
    """,
    re.VERBOSE,
)
_PAIRS = {")": "(", "}": "{"}


@dataclass
class Named:
    """metrics: each with the labels its matchers name. labels: of by, on and their like."""

    metrics: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    labels: set[str] = field(default_factory=set[str])


def named(text: str) -> Named:
    """Read an expression; raises ValueError for what is none."""
    tokens = list(_tokens(text))
    found = Named()
    opened: list[str] = []
    metric, word = "", ""
    for place, (kind, token) in enumerate(tokens):
        after = tokens[place + 1][1] if place + 1 < len(tokens) else ""
        if token in ("(", "{"):
            before = tokens[place - 1][1] if place else ""
            opened.append("labels" if token == "(" and before in _WORDS else token)
        elif token in _PAIRS:
            if not opened or opened.pop() not in (_PAIRS[token], "labels"):
                raise ValueError(f"{token} was never opened: {text}")
        elif kind == "name" and opened and opened[-1] == "labels":
            found.labels.add(token)
        elif kind == "name" and opened and opened[-1] == "{":
            word = token
            found.metrics[metric].add(word)
        elif kind == "name" and token not in _WORDS and after not in _AFTER_FUNCTION:
            metric = token
            found.metrics.setdefault(metric, set())
    if opened:
        raise ValueError(f"{opened[-1]} is never closed: {text}")
    return found


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        match = _TOKEN.match(text, place)
        if match is None:
            raise ValueError(f"nothing is written {text[place : place + 10]!r}: {text}")
        found.append((match.lastgroup or "", match[0]))
        place = match.end()
    return found
