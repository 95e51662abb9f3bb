"""Does only the right person come in whom a provider vouches for? (W08)"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from service.ledger import users
from tests.web.conftest import Pair
from tests.web.provider import FakeProvider, provider
from tests.web.visitor import Answer, Visited, Visitor, visited

lite = pytest.mark.parametrize("dialect", ["sqlite"])
ROLES = {"pay-viewers": "viewer", "pay-admins": "admin"}


@pytest.fixture
def idp(now: datetime) -> Iterator[FakeProvider]:
    with provider(int(now.timestamp())) as fake:
        yield fake


@pytest.fixture
def desk(
    database_url: str, tmp_path: Path, key_pair: Pair, now: datetime, idp: FakeProvider
) -> Iterator[Visited]:
    oidc = {"issuer": idp.issuer, "client_id": "pingledger", "client_secret": "s3cret"}
    oidc |= {"roles": ROLES, "accounts_claim": "shops"}
    console = {"url": "http://localhost", "oidc": oidc}
    with visited(database_url, tmp_path, key_pair, now, console=console) as running:
        yield running


def come_in(visitor: Visitor, idp: FakeProvider, **changed: str) -> Answer:
    sent = visitor.get("/console/oidc/start?next=/console/password")
    assert sent.status == 303, sent.text
    back = idp.authorize(sent.headers["location"]) | changed
    return visitor.get(f"/console/oidc/return?{urlencode(back)}", sec_fetch_site="cross-site")


def test_somebody_comes_in_with_roles_of_the_claim(desk: Visited, idp: FakeProvider) -> None:
    idp.claims = {"shops": ["shop"]}
    visitor = desk.visitor()
    answer = come_in(visitor, idp)
    assert answer.status == 200, answer.text
    assert 'content="0;url=/console/password"' in answer.text
    assert "samesite=strict" in answer.cookies[0].lower()
    assert visitor.get("/console/password").status == 200
    asked = idp.asked[0]
    assert (asked["code_challenge_method"], asked["redirect_uri"]) == (
        "S256",
        "http://localhost/console/oidc/return",
    )
    with desk.ledger.read() as connection:
        user = users.by_subject(connection, idp.issuer, "s-1")
    assert user is not None
    assert (user.name, user.roles, user.accounts) == ("wang", {"viewer"}, {"shop"})
    assert user.password is None


def test_roles_are_read_anew_and_old_sessions_end(desk: Visited, idp: FakeProvider) -> None:
    first, second = desk.visitor(), desk.visitor()
    come_in(first, idp)
    idp.claims = {"groups": "pay-admins", "preferred_username": "other"}
    come_in(second, idp)
    assert [one.get("/console/password").status for one in (first, second)] == [303, 200]
    with desk.ledger.begin() as connection:
        (user,) = users.everyone(connection)
        assert (user.name, user.roles) == ("wang", {"admin"})
        users.change(connection, user.id, disabled_at=desk.clock())
    assert come_in(desk.visitor(), idp).status == 401


@lite
def test_a_name_that_is_taken_is_not_taken_over(desk: Visited, idp: FakeProvider) -> None:
    local = desk.know("wang", "admin")
    assert come_in(desk.visitor(), idp).status == 200
    with desk.ledger.read() as connection:
        names = {user.id: user.name for user in users.everyone(connection)}
    assert names.pop(local) == "wang"
    assert next(iter(names.values())).startswith("oidc-")


@lite
@pytest.mark.parametrize(
    ("part", "bend"),
    [
        ("claims", {"nonce": "another"}),
        ("claims", {"nonce": None}),
        ("claims", {"iss": "https://evil.example"}),
        ("claims", {"aud": "another"}),
        ("claims", {"aud": ["pingledger", "another"]}),
        ("claims", {"azp": "another"}),
        ("claims", {"exp": 1}),
        ("claims", {"exp": None}),
        ("claims", {"iat": 2**40}),
        ("claims", {"sub": None}),
        ("claims", {"sub": "s" * 201}),
        ("claims", {"email_verified": False}),
        ("claims", {"groups": ["others"]}),
        ("claims", {"groups": None}),
        ("claims", {"nbf": 2**40}),
        ("header", {"alg": "none"}),
        ("header", {"alg": "HS256"}),
        ("header", {"kid": "k2"}),
        ("header", {"kid": "k2", "jku": "http://evil.example/keys"}),
    ],
    ids=str,
)
def test_what_is_not_proved_lets_nobody_in(
    desk: Visited, idp: FakeProvider, part: str, bend: dict[str, Any]
) -> None:
    getattr(idp, part).update(bend)
    visitor = desk.visitor()
    answer = come_in(visitor, idp)
    assert answer.status == 401
    assert "没有让您进来" in answer.text
    assert visitor.get("/console/password").status == 303
    with desk.ledger.read() as connection:
        assert users.everyone(connection) == []


@lite
def test_a_state_is_good_once_in_its_own_browser_and_soon(desk: Visited, idp: FakeProvider) -> None:
    visitor = desk.visitor()
    for changed in (
        {"state": ""},
        {"state": "x" * 43},
        {"error": "access_denied"},
        {"code": "other"},
    ):
        assert come_in(visitor, idp, **changed).status == 401
    back = idp.authorize(visitor.get("/console/oidc/start").headers["location"])
    path = f"/console/oidc/return?{urlencode(back)}"
    # another browser, which was made to follow the link
    assert desk.visitor().get(path).status == 401
    idp.codes.add("c0de")
    assert visitor.get(path).status == 401
    back = idp.authorize(visitor.get("/console/oidc/start").headers["location"])
    desk.clock.pass_by(minutes=10)
    assert visitor.get(f"/console/oidc/return?{urlencode(back)}").status == 401


@lite
def test_a_provider_that_is_away_or_another_is_said(desk: Visited, idp: FakeProvider) -> None:
    visitor = desk.visitor()
    sent = visitor.get("/console/oidc/start")
    back = idp.authorize(sent.headers["location"])
    idp.status = 502
    assert visitor.get("/console/oidc/start").status == 503
    assert visitor.get(f"/console/oidc/return?{urlencode(back)}").status == 503
    idp.status, idp.document = 200, {"issuer": "https://evil.example"}
    assert visitor.get("/console/oidc/start").status == 401
    assert "统一身份" in visitor.get("/console/login").text
