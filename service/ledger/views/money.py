"""How much came in and went out in a span of time, hour by hour? By the journal, never by guess.

Whole quarters of an hour are read from what was added up (`ledger.counted`); from the journal only
what that does not hold yet, and what lies at the edges of the span.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa

from service.core.instant import from_micros, to_micros
from service.ledger import counted
from service.ledger.columns import Instant
from service.ledger.engine import Connection
from service.ledger.moving import MEASURES as MEASURES
from service.ledger.moving import QUARTER, Move, happened, moves_of
from service.ledger.schema import moves, postings
from service.ledger.views.walk import Scope, within

# So many postings that are not added up are looked through by their numbers, more by their time.
BEHIND = 20_000
_HOUR = timedelta(hours=1)
_STEP = QUARTER // timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Moved:
    """What moved in one hour after the beginning: minor units, and by how many postings."""

    measure: str
    currency: str
    hour: int
    amount: int
    count: int


class _Sum(NamedTuple):
    measure: str
    currency: str
    hour: int


def moved(
    connection: Connection, *, since: datetime, until: datetime, scope: Scope = None
) -> list[Moved]:
    """Every measure by currency and hour, of what happened from `since` until `until`.

    since: on a quarter of an hour, as days begin; else the first one counts to the first hour.
    """
    amounts: Counter[_Sum] = Counter()
    counts: Counter[_Sum] = Counter()
    for one in _parts(connection, since, until, scope):
        name = _Sum(one.measure, one.currency, max((one.at - since) // _HOUR, 0))
        amounts[name] += one.amount
        counts[name] += one.count
    return [Moved(*name, amount, counts[name]) for name, amount in amounts.items()]


def _parts(
    connection: Connection, since: datetime, until: datetime, scope: Scope
) -> Iterator[Move]:
    mark = counted.mark(connection)
    first = from_micros(-(-to_micros(since) // _STEP) * _STEP)
    last = from_micros(to_micros(until) // _STEP * _STEP)
    edges = [(since, first), (last, until)] if first < last else [(since, until)]
    if first < last:
        yield from _added_up(connection, first, last, scope)
    for begin, end in edges:
        if begin < end:
            # no index is wanted for what is added to: that of the time is the one
            known: sa.ColumnElement[bool] = postings.c.id + 0 <= mark
            yield from moves_of(connection, [known, *_between(begin, end), *_seen(scope)])
    if counted.last(connection) - mark > BEHIND:
        late: sa.ColumnElement[bool] = postings.c.id + 0 > mark
        yield from moves_of(connection, [late, *_between(since, until), *_seen(scope)])
        return
    span = (happened() + 0 >= to_micros(since), happened() + 0 < to_micros(until))
    yield from moves_of(connection, [postings.c.id > mark, *span, *_seen(scope)])


def _between(begin: datetime, end: datetime) -> Sequence[sa.ColumnElement[bool]]:
    at = postings.c.happened_at
    return at >= sa.literal(begin, Instant()), at < sa.literal(end, Instant())


def _seen(scope: Scope) -> Sequence[sa.ColumnElement[bool]]:
    return within(postings.c.account, scope)


def _added_up(
    connection: Connection, first: datetime, last: datetime, scope: Scope
) -> Iterator[Move]:
    rows = connection.execute(
        sa.select(
            *(moves.c[name] for name in ("account", "measure", "currency", "quarter_at")),
            moves.c.amount,
            moves.c.count,
        )
        .where(moves.c.quarter_at >= sa.literal(first, Instant()))
        .where(moves.c.quarter_at < sa.literal(last, Instant()))
        .where(*within(moves.c.account, scope))
    )
    return (Move(*row) for row in rows)
