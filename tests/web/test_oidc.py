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


@lite
def test_a_token_that_brings_its_own_key_is_not_believed(desk: Visited, idp: FakeProvider) -> None:
    idp.forge()
    assert come_in(desk.visitor(), idp).status == 401
    assert "/keys" in idp.paths
    assert "/forged" not in idp.paths


@lite
@pytest.mark.parametrize(
    ("named", "supported", "status"),
    [
        ("https://evil.example", False, 401),
        ("https://evil.example", True, 401),
        ("", True, 401),
        (None, True, 401),
        ("itself", True, 200),
        ("itself", False, 200),
    ],
)
def test_an_answer_of_another_provider_is_not_taken_for_this_ones(
    desk: Visited, idp: FakeProvider, named: str | None, supported: bool, status: int
) -> None:
    idp.document = {"authorization_response_iss_parameter_supported": supported}
    iss = {} if named is None else {"iss": idp.issuer if named == "itself" else named}
    assert come_in(desk.visitor(), idp, **iss).status == status
    # the code of the other one was never shown to this one
    assert ("/token" in idp.paths) is (status == 200)


@lite
def test_the_way_back_is_of_the_settings_whatever_a_request_says(
    desk: Visited, idp: FakeProvider
) -> None:
    visitor = desk.visitor()
    sent = visitor.get(
        "/console/oidc/start",
        x_forwarded_host="evil.example",
        forwarded="host=evil.example",
        x_forwarded_proto="https",
        host=f"localhost:{desk.port}",
    )
    back = idp.authorize(sent.headers["location"])
    assert idp.redirect_uri == "http://localhost/console/oidc/return"
    # a provider that was asked with another one gives nothing for the code
    idp.redirect_uri = "http://evil.example/console/oidc/return"
    assert visitor.get(f"/console/oidc/return?{urlencode(back)}").status == 401


@lite
@pytest.mark.parametrize("lost", ["state", "code", "both"])
def test_without_a_state_or_a_code_nobody_comes_in(
    desk: Visited, idp: FakeProvider, lost: str
) -> None:
    visitor = desk.visitor()
    back = idp.authorize(visitor.get("/console/oidc/start").headers["location"])
    kept = {name: value for name, value in back.items() if lost not in (name, "both")}
    assert visitor.get(f"/console/oidc/return?{urlencode(kept)}").status == 401
    assert "/token" not in idp.paths


@lite
def test_a_refusal_is_logged_by_a_fixed_word_and_without_what_was_sent(
    desk: Visited, idp: FakeProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    idp.claims = {"email_verified": False, "email": "secret@example.com"}
    assert come_in(desk.visitor(), idp).status == 401
    said = capsys.readouterr()
    assert "oidc.refused" in said.out + said.err
    assert "email" in said.out + said.err
    assert "secret@example.com" not in said.out + said.err


@lite
def test_two_subjects_of_one_name_are_two_people(desk: Visited, idp: FakeProvider) -> None:
    come_in(desk.visitor(), idp)
    idp.claims = {"sub": "s-2"}
    come_in(desk.visitor(), idp)
    with desk.ledger.read() as connection:
        known = [(user.issuer, user.subject) for user in users.everyone(connection)]
    assert sorted(known) == [(idp.issuer, "s-1"), (idp.issuer, "s-2")]
