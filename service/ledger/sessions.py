"""Who is signed in where? A session is kept by the hash of what the browser holds."""

from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa

from service.ledger.engine import Connection
from service.ledger.schema import answers, attempts, handshakes, sessions, users

# of one person; the oldest has to go
SESSIONS_LIMIT = 20
# a session is written to no more often than this
SEEN_EVERY = timedelta(minutes=1)


class Lifetime(NamedTuple):
    """How long a session lasts without being used, and at most."""

    idle: timedelta
    whole: timedelta


class Session(NamedTuple):
    """One browser that is signed in. `digest` is the SHA-256 of its cookie."""

    digest: str
    user_id: str
    address: str
    started_at: datetime
    seen_at: datetime


def start(
    connection: Connection, digest: str, user_id: str, *, address: str, now: datetime
) -> None:
    """Begin a session; of a person who has too many, the ones longest unused end."""
    connection.execute(
        sa.insert(sessions).values(
            digest=digest, user_id=user_id, address=address[:200], started_at=now, seen_at=now
        )
    )
    kept = (
        sa.select(sessions.c.digest)
        .where(sessions.c.user_id == user_id)
        .order_by(sessions.c.seen_at.desc(), sessions.c.digest)
        .limit(SESSIONS_LIMIT)
    )
    connection.execute(
        sa.delete(sessions).where(
            sessions.c.user_id == user_id,
            sessions.c.digest != digest,
            sessions.c.digest.not_in(kept),
        )
    )


def find(
    connection: Connection, digest: str, lifetime: Lifetime, *, now: datetime
) -> Session | None:
    """A session that still lasts, of a person who may still come in."""
    row = connection.execute(
        sa.select(*(sessions.c[name] for name in Session._fields))
        .join(users, users.c.id == sessions.c.user_id)
        .where(
            sessions.c.digest == digest,
            sessions.c.seen_at > now - lifetime.idle,
            sessions.c.started_at > now - lifetime.whole,
            users.c.disabled_at.is_(None),
        )
    ).first()
    return None if row is None else Session(*row)


def see(connection: Connection, digest: str, *, now: datetime) -> None:
    """It was used now."""
    connection.execute(
        sa.update(sessions)
        .where(sessions.c.digest == digest, sessions.c.seen_at < now)
        .values(seen_at=now)
    )


def end(connection: Connection, digest: str) -> None:
    """Sign one browser out."""
    connection.execute(sa.delete(sessions).where(sessions.c.digest == digest))


def end_all(connection: Connection, user_id: str) -> int:
    """Sign somebody out everywhere; how many sessions that were."""
    return connection.execute(sa.delete(sessions).where(sessions.c.user_id == user_id)).rowcount


def all_of(connection: Connection, user_id: str | None = None) -> list[tuple[str, Session]]:
    """Sessions with the person's name, the latest used first."""
    statement = (
        sa.select(users.c.name, *(sessions.c[name] for name in Session._fields))
        .join(users, users.c.id == sessions.c.user_id)
        .order_by(sessions.c.seen_at.desc(), sessions.c.digest)
    )
    if user_id is not None:
        statement = statement.where(sessions.c.user_id == user_id)
    return [(row[0], Session._make(row[1:])) for row in connection.execute(statement)]


def prune(connection: Connection, lifetime: Lifetime, *, now: datetime) -> int:
    """Forget what is over: sessions, failed tries, unfinished sign-ins, kept answers; how many."""
    day = now - timedelta(days=1)
    over = (
        sa.delete(sessions).where(
            sa.or_(
                sessions.c.seen_at <= now - lifetime.idle,
                sessions.c.started_at <= now - lifetime.whole,
            )
        ),
        sa.delete(attempts).where(attempts.c.last_at < day),
        sa.delete(handshakes).where(handshakes.c.started_at < day),
        sa.delete(answers).where(answers.c.started_at < day),
    )
    return sum(connection.execute(statement).rowcount for statement in over)
