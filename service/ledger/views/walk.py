"""How is a long table shown page by page, with filters, at a bounded cost a page?

A filter that few rows pass would make the database read the whole table for one page. So a page
looks through a window of so many rows at most and says where the next one goes on.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from service.ledger.engine import Connection
from service.ledger.judging import Scope as Scope
from service.ledger.judging import few as few
from service.ledger.judging import judged as judged
from service.ledger.judging import within as within
from service.ledger.keys import Selection

# Rows that one page looks through when a filter has no index of its own.
WINDOW = 2_000


class Walked(NamedTuple):
    """One page of rows, and the key after which the next one goes on; None: that was all."""

    rows: list[Any]
    following: tuple[Any, ...] | None


def walk(
    connection: Connection,
    statement: Selection,
    key: Sequence[sa.Column[Any]],
    *,
    after: tuple[Any, ...] | None,
    size: int,
    filters: Sequence[sa.ColumnElement[bool]] = (),
    window: int = WINDOW,
) -> Walked:
    """The next `size` rows below `after`, the newest first.

    statement: its own WHERE is what an index answers; `filters` are judged row by row within the
    window. key: the columns of the order, unique together.
    """
    ordered = statement.add_columns(*(column.label(f"key_{n}") for n, column in enumerate(key)))
    ordered = ordered.order_by(*(column.desc() for column in key))
    if after is not None:
        ordered = ordered.where(*_below(key, after))
    edge = None
    if filters:
        skipping = ordered.with_only_columns(*key).offset(window).limit(1)
        edge = connection.execute(skipping).first()
        ordered = ordered.where(*filters)
        if edge is not None:
            ordered = ordered.where(
                key[0] >= sa.literal(edge[0], key[0].type), _at_least(key, edge)
            )
    found: list[Any] = list(connection.execute(ordered.limit(size + 1)))
    rows = [tuple(row)[: -len(key)] for row in found[:size]]
    if len(found) > size:
        return Walked(rows, tuple(found[size - 1])[-len(key) :])
    return Walked(rows, None if edge is None else tuple(edge))


def _values(key: Sequence[sa.Column[Any]], values: Sequence[Any]) -> Any:
    return sa.tuple_(
        *(sa.literal(value, column.type) for column, value in zip(key, values, strict=True))
    )


def _below(
    key: Sequence[sa.Column[Any]], values: Sequence[Any]
) -> tuple[sa.ColumnElement[bool], ...]:
    """Beside the comparison of the whole key the one of its first column, which an index takes."""
    first = key[0] <= sa.literal(values[0], key[0].type)
    return first, sa.tuple_(*key) < _values(key, values)


def _at_least(key: Sequence[sa.Column[Any]], values: Sequence[Any]) -> sa.ColumnElement[bool]:
    return sa.tuple_(*key) >= _values(key, values)
