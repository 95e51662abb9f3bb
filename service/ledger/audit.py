"""Who has opened personal data, when, what and why? A chain that only grows."""

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from service.core.errors import Raced
from service.core.instant import to_micros
from service.ledger.engine import Connection, Ledger
from service.ledger.schema import audit

FIRST = "0" * 64
TEXT_LIMIT = 500
PAGE = 1_000
RACES_LIMIT = 5


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
    """The numbers of lines that were changed, or whose predecessor is gone."""
    after, previous = 0, FIRST
    while True:
        with ledger.read() as connection:
            rows = connection.execute(
                sa.select(audit).where(audit.c.id > after).order_by(audit.c.id).limit(PAGE)
            ).all()
        if not rows:
            return
        for row in rows:
            digest = _digest(row.previous, row.at, row.who, row.what, row.why)
            if row.previous != previous or row.hash != digest:
                yield row.id
            after, previous = row.id, row.hash


def _append(connection: Connection, who: str, what: str, why: str, now: datetime) -> str:
    last = connection.scalar(sa.select(audit.c.hash).order_by(audit.c.id.desc()).limit(1))
    previous = last or FIRST
    digest = _digest(previous, now, who, what, why)
    try:
        connection.execute(
            sa.insert(audit).values(
                at=now, who=who, what=what, why=why, previous=previous, hash=digest
            )
        )
    except IntegrityError:
        raise Raced("another line was written first") from None
    return digest


def _digest(previous: str, at: datetime, who: str, what: str, why: str) -> str:
    text = json.dumps([previous, to_micros(at), who, what, why], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
