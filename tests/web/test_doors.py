"""Who may go through which door?"""

import pytest

from service.web.doors import Person, Role, may


def person(*roles: Role, accounts: frozenset[str] | None = None) -> Person:
    return Person("1", "lin", frozenset(roles), accounts)


@pytest.mark.parametrize(
    ("held", "opens"),
    [
        (Role.VIEWER, {Role.VIEWER}),
        (Role.OPERATOR, {Role.VIEWER, Role.OPERATOR}),
        (Role.FINANCE, {Role.VIEWER, Role.FINANCE}),
        (Role.ADMIN, set(Role)),
    ],
)
def test_a_role_opens_its_own_doors_and_those_it_includes(held: Role, opens: set[Role]) -> None:
    assert {role for role in Role if may(person(held), role)} == opens


def test_roles_add_up() -> None:
    both = person(Role.OPERATOR, Role.FINANCE)
    assert [may(both, role) for role in Role] == [True, True, True, False]


def test_nobody_known_goes_through_open_doors_only() -> None:
    assert may(None, None)
    assert not any(may(None, role) for role in Role)
    assert not may(person(), Role.VIEWER)


def test_a_person_sees_its_own_accounts() -> None:
    assert person(accounts=None).sees("main")
    assert person(accounts=frozenset({"main"})).sees("main")
    assert not person(accounts=frozenset({"main"})).sees("other")
    assert not person(accounts=frozenset()).sees("main")
