"""Do people get in who should, and nobody else? (W01–W07, W09)"""

from collections.abc import Generator
from datetime import datetime
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from service.ledger import sessions, users
from service.web.access.armour import HEADERS
from service.work.hashing import Hashing
from tests.web.conftest import Pair
from tests.web.visitor import GOOD, QUICK, Visited, Visitor, visited

NEW = "gruen-amboss-igel-29"
lite = pytest.mark.parametrize("dialect", ["sqlite"])


@pytest.fixture
def desk(database_url: str, tmp_path: Path, key_pair: Pair, now: datetime) -> Generator[Visited]:
    with visited(database_url, tmp_path, key_pair, now) as running:
        yield running


def test_without_a_session_every_page_leads_to_the_sign_in_and_back(desk: Visited) -> None:
    answer = desk.visitor().get("/console/password")
    assert (answer.status, answer.headers["location"]) == (
        303,
        "/console/login?next=%2Fconsole%2Fpassword",
    )
    answer = desk.visitor().get("/console/password", accept="application/json")
    assert (answer.status, answer.json()["status"]) == (401, 401)


def test_name_and_password_open_the_door_to_where_one_wanted(desk: Visited) -> None:
    desk.know("lin", "viewer")
    visitor = desk.visitor()
    answer = visitor.sign_in("LIN", after="/console/password")
    assert (answer.status, answer.headers["location"]) == (303, "/console/password")
    assert visitor.get("/console/password").status == 200


@lite
@pytest.mark.parametrize(
    "after",
    ["//evil.example", "https://evil.example", "/\\evil", "javascript:alert(1)", "/consolex",
     "/console//evil.example", "/console/\\evil", "/console?a=\r\nx: y", "/console/<b>"],
)  # fmt: skip
def test_one_goes_on_only_to_our_own_pages(desk: Visited, after: str) -> None:
    desk.know("lin", "viewer")
    assert desk.visitor().sign_in("lin", after=after).headers["location"] == "/console"


@lite
@pytest.mark.parametrize(
    ("name", "password"),
    [("nobody", GOOD), ("lin", "wrong-wrong-wrong"), ("lin", ""), ("", ""), ("gone", GOOD),
     ("elsewhere", GOOD), ("lin\u0301", GOOD), ("n" * 65, GOOD)],
)  # fmt: skip
def test_whatever_is_wrong_the_same_is_said(desk: Visited, name: str, password: str) -> None:
    desk.know("lin", "viewer")
    gone = desk.know("gone", "viewer")
    elsewhere = desk.know("elsewhere", "viewer")
    with desk.ledger.begin() as connection:
        users.change(connection, gone, disabled_at=desk.clock())
        users.change(connection, elsewhere, password=None)
    answer = desk.visitor().sign_in(name, password)
    assert answer.status == 401
    assert "用户名或密码不正确。" in answer.text
    assert not any("session" in cookie for cookie in answer.cookies)


@lite
@pytest.mark.parametrize("password", ["x" * 1_025, "密" * 342, "nul\0byte-in-password"])
def test_a_monstrous_password_is_refused_unhashed(desk: Visited, password: str) -> None:
    desk.know("lin", "viewer")
    assert desk.visitor().sign_in("lin", password).status == 400
    assert desk.visitor().sign_in("lin").status == 303


@lite
def test_a_form_beyond_its_limit_is_not_read(desk: Visited) -> None:
    visitor = desk.visitor()
    csrf = visitor.get("/console/login").csrf
    form = {"csrf": csrf, "name": "lin", "password": "x" * (1024 * 1024 + 1)}
    assert visitor.post("/console/login", form).status == 413


def test_failures_cost_waiting_that_grows_and_ends(desk: Visited) -> None:
    desk.know("lin", "viewer")
    answers = [desk.visitor().sign_in("lin", "wrong-wrong-wrong") for _ in range(4)]
    assert [answer.status for answer in answers] == [401, 401, 401, 429]
    assert answers[-1].headers["retry-after"] == "1"
    # not even the right one is heard now, and asking costs nothing more
    assert desk.visitor().sign_in("lin").status == 429
    desk.clock.pass_by(seconds=1)
    assert desk.visitor().sign_in("lin", "wrong-wrong-wrong").status == 401
    assert desk.visitor().sign_in("lin").headers["retry-after"] == "2"
    desk.clock.pass_by(seconds=2)
    assert desk.visitor().sign_in("lin").status == 303
    # what went well takes the failures away
    assert desk.visitor().sign_in("lin", "wrong-wrong-wrong").status == 401
    assert desk.visitor().sign_in("lin").status == 303


def test_a_session_begins_anew_at_the_sign_in_and_ends_at_the_sign_out(desk: Visited) -> None:
    desk.know("lin", "viewer")
    visitor = desk.visitor()
    visitor.jar["pingledger_session"] = planted = "A" * 43
    visitor.sign_in("lin")
    held = visitor.jar["pingledger_session"]
    assert held != planted
    csrf = visitor.get("/console/password").csrf
    answer = visitor.post("/console/sign-out", {"csrf": csrf})
    assert (answer.status, answer.headers["location"]) == (303, "/console/login")
    assert "pingledger_session" not in visitor.jar
    assert Visitor(desk.port, {"pingledger_session": held}).get("/console/password").status == 303


@lite
@pytest.mark.parametrize("change", [{"disabled": True}, {"roles": ["admin"]}, {"password": "x"}])
def test_a_session_ends_at_once_when_the_person_changes(
    desk: Visited, change: dict[str, object]
) -> None:
    visitor = desk.signed_in("lin", "viewer")
    assert visitor.get("/console/password").status == 200
    values = {"disabled_at": desk.clock()} if change.pop("disabled", False) else change
    with desk.ledger.begin() as connection:
        user = users.by_name(connection, "lin")
        assert user is not None
        users.change(connection, user.id, **values)
    assert visitor.get("/console/password").status == 303


def test_a_session_ends_when_idle_and_in_any_case_at_last(desk: Visited) -> None:
    visitor = desk.signed_in("lin", "viewer")
    for _ in range(24):
        desk.clock.pass_by(minutes=29)
        assert visitor.get("/console/password").status == 200
    desk.clock.pass_by(minutes=29)
    assert visitor.get("/console/password").status == 303
    other = desk.signed_in("wang", "viewer")
    desk.clock.pass_by(minutes=30)
    assert other.get("/console/password").status == 303


@lite
@pytest.mark.parametrize(
    "cookie",
    ["pingledger_session={good}x", "pingledger_session={good}; pingledger_session={good}",
     "pingledger_session=" + "A" * 4_000, "pingledger_session=", "other={good}",
     "pingledger_session={tampered}"],
)  # fmt: skip
def test_a_cookie_that_is_not_exactly_ours_is_nobodys(desk: Visited, cookie: str) -> None:
    visitor = desk.signed_in("lin", "viewer")
    good = visitor.jar["pingledger_session"]
    tampered = ("B" if good[0] == "A" else "A") + good[1:]
    sent = cookie.format(good=good, tampered=tampered)
    assert visitor.get("/console/password", cookie=sent).status == 303


@lite
def test_a_form_must_be_our_own(desk: Visited) -> None:
    visitor, other = desk.signed_in("lin", "viewer"), desk.signed_in("wang", "viewer")
    good, foreign = visitor.get("/console/password").csrf, other.get("/console/password").csrf
    path = "/console/sign-out"
    for form in ({}, {"csrf": ""}, {"csrf": "wrong"}, {"csrf": foreign}):
        assert visitor.post(path, form).status == 403
    for headers in (
        {"origin": "null"},
        {"origin": "http://evil.example"},
        {"origin": ""},
        {"origin": f"https://127.0.0.1:{desk.port}"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"content-type": "text/plain"},
        {"content-type": "application/json"},
    ):
        assert visitor.post(path, {"csrf": good}, **headers).status == 403
    body = (
        b'--x\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n' + good.encode() + b"\r\n--x--"
    )
    headers = {
        "origin": f"http://127.0.0.1:{desk.port}",
        "content-type": "multipart/form-data; boundary=x",
    }
    assert visitor.ask("POST", path, body, headers).status == 415
    assert visitor.get("/console/password").status == 200
    assert visitor.post(path, {"csrf": good}).status == 303


@lite
def test_only_the_method_of_the_table_does_anything(desk: Visited) -> None:
    visitor = desk.signed_in("lin", "viewer")
    for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        answer = visitor.ask(method, "/console/sign-out", None, {"x-http-method-override": "POST"})
        assert (answer.status, answer.headers["allow"]) == (405, "POST")
    assert visitor.get("/console/password").status == 200


@lite
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "a b", "[::2]:80"])
def test_another_host_is_not_answered(desk: Visited, host: str) -> None:
    answer = desk.visitor().get("/console/login", host=host or "\t")
    assert answer.status in (400, 421)


@lite
def test_a_link_from_elsewhere_arrives_after_one_step(desk: Visited) -> None:
    answer = desk.visitor().get(
        "/console/password?a=%22%3E", sec_fetch_site="cross-site", sec_fetch_mode="navigate"
    )
    assert answer.status == 200
    assert 'content="0;url=/console/password?a=%22%3E"' in answer.text


def test_a_first_password_opens_only_the_page_where_it_is_changed(desk: Visited) -> None:
    desk.know("lin", "admin", first=True)
    visitor = desk.visitor()
    visitor.sign_in("lin")
    page = visitor.get("/console/password")
    assert "一次性密码" in page.text
    form = {"csrf": page.csrf, "old": GOOD, "new": NEW, "again": NEW}
    other = desk.visitor()
    other.sign_in("lin")
    assert visitor.post("/console/password", form).headers["location"] == "/console"
    assert other.get("/console/password").status == 303
    assert visitor.get("/console/password").status == 200
    assert desk.visitor().sign_in("lin").status == 401
    assert desk.visitor().sign_in("lin", NEW).status == 303


@lite
@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"old": "wrong"}, "当前密码不正确"),
        ({"again": "other-other-other-1"}, "不一致"),
        ({"new": "kurz", "again": "kurz"}, "太短"),
        ({"new": "password-password", "again": "password-password"}, "太常见"),
        ({"new": "xiaoming-2026!", "again": "xiaoming-2026!"}, "太常见"),
        ({"new": GOOD, "again": GOOD}, "与当前密码相同"),
        ({"new": "x9" * 600, "again": "x9" * 600}, "过长"),
    ],
)
def test_a_new_password_must_be_good(desk: Visited, form: dict[str, str], said: str) -> None:
    visitor = desk.signed_in("xiaoming", "viewer")
    given = {"csrf": visitor.get("/console/password").csrf, "old": GOOD, "new": NEW, "again": NEW}
    answer = visitor.post("/console/password", given | form)
    assert answer.status == 400
    assert said in answer.text
    assert visitor.get("/console/password").status == 200


@lite
def test_cookies_are_closed_to_scripts_and_other_sites(desk: Visited) -> None:
    desk.know("lin", "viewer")
    visitor = desk.visitor()
    (visit,) = visitor.get("/console/login").cookies
    assert visit.lower().endswith("; httponly; path=/; samesite=lax")
    (session,) = visitor.sign_in("lin").cookies
    assert session.lower().endswith("; httponly; path=/; samesite=strict")


@lite
def test_behind_https_cookies_belong_to_the_host(
    database_url: str, tmp_path: Path, key_pair: Pair, now: datetime
) -> None:
    console = {"url": "https://ledger.example"}
    with visited(database_url, tmp_path, key_pair, now, console=console) as desk:
        answer = desk.visitor().get("/console/login", host="ledger.example")
        assert answer.cookies[0].startswith("__Host-pingledger_visit=")
        assert answer.cookies[0].lower().endswith("; secure")
        assert answer.headers["strict-transport-security"] == "max-age=31536000"


@lite
def test_every_answer_carries_the_headers(desk: Visited) -> None:
    visitor = desk.signed_in("lin", "viewer")
    asked = [
        ("GET", "/console/login?language=xx", 200), ("GET", "/console/password", 200),
        ("GET", "/", 303), ("GET", "/console/nowhere", 404), ("PUT", "/console/login", 405),
        ("POST", "/console/login", 403), ("GET", "/console/access/style.css", 200),
    ]  # fmt: skip
    for method, path, status in asked:
        answer = visitor.ask(method, path, None, {})
        assert answer.status == status, path
        assert HEADERS.items() <= answer.headers.items(), path
        assert answer.headers["cache-control"] == (
            "public, max-age=3600" if path.endswith(".css") else "no-store"
        )


@lite
@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ("", "zh-CN"),
        ("xx;;q=9,,,%00", "zh-CN"),
        ("de", "zh-CN"),
        ("en-US,en", "en"),
        ("zh", "zh-CN"),
    ],
)
def test_nonsense_of_languages_reads_chinese(desk: Visited, asked: str, language: str) -> None:
    answer = desk.visitor().get("/console/login", accept_language=asked)
    assert f'<html lang="{language}">' in answer.text


@lite
def test_the_language_can_be_chosen_before_signing_in(desk: Visited) -> None:
    visitor = desk.visitor()
    assert visitor.get("/console/login?language=en").status == 303
    assert "Sign in" in visitor.get("/console/login").text


def test_of_too_many_sessions_the_oldest_ends(desk: Visited) -> None:
    user = desk.know("lin", "viewer")
    first = desk.visitor()
    first.sign_in("lin")
    with desk.ledger.begin() as connection:
        for number in range(sessions.SESSIONS_LIMIT):
            desk.clock.pass_by(seconds=1)
            sessions.start(connection, f"{number:064}", user, address="", now=desk.clock())
        assert len(sessions.all_of(connection, user)) == sessions.SESSIONS_LIMIT
    assert first.get("/console/password").status == 303


def test_a_hash_of_old_cost_is_made_anew_at_the_sign_in(desk: Visited) -> None:
    user = desk.know("lin", "viewer")
    with desk.ledger.begin() as connection:
        users.change(connection, user, password=SLOWER.hash(GOOD))
    assert desk.visitor().sign_in("lin").status == 303
    with desk.ledger.read() as connection:
        kept = users.by_id(connection, user)
    assert kept is not None
    assert kept.password is not None
    assert not QUICK.is_weak(kept.password)


def test_nothing_of_a_secret_is_kept(desk: Visited) -> None:
    visitor = desk.signed_in("lin", "viewer")
    secret = visitor.jar["pingledger_session"]
    with desk.ledger.read() as connection:
        kept = repr(sessions.all_of(connection)) + repr(users.everyone(connection))
    assert secret not in kept
    assert GOOD not in kept


SLOWER = Hashing(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))


def test_who_is_not_known_learns_not_whether_something_is_there(desk: Visited) -> None:
    account, password = "/console/objects/shop/order", "/console/password"
    there = desk.visitor().get(f"{account}/200110")
    gone = desk.visitor().get(f"{account}/999999")
    assert (there.status, there.body) == (gone.status, gone.body) == (303, b"")
    for path in (f"{account}/200110", f"{account}/999999", password):
        answer = desk.visitor().get(path, accept="application/json")
        assert (answer.status, answer.json()["title"]) == (401, "请先登录。")


@lite
@pytest.mark.parametrize("end", ["sign-out", "password", "disable", "role", "hours"])
def test_a_session_is_over_at_once_on_every_replica(
    desk: Visited, tmp_path: Path, key_pair: Pair, now: datetime, end: str
) -> None:
    here = desk.signed_in("lin", "viewer")
    url = str(desk.ledger.writer.url)
    with visited(url, tmp_path, key_pair, now) as replica:
        there = Visitor(replica.port, dict(here.jar))
        assert there.get("/console/password").status == 200
        end_session(desk, here, end)
        replica.clock.now = desk.clock.now
        there = Visitor(replica.port, dict(there.jar))
        assert there.get("/console/password", accept="application/json").status == 401
        assert there.get("/console/password").status == 303


def end_session(desk: Visited, here: Visitor, end: str) -> None:
    csrf = here.get("/console/password").csrf
    if end == "sign-out":
        here.post("/console/sign-out", {"csrf": csrf})
    elif end == "password":
        form = {"csrf": csrf, "old": GOOD, "new": NEW, "again": NEW}
        assert here.post("/console/password", form).status == 303
    elif end == "hours":
        desk.clock.pass_by(hours=12)
    else:
        change = {"disabled_at": desk.clock()} if end == "disable" else {"roles": ["admin"]}
        with desk.ledger.begin() as connection:
            user = users.by_name(connection, "lin")
            assert user is not None
            users.change(connection, user.id, **change)
