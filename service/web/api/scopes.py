"""What may a token be good for, and which role is that?"""

from collections.abc import Iterable, Mapping

from service.web.doors import Role

SCOPES: Mapping[str, Role] = {
    "read": Role.VIEWER,
    "mismatches": Role.FINANCE,
    "operate": Role.OPERATOR,
}


def roles_of(scopes: Iterable[str]) -> frozenset[Role]:
    """The roles that scopes stand for; a word that is no longer known is none."""
    return frozenset(SCOPES[scope] for scope in scopes if scope in SCOPES)
