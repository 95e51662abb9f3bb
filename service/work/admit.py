"""Who may come in? Passwords, the sessions that they begin, and how people are made and ended."""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from service import telemetry
from service.core.errors import GiveUp, TryLater
from service.core.passwords import is_too_long, weakness
from service.ledger import attempts, audit, sessions, users
from service.ledger.engine import Connection, Ledger
from service.ledger.sessions import Lifetime, Session
from service.ledger.users import User
from service.work.hashing import Hashing

NAME_LIMIT = 64
SECRET_BYTES = 32

_log = telemetry.logger("admit")


class Refused(GiveUp):
    """Name or password are not right; which of them is not said."""


class TooSoon(TryLater):
    """Too many failed before; `after` says how long to wait."""


class Weak(GiveUp):
    """A new password will not do; `why` is a word of `core.passwords.weakness`, or same."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the new password will not do: {why}")
        self.why = why


def digest_of(secret: str) -> str:
    """Under which hash a cookie, a token or a state is kept: they have 256 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Admission:
    """What it takes to let people in."""

    ledger: Ledger
    hashing: Hashing
    lifetime: Lifetime

    def sign_in(self, name: str, password: str, *, address: str, now: datetime) -> str:
        """Begin a session and give its secret; raises Refused or TooSoon (TryLater: too many)."""
        if is_too_long(password):
            raise Refused("no password is that long")
        # a name that nobody can have is looked for like any other: it costs the same time
        name = name.casefold()[: NAME_LIMIT + 1]
        asked = attempts.patience_with(name, address)
        with self.ledger.begin() as connection:
            left = attempts.wait(connection, asked, now=now)
            if left > timedelta():
                raise TooSoon("too many tries failed", after=left)
            # counted before it is known: a hundred at once must not all be heard
            attempts.failed(connection, asked, now=now)
            user = users.by_name(connection, name)
        if not self.hashing.is_right(password, user.password if user else None):
            raise Refused("the name or the password is not right")
        if user is None or user.password is None or user.disabled_at is not None:
            raise Refused("the name or the password is not right")
        stronger = self.hashing.hash(password) if self.hashing.is_weak(user.password) else None
        with self.ledger.begin() as connection:
            for each in asked:
                attempts.went_well(connection, each)
            if stronger:
                users.rehash(connection, user.id, before=user.password, after=stronger)
            current = users.by_id(connection, user.id)
            if current is None or current.disabled_at is not None:
                raise Refused("the name or the password is not right")
            if current.password not in (user.password, stronger):
                raise Refused("the name or the password is not right")
            return self._begin(connection, user.id, address, now)

    def admit(self, user_id: str, *, address: str, now: datetime) -> str:
        """Begin a session of somebody whom another has identified."""
        with self.ledger.begin() as connection:
            return self._begin(connection, user_id, address, now)

    def change_password(
        self, user: User, old: str, new: str, *, address: str, now: datetime
    ) -> str:
        """Change it, end all sessions and begin one; raises Refused, Weak, TooSoon or TryLater."""
        asked = attempts.patience_with(user.name, address)
        with self.ledger.begin() as connection:
            left = attempts.wait(connection, asked, now=now)
            if left > timedelta():
                raise TooSoon("too many tries failed", after=left)
        if is_too_long(old) or not self.hashing.is_right(old, user.password):
            with self.ledger.begin() as connection:
                attempts.failed(connection, asked, now=now)
            raise Refused("the old password is not right")
        if why := weakness(new, (user.name,)):
            raise Weak(why)
        if old == new:
            raise Weak("same")
        kept = self.hashing.hash(new)
        with self.ledger.begin() as connection:
            current = users.by_id(connection, user.id)
            if current is None or current.password != user.password:
                raise Refused("the old password is not right")
            users.change(connection, user.id, password=kept, must_change=False)
            secret = self._begin(connection, user.id, address, now)
        audit.note(self.ledger, who=user.name, what="user: password changed", why=address, now=now)
        return secret

    def whose(self, secret: str, *, now: datetime) -> tuple[User, Session] | None:
        """The person of a session that still lasts, and that it was used now."""
        with self.ledger.read() as connection:
            session = sessions.find(connection, digest_of(secret), self.lifetime, now=now)
            user = users.by_id(connection, session.user_id) if session else None
        if session is None or user is None:
            return None
        if now - session.seen_at >= sessions.SEEN_EVERY:
            with self.ledger.begin() as connection:
                sessions.see(connection, session.digest, now=now)
        return user, session

    def sign_out(self, secret: str) -> None:
        """End this session everywhere at once."""
        with self.ledger.begin() as connection:
            sessions.end(connection, digest_of(secret))

    def _begin(self, connection: Connection, user_id: str, address: str, now: datetime) -> str:
        secret = secrets.token_urlsafe(SECRET_BYTES)
        sessions.start(connection, digest_of(secret), user_id, address=address, now=now)
        return secret


def new_user(
    name: str,
    roles: Collection[str],
    accounts: Collection[str] | None,
    *,
    language: str,
    now: datetime,
    password: str | None = None,
    issuer: str | None = None,
    subject: str | None = None,
) -> User:
    """A person to add; password: the hash of a first one, which has to be changed."""
    return User(
        id=f"user_{secrets.token_hex(10)}",
        name=name.casefold(),
        roles=frozenset(roles),
        accounts=None if accounts is None else frozenset(accounts),
        language=language,
        password=password,
        must_change=password is not None,
        issuer=issuer,
        subject=subject,
        created_at=now,
        disabled_at=None,
    )


def first_password() -> str:
    """One that is given out once: 100 random bits in groups that can be read aloud."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(5)) for _ in range(4))
