"""How does a program read on where it stopped? Pages by keyset, over what some accounts have.

A page's cost is bounded: what no index answers is judged within so many rows at most, so that a
page may be shorter than asked for, or empty, and still say where the next one goes on.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa

from service.ledger.engine import Connection
from service.ledger.judging import bare

# Rows that one page looks through where no index answers a filter.
WINDOW = 500

Conditions = list[sa.ColumnElement[bool]]
Where = Mapping[str, Any]
After = Sequence[Any] | None


class Span(NamedTuple):
    """Rows that lie together in the order: by these conditions, ordered by this rest of the key."""

    conditions: Conditions
    key: Sequence[sa.Column[Any]]
    after: After
    # an index finds them all, and they are put in order afterwards
    is_few: bool = False


class Asked(NamedTuple):
    """Where a page is looked for, in this order, and what each row there is judged by."""

    spans: list[Span]
    filters: Conditions


@dataclass(frozen=True, slots=True)
class Listing:
    """One list. key: what it is ordered by, and what a place in it consists of.

    ask: how an index answers a question.
    """

    columns: Mapping[str, sa.ColumnElement[Any]]
    account: sa.Column[Any]
    key: tuple[sa.Column[Any], ...]
    ask: Callable[[Connection, "Question"], Asked]
    newest_first: bool = False


class Question(NamedTuple):
    """What is asked of a list: whose rows (None: all), with which values, after which place."""

    listing: Listing
    accounts: Collection[str] | None
    where: Where
    after: After

    def equal(self, *names: str) -> Conditions:
        """The conditions on these columns, as far as they are asked for; none named: on all."""
        columns, where = self.listing.columns, self.where
        return [columns[name] == where[name] for name in names or where if name in where]


def page(
    connection: Connection,
    listing: Listing,
    *,
    accounts: Collection[str] | None,
    where: Where,
    after: After,
    limit: int,
) -> tuple[list[dict[str, Any]], list[Any] | None]:
    """Some rows, and the place after which the next ones stand; None when these were the last.

    accounts: only of these; None: of all. where: values of columns by their name in the list.
    """
    asked = listing.ask(connection, Question(listing, accounts, where, after))
    found: list[Any] = []
    for span in asked.spans:
        rows, edge = _window(connection, listing, span, asked.filters, limit + 1 - len(found))
        found += rows
        if len(found) > limit:
            return _shown(listing, found[:limit]), _place(listing, found[limit - 1])
        if edge is not None:
            return _shown(listing, found), edge
    return _shown(listing, found), None


def _window(
    connection: Connection, listing: Listing, span: Span, filters: Conditions, limit: int
) -> tuple[Sequence[Any], list[Any] | None]:
    """The rows of a span, and where its window ends before the span does."""
    if span.is_few:
        return _few(connection, listing, span, limit), None
    order = [key.desc() if listing.newest_first else key for key in span.key]
    here = sa.select(*listing.key).where(*span.conditions, *_beyond(listing, span)).order_by(*order)
    edge = None
    if filters:
        edge = connection.execute(here.offset(WINDOW).limit(1)).first()
    chosen = here.with_only_columns(*_columns(listing)).where(*filters)
    if edge is not None:
        last = dict(zip(listing.key, edge, strict=True))
        chosen = chosen.where(*_up_to(listing, span, [last[column] for column in span.key]))
    rows = connection.execute(chosen.limit(limit)).mappings().all()
    return rows, None if edge is None else list(edge)


def _few(connection: Connection, listing: Listing, span: Span, limit: int) -> Sequence[Any]:
    """Put in order by bare keys: else a database would walk the whole order to find them."""
    order = [bare(key) for key in listing.key]
    chosen = sa.select(*_columns(listing)).where(*span.conditions)
    if span.after is not None:
        here, there = sa.tuple_(*order), _values(listing.key, span.after)
        chosen = chosen.where(here < there if listing.newest_first else here > there)
    chosen = chosen.order_by(*(key.desc() if listing.newest_first else key for key in order))
    return connection.execute(chosen.limit(limit)).mappings().all()


def _columns(listing: Listing) -> list[sa.ColumnElement[Any]]:
    """What is shown, and the parts of the place."""
    shown = [column.label(name) for name, column in listing.columns.items()]
    return [*shown, *(key.label(f"_{n}") for n, key in enumerate(listing.key))]


def _beyond(listing: Listing, span: Span) -> Conditions:
    """What stands after the place: a comparison of whole keys, which an index takes."""
    if span.after is None:
        return []
    here, there = sa.tuple_(*span.key), _values(span.key, span.after)
    return [here < there if listing.newest_first else here > there]


def _up_to(listing: Listing, span: Span, edge: Sequence[Any]) -> Conditions:
    here, there = sa.tuple_(*span.key), _values(span.key, edge)
    return [here >= there if listing.newest_first else here <= there]


def _values(key: Sequence[sa.Column[Any]], values: Sequence[Any]) -> Any:
    return sa.tuple_(*(sa.bindparam(None, v, k.type) for k, v in zip(key, values, strict=True)))


def _shown(listing: Listing, rows: Sequence[Any]) -> list[dict[str, Any]]:
    return [{name: row[name] for name in listing.columns} for row in rows]


def _place(listing: Listing, row: Any) -> list[Any]:
    return [row[f"_{n}"] for n in range(len(listing.key))]
