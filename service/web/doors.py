"""Which paths are there, and who may go in? Every route of every table is one of these.

What an `answer` finds in its request, beside what Starlette gives:

    request.state.person     who asks; absent behind a door that is open to anyone
    request.state.csrf       the token that each form carries in its hidden field `csrf`
    request.state.form       the form that was sent, read and bounded: a starlette FormData
    request.state.body       the bytes that were sent, where they were no form
    request.app.state        ledger, settings, clock, terms, clients, rings
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Role(StrEnum):
    """What a person is trusted with; one may have several.

    viewer: sees everything but personal data. operator: keeps it going (requeues, replays, looks,
    sinks). finance: answers for the money (mismatches, statements, closings, reports, and opens
    personal data with a reason). admin: all of it, people and tokens too.
    """

    VIEWER = "viewer"
    OPERATOR = "operator"
    FINANCE = "finance"
    ADMIN = "admin"


_INCLUDED = {
    Role.VIEWER: frozenset({Role.VIEWER}),
    Role.OPERATOR: frozenset({Role.VIEWER, Role.OPERATOR}),
    Role.FINANCE: frozenset({Role.VIEWER, Role.FINANCE}),
    Role.ADMIN: frozenset(Role),
}


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks: somebody signed in, or a program with a token. accounts: None for all of them."""

    id: str
    name: str
    roles: frozenset[Role]
    accounts: frozenset[str] | None = None
    language: Language = "zh"

    def sees(self, account: str) -> bool:
        """Whether what belongs to this account may be shown; what may not is answered 404."""
        return self.accounts is None or account in self.accounts


@dataclass(frozen=True, slots=True)
class Door:
    """One method of one path. role: the least that is needed; None lets anyone in.

    answer: a plain function; it runs in a thread. Only sign-in, static files and probes are open.
    file_bytes: how much may be uploaded here; 0: no file is taken. file_seconds: how long that may
    take in all; 0: as long as any request. hashes: a password is hashed here, so few go in at once.
    scope: what a program's token must be good for besides, where that is not the same as a role.
    """

    path: str
    method: str
    role: Role | None
    answer: Callable[[Request], Response]
    name: str
    file_bytes: int = 0
    file_seconds: float = 0
    hashes: bool = False
    scope: str = ""


def may(person: Person | None, role: Role | None) -> bool:
    """Whether this person, or nobody known, may go through a door of that role."""
    if role is None:
        return True
    return person is not None and any(role in _INCLUDED[held] for held in person.roles)
