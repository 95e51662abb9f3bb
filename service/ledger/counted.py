"""What is added up of the journal, up to which posting, and what stands on its accounts now?

No posting is ever changed: each is added once, in the order of numbers, and `meta` names the last
that was. Whoever asks adds what came since, so that an answer is always whole.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from service.core.errors import Raced
from service.ledger.dialect import add_rows
from service.ledger.engine import Connection, Ledger
from service.ledger.journal import Balance
from service.ledger.judging import bare, within
from service.ledger.moving import moves_of, summed
from service.ledger.schema import meta, moves, postings, standings

COUNTED = "counted"
# Postings that one transaction adds.
SLICE = 20_000

_KEY = (standings.c.account, standings.c.book, standings.c.currency)
_Place = tuple[str, str, str]


def mark(connection: Connection) -> int:
    """The number of the last posting that was added up."""
    return int(connection.scalar(sa.select(meta.c.value).where(meta.c.name == COUNTED)) or 0)


def last(connection: Connection) -> int:
    """The number of the last posting that can be seen."""
    return connection.scalar(sa.select(sa.func.max(postings.c.id))) or 0


def advance(ledger: Ledger, cut: int) -> bool:
    """Add up the next postings, none behind `cut`; whether there were any.

    cut: as `closings.cut` gives it: no posting up to it comes later. Raises Raced (TryLater) when
    another process adds up.
    """
    with ledger.begin() as connection:
        begun = mark(connection)
        some = (
            sa.select(postings.c.id)
            .where(postings.c.id > begun, postings.c.id <= cut)
            .order_by(postings.c.id)
            .limit(SLICE)
            .subquery("some")
        )
        end = connection.scalar(sa.select(sa.func.max(some.c.id)))
        if end is None:
            return False
        move_mark(connection, begun, end)
        new = {"begun": begun, "end": end}
        add_rows(connection, moves, _moved(connection, new))
        add_rows(connection, standings, _stood(connection, new))
    return True


def move_mark(connection: Connection, begun: int, end: int) -> None:
    """Say up to which posting it goes from now on; raises Raced when it is no longer at `begun`."""
    moved = connection.execute(
        sa.update(meta)
        .where(meta.c.name == COUNTED, meta.c.value == str(begun))
        .values(value=str(end))
    )
    if moved.rowcount != 1:
        raise Raced("another process adds up")


_NEW = (postings.c.id > sa.bindparam("begun"), postings.c.id <= sa.bindparam("end"))
_MOVED = summed(*_NEW)


def _moved(connection: Connection, new: dict[str, int]) -> list[dict[str, Any]]:
    found: defaultdict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0])
    for one in moves_of(connection, _MOVED, new):
        sums = found[one.at, one.account, one.measure, one.currency]
        sums[0] += one.amount
        sums[1] += one.count
    names = ("quarter_at", "account", "measure", "currency", "amount", "count")
    return [dict(zip(names, (*key, *sums), strict=True)) for key, sums in sorted(found.items())]


def _stood(connection: Connection, new: dict[str, int]) -> list[dict[str, Any]]:
    sides = _sides(connection, _NEW, new)
    return [
        dict(zip(standings.c.keys(), (*key, *both), strict=True))
        for key, both in sorted(sides.items())
    ]


def _sides(
    connection: Connection,
    conditions: Sequence[sa.ColumnElement[bool]],
    values: dict[str, int] | None = None,
) -> dict[_Place, list[int]]:
    """What some postings moved to and from each account of the journal."""
    found: defaultdict[_Place, list[int]] = defaultdict(lambda: [0, 0])
    for place, side in enumerate(("debit", "credit")):
        # bare, so that no index is read whole for the sake of grouping
        key = (bare(postings.c.account), bare(postings.c[side]), postings.c.currency)
        rows = connection.execute(
            sa.select(*key, sa.func.sum(postings.c.amount)).where(*conditions).group_by(*key),
            values or {},
        )
        for account, book, currency, amount in rows:
            found[account, book, currency][place] += int(amount)
    return found


def balances(
    connection: Connection,
    accounts: Collection[str] | None,
    *,
    after: Sequence[str] | None,
    limit: int,
) -> tuple[list[Balance], list[str] | None]:
    """What stands on accounts of the journal, in order, and where the next ones follow.

    accounts: only of these; None: of all.
    """
    chosen = sa.select(standings).order_by(*_KEY).limit(limit + 1)
    new: list[sa.ColumnElement[bool]] = [postings.c.id > mark(connection)]
    if accounts is not None:
        chosen = chosen.where(standings.c.account.in_(sorted(accounts)))
        # judged row by row: else SQLite goes through all postings of the accounts for the new ones
        new += within(postings.c.account, frozenset(accounts))
    if after is not None:
        chosen = chosen.where(standings.c.account >= after[0], sa.tuple_(*_KEY) > tuple(after))
    rows = {(row.account, row.book, row.currency): row for row in connection.execute(chosen)}
    fresh = _sides(connection, new)
    begin = None if after is None else tuple(after)
    coming = {key for key in fresh if begin is None or key > begin}
    found: list[Balance] = []
    for key in sorted(rows.keys() | coming)[:limit]:
        debit, credit = fresh.get(key, (0, 0))
        if key in rows:
            debit, credit = debit + rows[key].debit, credit + rows[key].credit
        found.append(Balance(*key, debit, credit))
    there_are_more = len(rows.keys() | coming) > limit
    return found, list(found[-1][:3]) if there_are_more else None
