"""Which numbers may differ? One cheap pass over both sides: what it leaves out certainly agrees.

Nearly all lines bear the order_no of what they are of. Here they count under it as it stands, in
few and narrow columns; the numbers where anything is not plainly the same are compared in full,
with each line under the number that it really leads to (`sides.anchor_of`).

A line that counts here under a number that agrees leads there: each object of that number bears
the line's own number of the channel, or no line of the statements names one.
"""

from typing import Any

import sqlalchemy as sa

from service.ledger.keys import Selection
from service.ledger.rules.sides import (
    Scope,
    anchor_of,
    believed,
    chosen_lines,
    day_of,
    given,
    is_plain,
    own_number,
)
from service.ledger.rules.words import Expression, number, word
from service.ledger.schema import statement_lines


def apart(scope: Scope, *, numbered: bool) -> Selection:
    """The numbers whose two sides may differ; numbered: a line names the channel's number."""
    parts = [_lines(scope, numbered), *(_ours(one, numbered) for one in believed(scope))]
    one = sa.union_all(*parts).subquery("one")

    def mixed(name: str) -> Expression:
        return sa.func.min(one.c[name]) != sa.func.max(one.c[name])

    def total(name: str) -> Expression:
        return sa.func.sum(one.c[name])

    fee = sa.and_(total("their_fees") > 0, total("our_fees") > 0, total("fee") != 0)
    differs = sa.or_(
        total("count") != 0,
        total("odd") != 0,
        total("amount") != 0,
        fee,
        *(mixed(name) for name in ("day", "currency", "transaction")),
    )
    found = sa.select(one.c.number).group_by(one.c.what, one.c.number).having(differs)
    return sa.select(found.distinct().subquery().c.number)


def is_numbered(scope: Scope) -> Any:
    """Whether any line names the channel's number of what is no refund."""
    line = statement_lines
    named = sa.and_(line.c.transaction_no.is_not(None), line.c.what != word("refund"))
    return sa.select(sa.exists(sa.select(line.c.line).where(chosen_lines(scope), named)))


def led(scope: Scope) -> Selection:
    """Where the lines that stand under one of the scope's numbers really lead."""
    line = statement_lines
    return sa.select(anchor_of(line).label("number")).where(chosen_lines(scope)).distinct()


def _lines(scope: Scope, numbered: bool) -> Selection:
    line = statement_lines
    done, has_fee = line.c.done, line.c.fee.is_not(None)
    own = sa.case((is_plain(line), sa.func.coalesce(line.c.transaction_no, word(""))))
    return sa.select(
        line.c.what.label("what"),
        own_number(line).label("number"),
        sa.case((done, number(1)), else_=number(0)).label("count"),
        sa.case((done, number(0)), else_=number(1)).label("odd"),
        sa.case((done, line.c.amount), else_=number(0)).label("amount"),
        sa.case((sa.and_(done, has_fee), number(1)), else_=number(0)).label("their_fees"),
        number(0).label("our_fees"),
        sa.case((sa.and_(done, has_fee), line.c.fee), else_=number(0)).label("fee"),
        sa.cast(line.c.day, sa.BigInteger()).label("day"),
        line.c.currency.label("currency"),
        (own if numbered else sa.cast(sa.null(), sa.Text())).label("transaction"),
    ).where(chosen_lines(scope))


def _ours(part: Selection, numbered: bool) -> Selection:
    one = part.subquery()
    cut = given("cut")
    first, last = day_of(one.c.our_at - cut), day_of(one.c.our_at + cut)
    own = sa.case((one.c.what != word("refund"), sa.func.coalesce(one.c.transaction, word(""))))
    return sa.select(
        one.c.what,
        one.c.anchor,
        number(0) - one.c.sures,
        # around midnight it may be booked on either day
        one.c.maybes + sa.case((first != last, number(1)), else_=number(0)),
        number(0) - one.c.sure,
        number(0),
        one.c.our_fees,
        number(0) - one.c.our_fee,
        first,
        one.c.our_currency,
        own if numbered else sa.cast(sa.null(), sa.Text()),
    )
