"""Who was sent to sign in elsewhere and may come back, once and soon?"""

from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa

from service.ledger.engine import Connection
from service.ledger.schema import handshakes

LASTS = timedelta(minutes=10)


class Handshake(NamedTuple):
    """browser: the hash of what the browser holds; nonce and verifier are ours; after: a path."""

    digest: str
    browser: str
    nonce: str
    verifier: str
    after: str
    started_at: datetime


def begin(connection: Connection, handshake: Handshake) -> None:
    """Remember it until it comes back."""
    connection.execute(sa.insert(handshakes).values(handshake._asdict()))


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
