"""Who has opened personal data, when, what and why? A chain that only grows.

Each line holds the hash of the one before, and `meta` the hash of the last: whoever gets past the
triggers that refuse every change has to make all of it anew to stay unseen.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from service.core.errors import Raced
from service.core.instant import to_micros
from service.ledger.dialect import upsert_rows
from service.ledger.engine import Connection, Ledger
from service.ledger.schema import audit, meta

FIRST = "0" * 64
# where the hash of the last line is kept
LAST = "audit"
TEXT_LIMIT = 500
PAGE = 1_000
RACES_LIMIT = 5
_KEPT = sa.select(meta.c.value).where(meta.c.name == LAST)


class End(NamedTuple):
    """How long the chain is, and whether it ends where `meta` says: whether nothing was cut off."""

    lines: int
    is_whole: bool


def end(connection: Connection) -> End:
    """Look at the last line only; `broken` looks at all."""
    last = connection.execute(
        sa.select(audit.c.id, audit.c.hash).order_by(audit.c.id.desc()).limit(1)
    ).first()
    kept = connection.scalar(_KEPT) or FIRST
    return End(0, kept == FIRST) if last is None else End(int(last.id), last.hash == kept)


def note(ledger: Ledger, *, who: str, what: str, why: str, now: datetime) -> str:
    """Write one line, committed when this returns; gives its hash."""
    for attempt in range(RACES_LIMIT):
        try:
            with ledger.begin() as connection:
                return _append(connection, who[:200], what[:TEXT_LIMIT], why[:TEXT_LIMIT], now)
        except Raced:
            if attempt == RACES_LIMIT - 1:
                raise
    raise AssertionError("unreachable")


def broken(ledger: Ledger) -> Iterator[int]:
    """The numbers of lines that were changed, or whose predecessor is gone.

    Where lines are gone from the end it is the number after the last.
    """
    with ledger.read() as connection:
        expected = connection.scalar(_KEPT) or FIRST
    after, previous, is_whole = 0, FIRST, expected == FIRST
    while rows := _page(ledger, after):
        for row in rows:
            digest = _digest(row.previous, row.at, row.who, row.what, row.why)
            if row.previous != previous or row.hash != digest:
                yield row.id
            after, previous = row.id, row.hash
            # lines that came while we read stand after it
            is_whole = is_whole or row.hash == expected
    if not is_whole:
        yield after + 1


def _page(ledger: Ledger, after: int) -> Sequence[Any]:
    with ledger.read() as connection:
        return connection.execute(
            sa.select(audit).where(audit.c.id > after).order_by(audit.c.id).limit(PAGE)
        ).all()


def _append(connection: Connection, who: str, what: str, why: str, now: datetime) -> str:
    # not from the last line: where that was taken away, the next one shows it
    previous = connection.scalar(_KEPT) or FIRST
    digest = _digest(previous, now, who, what, why)
    line = {"at": now, "who": who, "what": what, "why": why, "previous": previous, "hash": digest}
    try:
        connection.execute(sa.insert(audit).values(line))
    except IntegrityError:
        raise Raced("another line was written first") from None
    upsert_rows(connection, meta, [{"name": LAST, "value": digest}])
    return digest


def _digest(previous: str, at: datetime, who: str, what: str, why: str) -> str:
    text = json.dumps([previous, to_micros(at), who, what, why], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
