"""Which days are closed, and which postings are in them? A chain that only grows.

Whoever writes postings holds its table; a cut is made while nobody does, so that all postings up
to it are there and none of them can come later. `meta` holds the hash of the last closing, as it
does of the audit: what is taken off the end is missed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from service.core.closing import FIRST, Closing, Entry, Mark, decode, digest_of, encode
from service.core.errors import Raced
from service.ledger.dialect import upsert_rows
from service.ledger.engine import Connection, Ledger
from service.ledger.journal import entry_columns
from service.ledger.keys import Selection
from service.ledger.reads import pages
from service.ledger.schema import closings as closed
from service.ledger.schema import meta, postings

# where the hash of the last closing is kept
LAST = "closing"
# so many days are listed: some ten years
CLOSINGS_LIMIT = 4_000
_EPOCH = date(1970, 1, 1)
_KEPT = sa.select(meta.c.value).where(meta.c.name == LAST)
_COLUMNS = (closed.c.day, closed.c.previous, closed.c.hash, closed.c.content)


@dataclass(frozen=True, slots=True)
class Closed:
    """A closed day: the bytes that are kept, their hash, and what they say."""

    hash: str
    text: str
    closing: Closing

    @property
    def day(self) -> date:
        """Which day it is."""
        return self.closing.day


@dataclass(frozen=True, slots=True)
class Link:
    """A closing as it lies in the table, whether or not it is whole."""

    day: date
    previous: str
    hash: str
    text: str

    @property
    def is_whole(self) -> bool:
        """Whether the hash is that of the bytes."""
        return digest_of(self.text) == self.hash


def closing(ledger: Ledger, day: date) -> Closed | None:
    """The closing of one day."""
    with ledger.read() as connection:
        row = connection.execute(_select().where(closed.c.day == _number(day))).one_or_none()
    return None if row is None else Closed(row.hash, row.content, decode(row.content))


def closings(
    ledger: Ledger,
    *,
    since: date | None = None,
    until: date | None = None,
    limit: int = CLOSINGS_LIMIT,
) -> list[Closed]:
    """Closed days, the newest first; `until` is the last of them."""
    chosen = _select().order_by(closed.c.day.desc()).limit(limit)
    if since is not None:
        chosen = chosen.where(closed.c.day >= _number(since))
    if until is not None:
        chosen = chosen.where(closed.c.day <= _number(until))
    with ledger.read() as connection:
        rows = connection.execute(chosen).all()
    return [Closed(row.hash, row.content, decode(row.content)) for row in rows]


def last(ledger: Ledger) -> Closed | None:
    """The newest closed day."""
    return next(iter(closings(ledger, limit=1)), None)


def last_day(ledger: Ledger) -> date | None:
    """Which it is, whether or not it is whole."""
    with ledger.read() as connection:
        number = connection.scalar(sa.select(sa.func.max(closed.c.day)))
    return None if number is None else _day(number)


def before(ledger: Ledger, day: date) -> Closed | None:
    """The day that was closed before `day`."""
    return next(iter(closings(ledger, until=day - timedelta(days=1), limit=1)), None)


def links(ledger: Ledger) -> Iterator[Link]:
    """Every closing as it lies there, the oldest first."""
    for each in pages(ledger, _following, None):
        yield Link(_day(each.day), each.previous, each.hash, each.content)


def kept_end(ledger: Ledger) -> str:
    """The hash that the last closing should have."""
    with ledger.read() as connection:
        return connection.scalar(_KEPT) or FIRST


def _following(row: Any) -> Selection:
    after = -(2**31) if row is None else row.day
    return _select().where(closed.c.day > after).order_by(closed.c.day)


def _select() -> Selection:
    return sa.select(*_COLUMNS)


def first_day_known(ledger: Ledger) -> datetime | None:
    """When the ledger knew of its first posting."""
    with ledger.read() as connection:
        return connection.scalar(
            sa.select(postings.c.known_at).order_by(postings.c.known_at).limit(1)
        )


def cut(ledger: Ledger) -> int:
    """The number of the last posting; all with smaller numbers are there, and stay as they are."""
    with ledger.begin() as connection:
        if ledger.dialect == "postgresql":
            # whoever is writing is waited for: numbers are given before transactions end
            connection.exec_driver_sql("LOCK TABLE postings IN SHARE MODE")
        return connection.scalar(sa.select(sa.func.max(postings.c.id))) or 0


def entries(ledger: Ledger, since: Mark, until: Mark, *, first: int = 0) -> Iterator[Entry]:
    """The postings that `until` closes and `since` had not, in order of their numbers.

    first: a number that none of them is below.
    """
    mine = sa.and_(postings.c.id <= until.cut, _happened() < until.ends_at)
    old = sa.and_(postings.c.id <= since.cut, _happened() < since.ends_at)
    return _entries(ledger, sa.and_(mine, sa.not_(old)), first)


def all_entries(ledger: Ledger, *, first: int = 0) -> Iterator[Entry]:
    """Every posting from number `first` on, in order of their numbers."""
    return _entries(ledger, sa.true(), first)


def first_open(ledger: Ledger, until: Mark, *, first: int) -> int:
    """The smallest number of a posting that is not closed; none is below `first`."""
    later = sa.select(sa.func.min(postings.c.id)).where(
        postings.c.id >= first, postings.c.id <= until.cut, _happened() >= until.ends_at
    )
    with ledger.read() as connection:
        return connection.scalar(later) or until.cut + 1


def _entries(ledger: Ledger, condition: sa.ColumnElement[bool], first: int) -> Iterator[Entry]:
    chosen = sa.select(*entry_columns()).where(condition)

    def following(row: Any) -> Selection:
        after = first - 1 if row is None else row.id
        return chosen.where(postings.c.id > after).order_by(postings.c.id)

    return (Entry(*row) for row in pages(ledger, following, None))


def _happened() -> sa.ColumnElement[int]:
    return sa.type_coerce(postings.c.happened_at, sa.BigInteger())


def add(connection: Connection, closing: Closing) -> str:
    """Close a day in the caller's transaction; its hash.

    Raises Raced when it is closed already, or another day was meanwhile.
    """
    text = encode(closing)
    digest = digest_of(text)
    row = {
        "day": _number(closing.day),
        "previous": closing.previous,
        "hash": digest,
        "content": text,
    }
    try:
        connection.execute(sa.insert(closed).values(row))
    except IntegrityError:
        raise Raced("another process closed it first") from None
    upsert_rows(connection, meta, [{"name": LAST, "value": digest}])
    return digest


def _number(day: date) -> int:
    return (day - _EPOCH).days


def _day(number: int) -> date:
    return _EPOCH + timedelta(days=number)
