"""What do a book, Ping++ and a channel say of each number, on the days that both files cover?"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

import sqlalchemy as sa

from service.core.statement.mapping import Reading
from service.core.statement.three_way import BOOK, CHANNEL, PINGPP, Compared, Said, compare
from service.ledger import agreement, statements
from service.ledger.engine import Connection, Ledger
from service.ledger.keys import Selection
from service.ledger.rules.sides import Scope, believed, day_of, figures, given, lines, text_of
from service.ledger.rules.sources import Expression, word
from service.ledger.schema import beliefs
from service.ledger.snapshots import patient, stream
from service.ledger.statements import Window

# Ping++ knows it, on whichever channel: a book has it, and a bill need not.
_ANYWHERE = "anywhere"


class Source(NamedTuple):
    """Where the lines of one side come from, and how they are read."""

    name: str
    reading: Reading


class Covered(NamedTuple):
    """Days that follow each other, and the statements of both that cover all of them."""

    first_day: int
    last_day: int
    book: tuple[int, ...]
    channel: tuple[int, ...]


def compared(
    ledger: Ledger, account: str, book: Source, channel: Source, days: tuple[int, int] | None
) -> Iterator[Compared]:
    """Every number that a side first names on one of `days`, in order; from one snapshot.

    Days that only one of the files covers are left out. A day more on either side is looked at,
    where it is covered: a payment around midnight may be booked there.
    """
    with patient(ledger) as connection:
        for one in covered(connection, account, book.name, channel.name):
            first, last = days or (one.first_day, one.last_day)
            near = one._replace(
                first_day=max(one.first_day, first - 1), last_day=min(one.last_day, last + 1)
            )
            if near.first_day > near.last_day:
                continue
            for found in _compared(connection, account, book.reading, channel.reading, near):
                if first <= found.first_day <= last:
                    yield found


def covered(connection: Connection, account: str, book: str, channel: str) -> list[Covered]:
    """The days that statements of both sources cover."""
    ours = statements.windows(connection, account, book)
    theirs = statements.windows(connection, account, channel)
    found = [
        Covered(
            max(one.first_day, other.first_day),
            min(one.last_day, other.last_day),
            one.ids,
            other.ids,
        )
        for one in ours
        for other in theirs
    ]
    return sorted(one for one in found if one.first_day <= one.last_day)


def _compared(
    connection: Connection, account: str, book: Reading, channel: Reading, days: Covered
) -> Iterator[Compared]:
    window = Window(days.first_day, days.last_day, ())
    bounds = agreement.bounds(account, "", channel, window)
    bounds |= {"first_day": days.first_day, "last_day": days.last_day}
    rows = stream(connection, _statement(book, channel, days).params(bounds))
    for (what, number), group in groupby(rows, key=lambda row: (row.what, row.number)):
        sides = {row.side: _said(row) for row in group}
        anywhere = sides.pop(_ANYWHERE, None)
        if anywhere is not None and PINGPP not in sides and CHANNEL not in sides:
            # it went through another channel
            continue
        found = compare(what, number, sides)
        if any(one.moved for one in sides.values()):
            yield found


def _statement(book: Reading, channel: Reading, days: Covered) -> Selection:
    """The figures of each number and side, the sides of a number together."""
    against = "charges" if channel.channels else "orders"
    covers = ("payment", "refund", "withdrawal")
    ours = Scope(against, covers, channel.channels, ())
    parts = [
        (BOOK, _within(lines(Scope(book.against, covers, (), days.book)))),
        (CHANNEL, _within(lines(Scope(channel.against, covers, (), days.channel)))),
        *((PINGPP, one) for one in believed(ours)),
    ]
    if channel.channels:
        parts += [(_ANYWHERE, one) for one in believed(Scope("orders", covers, (), ()))]
    one = sa.union_all(
        *(sa.select(word(side).label("side"), part.subquery()) for side, part in parts)
    ).subquery("one")
    numbered = sa.select(_whole(one.c.anchor).label("number"), one).subquery("numbered")
    key = (numbered.c.what, numbered.c.number, numbered.c.side)
    both = sorted({*book.covers} & {*channel.covers})
    found = (
        sa.select(*key, *figures(numbered))
        .where(numbered.c.what.in_([word(what) for what in both]))
        .group_by(*key)
        .subquery("found")
    )
    cut = given("cut")
    return sa.select(
        found,
        day_of(found.c.our_at_low - cut).label("our_first"),
        day_of(found.c.our_at_high + cut).label("our_last"),
    ).order_by(found.c.what, found.c.number, found.c.side)


def _within(chosen: Selection) -> Selection:
    """Only lines of the days that are looked at; those whose money has not moved name no day."""
    one = chosen.subquery()
    day = one.c.their_day
    covered_days = day.between(given("first_day"), given("last_day"))
    return sa.select(one).where(sa.or_(day.is_(None), covered_days))


def _whole(anchor: Any) -> Expression:
    """The number of the order that a charge of this number pays, else the number itself."""
    charge, order = beliefs.alias("paying"), beliefs.alias("paid")
    number = (
        sa.select(sa.func.min(sa.func.coalesce(order.c.order_no, charge.c.order_no)))
        .where(
            charge.c.account == text_of("account"),
            charge.c.kind == word("charge"),
            charge.c.order_no == anchor,
            order.c.account == charge.c.account,
            order.c.kind == word("order"),
            order.c.object_id == charge.c.order_id,
        )
        .scalar_subquery()
    )
    return sa.func.coalesce(number, anchor)


def _said(row: Any) -> Said:
    if row.side in (BOOK, CHANNEL):
        return _stated(row)
    count = row.sures + row.maybes
    return Said(
        count=count,
        unsure=row.maybes,
        amount=row.sure + row.maybe,
        least=row.sure,
        fee=row.our_fee if row.our_fees == count else None,
        days=(row.our_first, row.our_last),
        currencies=(row.our_currency_low or "", row.our_currency_high or ""),
    )


def _stated(row: Any) -> Said:
    return Said(
        count=row.lines,
        amount=row.theirs,
        least=row.theirs,
        fee=row.their_fee if row.lines and row.their_fees == row.lines else None,
        days=(row.their_day_low or 0, row.their_day_high or 0),
        currencies=(row.their_currency_low or "", row.their_currency_high or ""),
        is_one=row.identity_low is not None and row.identity_low == row.identity_high,
        status=row.status_low if row.others else None,
    )
