"""What may a token be good for, and which role is that?"""

from collections.abc import Iterable, Mapping

from service.web.doors import Role

REPORTS = "reports"
SCOPES: Mapping[str, Role] = {
    "read": Role.VIEWER,
    REPORTS: Role.VIEWER,
    "mismatches": Role.FINANCE,
    "operate": Role.OPERATOR,
}


def scopes_for(role: Role, scope: str) -> list[str]:
    """Which scopes open a door of that role; one that names its scope opens to no other."""
    own = frozenset({REPORTS})
    return [scope] if scope else [one for one in SCOPES if SCOPES[one] == role and one not in own]


def roles_of(scopes: Iterable[str]) -> frozenset[Role]:
    """The roles that scopes stand for; a word that is no longer known is none."""
    return frozenset(SCOPES[scope] for scope in scopes if scope in SCOPES)
