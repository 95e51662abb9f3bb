"""How much came in and went out in a span of time, hour by hour? By the journal, never by guess.

Whole quarters of an hour are read from what was added up (`ledger.counted`); from the journal only
what that does not hold yet, and what lies at the edges of the span.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa

from service.core.instant import from_micros, to_micros
from service.ledger import counted
from service.ledger.columns import Instant
from service.ledger.engine import Connection
from service.ledger.judging import Scope, bare
from service.ledger.keys import Selection
from service.ledger.moving import MEASURES as MEASURES
from service.ledger.moving import QUARTER_MICROS, happened, moves_of, summed
from service.ledger.schema import moves, postings

# So many postings that are not added up are looked through by their numbers, more by their time.
BEHIND = 20_000
_HOUR = timedelta(hours=1)
_HOUR_STEP = _HOUR // timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Moved:
    """What moved in one hour after the beginning: minor units, and by how many postings."""

    measure: str
    currency: str
    hour: int
    amount: int
    count: int


def moved(
    connection: Connection, *, since: datetime, until: datetime, scope: Scope = None
) -> list[Moved]:
    """Every measure by currency and hour, of what happened from `since` until `until`.

    since: on a quarter of an hour, as days begin; else the first one counts to the first hour.
    """
    amounts: Counter[tuple[str, str, int]] = Counter()
    counts: Counter[tuple[str, str, int]] = Counter()
    for one in _parts(connection, since, until, scope):
        name = (one.measure, one.currency, one.hour)
        amounts[name] += one.amount
        counts[name] += one.count
    return [Moved(*name, amount, counts[name]) for name, amount in amounts.items()]


def _parts(
    connection: Connection, since: datetime, until: datetime, scope: Scope
) -> Iterator[Moved]:
    first = from_micros(-(-to_micros(since) // QUARTER_MICROS) * QUARTER_MICROS)
    last = from_micros(to_micros(until) // QUARTER_MICROS * QUARTER_MICROS)
    values = {} if scope is None else {"accounts": sorted(scope)}
    if first < last:
        yield from _added_up(connection, values | {"begin": first, "end": last})
    for form, span in _not_added_up(connection, since, until, first, last):
        for one in moves_of(connection, _question(form, everyones=scope is None), values | span):
            hour = max((one.at - since) // _HOUR, 0)
            yield Moved(one.measure, one.currency, hour, one.amount, one.count)


def _not_added_up(
    connection: Connection, since: datetime, until: datetime, first: datetime, last: datetime
) -> Iterator[tuple[str, dict[str, Any]]]:
    """What the journal is asked for: the edges of the span, and the postings behind the mark."""
    mark = counted.mark(connection)
    edges = [(since, first), (last, until)] if first < last else [(since, until)]
    for begin, end in edges:
        if begin < end:
            yield "edge", {"mark": mark, "begin": begin, "end": end}
    is_behind = counted.last(connection) - mark > BEHIND
    yield "late" if is_behind else "new", {"mark": mark, "begin": since, "end": until}


_BEGIN, _END = (sa.bindparam(name, type_=Instant()) for name in ("begin", "end"))


@cache
def _question(form: str, *, everyones: bool) -> Selection:
    """By the index of time or of numbers: what is added to is judged row by row."""
    mark = sa.bindparam("mark", type_=sa.BigInteger())
    by_time = (postings.c.happened_at >= _BEGIN, postings.c.happened_at < _END)
    if form == "new":
        found = (postings.c.id > mark, happened() + 0 >= _BEGIN, happened() + 0 < _END)
    elif form == "late":
        found = (postings.c.id + 0 > mark, *by_time)
    else:
        found = (postings.c.id + 0 <= mark, *by_time)
    return summed(*found, *_seen(postings, everyones=everyones))


def _seen(table: sa.Table, *, everyones: bool) -> Sequence[sa.ColumnElement[bool]]:
    accounts: sa.BindParameter[Any] = sa.bindparam("accounts", expanding=True)
    return () if everyones else (bare(table.c.account).in_(accounts),)


def _added_up(connection: Connection, values: dict[str, Any]) -> Iterator[Moved]:
    question = _sums(everyones="accounts" not in values)
    rows: Sequence[Any] = connection.execute(question, values).all()
    for measure, currency, number, amount, count in rows:
        yield Moved(measure, currency, int(number), int(amount), int(count))


@cache
def _sums(*, everyones: bool) -> Selection:
    at = sa.type_coerce(moves.c.quarter_at, sa.BigInteger)
    hour = ((at - sa.type_coerce(_BEGIN, sa.BigInteger)) // _HOUR_STEP).label("hour")
    key = (moves.c.measure, moves.c.currency, hour)
    chosen: Selection = sa.select(*key, sa.func.sum(moves.c.amount), sa.func.sum(moves.c.count))
    span = (moves.c.quarter_at >= _BEGIN, moves.c.quarter_at < _END)
    # by its place: PostgreSQL cannot tell that two parameters are one
    by_hour: Any = sa.text("hour")
    return chosen.where(*span, *_seen(moves, everyones=everyones)).group_by(
        moves.c.measure, moves.c.currency, by_hour
    )
