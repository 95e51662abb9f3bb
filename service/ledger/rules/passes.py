"""How do many rules look at a row at once? Those over one source are asked in a single pass.

Each rule is its own SELECT, and would do alone. But a scan for each of them costs the database as
many scans, and PostgreSQL a plan for each: what is asked is whether any of their conditions holds,
and of the few rows of which one does, the sides of every rule that found it, as a JSON list.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from service.ledger.keys import Selection
from service.ledger.rules.rule import Rule
from service.ledger.rules.sources import Expression, Sources

_decoder = msgspec.json.Decoder(list[str | None])


@dataclass(frozen=True, slots=True)
class Pass:
    """What finds the same as the SELECTs of one or more rules; `select` yields their columns.

    is_shared: each row is of all the rules, and its `ours` a JSON list of their sides in turn.
    """

    codes: tuple[str, ...]
    select: Selection
    is_shared: bool

    def found(self, ours: str, theirs: str) -> Iterator[tuple[str, str, str]]:
        """(rule, ours, theirs) of each finding in a row."""
        if not self.is_shared:
            yield self.codes[0], ours, theirs
            return
        sides = iter(_decoder.decode(ours))
        for code, one, other in zip(self.codes, sides, sides, strict=True):
            if one is not None and other is not None:
                yield code, one, other


def passes(rules: Sequence[Rule], of: Sources) -> list[Pass]:
    """The fewest passes that ask these rules."""
    alone: list[Pass] = []
    shared: dict[str, dict[str, Selection]] = {}
    for rule in rules:
        found = rule.select(of)
        source = _source_of(found, of)
        if source is None:
            alone.append(Pass((rule.code,), found, is_shared=False))
        else:
            shared.setdefault(source, {})[rule.code] = found
    return alone + [_shared(together, of, getattr(of, name)) for name, together in shared.items()]


def _source_of(found: Selection, of: Sources) -> str | None:
    """The source that a rule's SELECT is a plain selection of; None: of no single one."""
    # not the final ones, which a compiler works out in fifty times the time; a rule looks into
    # other tables in subqueries only
    (first, *others) = found.columns_clause_froms
    if others or found.whereclause is None:
        return None
    names = ("objects", "orders", "charges", "shares")
    return next((name for name in names if getattr(of, name) is first), None)


def _shared(together: Mapping[str, Selection], of: Sources, source: Any) -> Pass:
    found = together.values()
    sides = [
        sa.case((_condition(one), one.selected_columns[side].element))
        for one in found
        for side in ("ours", "theirs")
    ]
    listed = sa.func.json_build_array if of.dialect == "postgresql" else sa.func.json_array
    select = sa.select(
        source.c.account,
        source.c.kind,
        source.c.object_id,
        sa.cast(listed(*sides), sa.Text()).label("ours"),
        sa.cast(sa.null(), sa.Text()).label("theirs"),
        source.c.currency,
    ).where(sa.or_(*map(_condition, found)))
    return Pass(tuple(together), select, is_shared=True)


def _condition(found: Selection) -> Expression:
    condition = found.whereclause
    assert condition is not None  # noqa: S101  `_source_of` looked
    return condition
