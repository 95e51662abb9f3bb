"""What does the journal say: by account, line by line, and what moved on each day?"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.core.closing import Mark
from service.ledger.columns import Instant
from service.ledger.engine import Connection
from service.ledger.journal import Span
from service.ledger.moving import QUARTER_MICROS
from service.ledger.schema import postings
from service.ledger.snapshots import stream

_NONE: sa.ColumnElement[int] = sa.literal_column("0", sa.BigInteger())


def _at(value: datetime | None) -> sa.ColumnElement[Any]:
    return sa.literal(value, Instant())


def _sides(span: Span, book: str | None) -> Any:
    """Each posting twice: as it is seen from its debit, and from its credit."""
    sides: list[Any] = []
    for side, other in (("debit", "credit"), ("credit", "debit")):
        own = postings.c[side]
        statement = sa.select(
            postings.c.account,
            own.label("book"),
            postings.c[other].label("other"),
            postings.c.currency,
            postings.c.id,
            postings.c.kind,
            postings.c.object_id,
            postings.c.entry,
            postings.c.happened_at,
            postings.c.known_at,
            (postings.c.amount if side == "debit" else _NONE).label("debit"),
            (postings.c.amount if side == "credit" else _NONE).label("credit"),
        ).where(*span.conditions())
        sides.append(statement if book is None else statement.where(own == book))
    return sa.union_all(*sides).subquery("sides")


def standings(connection: Connection, span: Span) -> Iterator[Any]:
    """Each account of the journal: before `since` debit less credit, then both sides after it."""
    upto = Span(span.account, None, span.until, span.known)
    sides = _sides(upto, None)
    after = sa.true() if span.since is None else sides.c.happened_at >= _at(span.since)
    before = sa.not_(after) if span.since is not None else sa.false()
    key = (sides.c.account, sides.c.book, sides.c.currency)

    def total(condition: sa.ColumnElement[bool], value: Any) -> sa.ColumnElement[Any]:
        return sa.func.sum(sa.case((condition, value), else_=_NONE))

    return stream(
        connection,
        sa.select(
            *key,
            total(before, sides.c.debit - sides.c.credit),
            total(after, sides.c.debit),
            total(after, sides.c.credit),
        )
        .group_by(*key)
        .order_by(*key),
    )


def account_lines(connection: Connection, span: Span, book: str | None) -> Iterator[Any]:
    """Every line of every account, or of one, in the order in which it happened.

    Of what was before `since` there is one line, of the number 0 and without an object.
    """
    chosen: Any = sa.select(_sides(span, book))
    if span.since is not None:
        chosen = sa.union_all(chosen, _openings(span, book))
    lines = chosen.subquery("lines")
    return stream(
        connection,
        sa.select(lines).order_by(
            lines.c.account, lines.c.book, lines.c.currency, lines.c.happened_at, lines.c.id
        ),
    )


def _openings(span: Span, book: str | None) -> Any:
    """What stood on each account at the beginning, as one line with both sides added up."""
    sides = _sides(Span(span.account, None, span.since, span.known), book)
    key = (sides.c.account, sides.c.book, sides.c.currency)
    nothing: sa.ColumnElement[str] = sa.literal_column("''", sa.Text())
    total = sa.func.sum(sides.c.debit - sides.c.credit)
    return sa.select(
        sides.c.account,
        sides.c.book,
        nothing,
        sides.c.currency,
        _NONE,
        nothing,
        nothing,
        _NONE,
        _at(span.since),
        _at(span.since),
        sa.cast(total, sa.BigInteger()),
        _NONE,
    ).group_by(*key)


VOUCHER = (
    "id", "account", "kind", "object_id", "entry", "debit", "credit", "amount", "currency", "app",
    "order_id", "happened_at", "known_at", "corrects",
)  # fmt: skip


def entries(connection: Connection, span: Span) -> Iterator[Any]:
    """Postings in the order in which they were made."""
    statement = sa.select(*(postings.c[name] for name in VOUCHER)).where(*span.conditions())
    return stream(connection, statement.order_by(postings.c.id))


def first_uses(connection: Connection, span: Span) -> Iterator[Any]:
    """Each account of the journal, and when something first happened on it within the days."""
    sides = _sides(span, None)
    return stream(
        connection,
        sa.select(sides.c.book, sa.type_coerce(sa.func.min(sides.c.happened_at), Instant()))
        .group_by(sides.c.book)
        .order_by(sides.c.book),
    )


def shares_by_wallet(connection: Connection, span: Span, app: str | None = None) -> Iterator[Any]:
    """What allocations brought to each wallet, and what their refunds took from it.

    app: of its users' wallets only.
    """
    sides = _sides(span, None)
    begins = "wallet:" if app is None else f"wallet:{app}-"
    key = (sides.c.account, sides.c.book, sides.c.currency)
    count: sa.ColumnElement[int] = sa.func.count()
    return stream(
        connection,
        sa.select(*key, count, sa.func.sum(sides.c.credit), sa.func.sum(sides.c.debit))
        .where(
            sides.c.kind.in_(("allocation", "allocation_refund")),
            sides.c.book.startswith(begins, autoescape=True),
        )
        .group_by(*key)
        .order_by(*key),
    )


def movements(connection: Connection, span: Span, mark: Mark | None) -> Iterator[Any]:
    """What moved in each quarter of an hour between kinds of accounts; no order.

    mark: where the last closed day ends; what is in a closing is left out. Columns: the quarter
    (counted from 1970), account, app, channel, kind, currency, debit, credit, how many, amount.
    """
    quarter = sa.type_coerce(postings.c.happened_at, sa.BigInteger()) // sa.literal_column(
        str(QUARTER_MICROS), sa.BigInteger()
    )
    key = (
        quarter.label("quarter"),
        postings.c.account,
        postings.c.app,
        _channel().label("channel"),
        postings.c.kind,
        postings.c.currency,
        _class(postings.c.debit).label("debit_class"),
        _class(postings.c.credit).label("credit_class"),
    )
    count: sa.ColumnElement[int] = sa.func.count()
    return stream(
        connection,
        sa.select(*key, count, sa.func.sum(postings.c.amount))
        .where(*span.conditions(), *_is_open(mark))
        .group_by(*key),
    )


def _is_open(mark: Mark | None) -> list[sa.ColumnElement[bool]]:
    if mark is None:
        return []
    happened = sa.type_coerce(postings.c.happened_at, sa.BigInteger())
    return [sa.or_(postings.c.id > mark.cut, happened >= mark.ends_at)]


_CLASSES = ("clearing", "payable", "wallet")


def _class(book: Any) -> sa.ColumnElement[str]:
    """The kind of an account, without whose it is."""
    return sa.case(
        *(
            (book.startswith(f"{name}:"), sa.literal_column(f"'{name}'", sa.Text()))
            for name in _CLASSES
        ),
        else_=book,
    )


def _channel() -> sa.ColumnElement[str]:
    """The channel of the clearing account, if there is one."""
    begins = "clearing:"
    return sa.case(
        *(
            (book.startswith(begins), sa.func.substr(book, len(begins) + 1))
            for book in (postings.c.debit, postings.c.credit)
        ),
        else_=sa.literal_column("''", sa.Text()),
    )
