"""Which people does the ledger know, and what may they do?"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from service.core.errors import GiveUp
from service.ledger.engine import Connection
from service.ledger.schema import sessions, users


@dataclass(frozen=True, slots=True)
class User:
    """One person. accounts: None for all; password: an argon2id hash, None who signs in elsewhere.

    must_change: the password was given out, and opens nothing but the page where it is changed.
    """

    id: str
    name: str
    roles: frozenset[str]
    accounts: frozenset[str] | None
    language: str
    password: str | None
    must_change: bool
    issuer: str | None
    subject: str | None
    created_at: datetime
    disabled_at: datetime | None


def joined(words: Iterable[str] | None) -> str | None:
    """A set as one text; None stays None."""
    return None if words is None else ",".join(sorted(words))


def parted(text: str | None) -> frozenset[str] | None:
    """The set that `joined` made a text of."""
    return None if text is None else frozenset(word for word in text.split(",") if word)


def add(connection: Connection, user: User) -> None:
    """Keep a new person; raises GiveUp when one of that name, or of that subject, is known."""
    try:
        with connection.begin_nested():
            connection.execute(sa.insert(users).values(_row(user)))
    except IntegrityError:
        raise GiveUp(f"somebody called {user.name} is known already") from None


def by_name(connection: Connection, name: str) -> User | None:
    """Who is called so, in small letters."""
    return _one(connection, users.c.name == name)


def by_id(connection: Connection, user_id: str) -> User | None:
    """Who has this id."""
    return _one(connection, users.c.id == user_id)


def by_subject(connection: Connection, issuer: str, subject: str) -> User | None:
    """Whom an identity provider calls so."""
    return _one(connection, sa.and_(users.c.issuer == issuer, users.c.subject == subject))


def everyone(connection: Connection) -> list[User]:
    """All people, by name."""
    return [_user(row) for row in connection.execute(sa.select(users).order_by(users.c.name))]


def is_anyone_in(connection: Connection) -> bool:
    """Whether there is a person who is not disabled."""
    found = connection.scalar(sa.select(users.c.id).where(users.c.disabled_at.is_(None)).limit(1))
    return found is not None


def change(connection: Connection, user_id: str, **values: Any) -> None:
    """Write some of a person's fields, and end all sessions: they were begun by somebody else.

    Whoever may go on is given a new session.
    """
    row = {key: joined(value) if key in _SETS else value for key, value in values.items()}
    connection.execute(sa.update(users).where(users.c.id == user_id).values(row))
    connection.execute(sa.delete(sessions).where(sessions.c.user_id == user_id))


def set_language(connection: Connection, user_id: str, language: str) -> None:
    """Which language somebody reads; ends nothing."""
    connection.execute(sa.update(users).where(users.c.id == user_id).values(language=language))


def rehash(connection: Connection, user_id: str, *, before: str, after: str) -> None:
    """Put a stronger hash of the same password, unless it was changed meanwhile."""
    same = (users.c.id == user_id, users.c.password == before)
    connection.execute(sa.update(users).where(*same).values(password=after))


_SETS = ("roles", "accounts")
_FIELDS = tuple(User.__dataclass_fields__)


def _row(user: User) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(user, name) for name in _FIELDS}
    return values | {name: joined(values[name]) for name in _SETS}


def _one(connection: Connection, condition: sa.ColumnElement[bool]) -> User | None:
    row = connection.execute(sa.select(users).where(condition)).first()
    return None if row is None else _user(row)


def _user(row: Any) -> User:
    values: dict[str, Any] = {name: getattr(row, name) for name in _FIELDS}
    values |= {name: parted(values[name]) for name in _SETS}
    return User(**values)
