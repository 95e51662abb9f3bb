"""What stands on each account of the journal, and by which postings; as of a day, as then known."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

import sqlalchemy as sa

from service.core.closing import Entry
from service.core.journal import Moved, Net, net
from service.core.observation import Key
from service.ledger.columns import Instant
from service.ledger.engine import Connection, Ledger
from service.ledger.keys import Selection, of_keys
from service.ledger.reads import pages
from service.ledger.schema import postings


class Balance(NamedTuple):
    """One account of the journal in minor units; balance = debit - credit."""

    account: str
    book: str
    currency: str
    debit: int
    credit: int

    @property
    def balance(self) -> int:
        """Positive: more was moved here than away."""
        return self.debit - self.credit


class Total(NamedTuple):
    """Both sides of the books in one currency, minor units."""

    currency: str
    debit: int
    credit: int


class Line(NamedTuple):
    """One posting as it is listed; corrects: the entry of the same object that it takes back."""

    id: int
    account: str
    kind: str
    object_id: str
    entry: int
    line: int
    debit: str
    credit: str
    amount: int
    currency: str
    happened_at: datetime
    known_at: datetime
    corrects: int | None


_LINES: Selection = sa.select(*(postings.c[name] for name in Line._fields))


@dataclass(frozen=True, slots=True)
class Span:
    """Which postings: that happened before `until`, as it was known before `known`; None: all."""

    account: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    known: datetime | None = None

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """The WHERE of it."""
        asked = (
            (self.account, postings.c.account == self.account),
            (self.since, postings.c.happened_at >= sa.literal(self.since, Instant())),
            (self.until, postings.c.happened_at < sa.literal(self.until, Instant())),
            (self.known, postings.c.known_at < sa.literal(self.known, Instant())),
        )
        return [condition for value, condition in asked if value is not None]


def balances(connection: Connection, span: Span) -> list[Balance]:
    """Every account of the journal that something was moved to or from, in order."""
    sides = _sides(span)
    key = (sides.c.account, sides.c.book, sides.c.currency)
    rows = connection.execute(
        sa.select(*key, sa.func.sum(sides.c.debit), sa.func.sum(sides.c.credit))
        .group_by(*key)
        .order_by(*key)
    )
    return [Balance(*row[:3], int(row[3]), int(row[4])) for row in rows]


def totals(connection: Connection, span: Span) -> list[Total]:
    """The trial balance, added up by the database: for any number of accounts."""
    sides = _sides(span)
    rows = connection.execute(
        sa.select(sides.c.currency, sa.func.sum(sides.c.debit), sa.func.sum(sides.c.credit))
        .group_by(sides.c.currency)
        .order_by(sides.c.currency)
    )
    return [Total(row[0], int(row[1]), int(row[2])) for row in rows]


def _sides(span: Span) -> sa.Subquery:
    """Each posting twice: as a debit of one account, and as a credit of the other."""
    none: sa.ColumnElement[int] = sa.literal_column("0", sa.BigInteger())
    return sa.union_all(
        *(
            sa.select(
                postings.c.account,
                postings.c[side].label("book"),
                postings.c.currency,
                (postings.c.amount if side == "debit" else none).label("debit"),
                (postings.c.amount if side == "credit" else none).label("credit"),
            ).where(*span.conditions())
            for side in ("debit", "credit")
        )
    ).subquery("sides")


def trial(found: Iterable[Balance]) -> list[Total]:
    """The proof of the books: both sides of all their accounts, by currency, are equal."""
    debit: Counter[str] = Counter()
    credit: Counter[str] = Counter()
    for one in found:
        debit[one.currency] += one.debit
        credit[one.currency] += one.credit
    return [Total(currency, debit[currency], credit[currency]) for currency in sorted(debit)]


def lines(
    ledger: Ledger,
    span: Span,
    *,
    key: Key | None = None,
    order_id: str | None = None,
    book: str | None = None,
    limit: int | None = None,
) -> Iterator[Line]:
    """Postings in the order in which they were made."""
    conditions = span.conditions()
    if key is not None:
        conditions += [postings.c[name] == value for name, value in key._asdict().items()]
    if order_id is not None:
        conditions.append(postings.c.order_id == order_id)
    if book is not None:
        conditions.append(sa.or_(postings.c.debit == book, postings.c.credit == book))
    statement = _LINES.where(*conditions)

    def following(last: Line | None) -> Selection:
        after = 0 if last is None else last.id
        return statement.where(postings.c.id > after).order_by(postings.c.id)

    return (Line(*row) for row in pages(ledger, following, limit))


def of_one(connection: Connection, key: Key, *, limit: int) -> list[Line]:
    """The first postings of an object, in the order in which they were made."""
    mine = (postings.c[name] == value for name, value in key._asdict().items())
    rows = connection.execute(_LINES.where(*mine).order_by(postings.c.id).limit(limit))
    return [Line(*row) for row in rows]


def of_objects(connection: Connection, keys: Sequence[Key]) -> list[Entry]:
    """All postings of some objects, in the order of their keys and entries."""
    names = ("account", "kind", "object_id", "entry", "line")
    rows = of_keys(connection, postings, entry_columns(), keys)
    return sorted((Entry(*row[3:]) for row in rows), key=attrgetter(*names))


def entry_columns() -> list[sa.ColumnElement[Any]]:
    """What an Entry is made of; times as whole microseconds."""
    times = ("happened_at", "known_at")
    return [
        sa.type_coerce(postings.c[name], sa.BigInteger()).label(name)
        if name in times
        else postings.c[name]
        for name in Entry._fields
    ]


def sums(connection: Connection, keys: Sequence[Key]) -> dict[Key, Net]:
    """What the postings of each object add up to."""
    columns = (postings.c.debit, postings.c.credit, postings.c.currency, postings.c.amount)
    found: defaultdict[Key, list[Moved]] = defaultdict(list)
    for account, kind, object_id, *moved in of_keys(connection, postings, columns, keys):
        found[Key(account, kind, object_id)].append(tuple(moved))
    return {key: net(each) for key, each in found.items()}
