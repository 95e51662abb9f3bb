"""Which programs may ask, and for what? A token is kept by its hash and shown once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from service.ledger.engine import Connection
from service.ledger.schema import tokens
from service.ledger.users import joined, parted

USED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Token:
    """One token without its secret. accounts: None for all of them."""

    id: str
    name: str
    scopes: frozenset[str]
    accounts: frozenset[str] | None
    made_by: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    revoked_at: datetime | None = None


_FIELDS = tuple(Token.__dataclass_fields__)
_SETS = ("scopes", "accounts")


def add(connection: Connection, token: Token, digest: str) -> None:
    """Keep a new one; digest: the SHA-256 of the secret."""
    row: dict[str, Any] = {name: getattr(token, name) for name in _FIELDS}
    row |= {name: joined(row[name]) for name in _SETS}
    connection.execute(sa.insert(tokens).values(row | {"digest": digest}))


def find(connection: Connection, digest: str, *, now: datetime) -> Token | None:
    """The token of this secret, if it is still good."""
    row = connection.execute(
        sa.select(tokens).where(
            tokens.c.digest == digest, tokens.c.revoked_at.is_(None), tokens.c.expires_at > now
        )
    ).first()
    return None if row is None else _token(row)


def use(connection: Connection, token_id: str, *, now: datetime) -> None:
    """It was used now."""
    connection.execute(sa.update(tokens).where(tokens.c.id == token_id).values(used_at=now))


def everyone(connection: Connection) -> list[Token]:
    """All that were ever made, the newest first."""
    rows = connection.execute(sa.select(tokens).order_by(tokens.c.created_at.desc(), tokens.c.id))
    return [_token(row) for row in rows]


def revoke(connection: Connection, token_id: str, *, now: datetime) -> bool:
    """End one at once; False when there is none of this id, or it was ended before."""
    done = connection.execute(
        sa.update(tokens)
        .where(tokens.c.id == token_id, tokens.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    return done.rowcount == 1


def _token(row: Any) -> Token:
    values: dict[str, Any] = {name: getattr(row, name) for name in _FIELDS}
    values |= {name: parted(values[name]) for name in _SETS}
    return Token(**values)
