"""Who was sent to sign in elsewhere and may come back, once and soon?"""

from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa

from service.ledger.engine import Connection
from service.ledger.schema import handshakes

LASTS = timedelta(minutes=10)
# anybody may begin one: of more than these the oldest go
HANDSHAKES_LIMIT = 10_000


class Handshake(NamedTuple):
    """browser: the hash of what the browser holds; nonce and verifier are ours; after: a path."""

    digest: str
    browser: str
    nonce: str
    verifier: str
    after: str
    started_at: datetime


def begin(connection: Connection, handshake: Handshake, *, limit: int = HANDSHAKES_LIMIT) -> None:
    """Remember it until it comes back; of too many the oldest are forgotten."""
    connection.execute(sa.insert(handshakes).values(handshake._asdict()))
    over = (
        sa.select(handshakes.c.started_at)
        .order_by(handshakes.c.started_at.desc())
        .offset(limit)
        .limit(1)
        .scalar_subquery()
    )
    connection.execute(sa.delete(handshakes).where(handshakes.c.started_at <= over))


def take(connection: Connection, digest: str, *, now: datetime) -> Handshake | None:
    """The one of this state, which is good for one time: whoever comes again finds none."""
    row = connection.execute(
        sa.delete(handshakes)
        .where(handshakes.c.digest == digest)
        .returning(*(handshakes.c[name] for name in Handshake._fields))
    ).first()
    if row is None or row.started_at <= now - LASTS:
        return None
    return Handshake(*row)
