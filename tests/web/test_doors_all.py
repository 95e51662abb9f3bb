"""Is every route of every table decided by role and method, and by nothing else?"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import cast

import pytest
import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.routing import Route, compile_path

from service.ledger import audit
from service.ledger.engine import Ledger
from service.ledger.schema import audit as audit_table
from service.telemetry import REGISTRY
from service.web.access.armour import HEADERS
from service.web.api.scopes import SCOPES, roles_of
from service.web.app import Pages
from service.web.doors import UNSAFE, Door, Person, Role, may
from service.web.health import Health
from service.web.metrics import Metrics
from service.web.refusals import Refusals
from tests.days import RULES
from tests.web.api_program import program
from tests.web.conftest import Pair
from tests.web.visitor import Answer, Visited, Visitor, visited

METHODS = frozenset(
    {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"}
)

# what stands in a path where the table has a parameter
FILLED = {"number": "1", "kind": "order", "account": "shop", "id": "none", "day": "2026-11-22"}


@pytest.fixture
def desk(database_url: str, tmp_path: Path, key_pair: Pair, now: datetime) -> Iterator[Visited]:
    oidc = {"issuer": "http://127.0.0.1:9", "client_id": "x", "roles": {"all": "viewer"}}
    console = {"url": "http://localhost", "oidc": oidc}
    with visited(database_url, tmp_path, key_pair, now, console=console) as running:
        yield running


def probes(ledger: Ledger, now: datetime) -> tuple[Door, ...]:
    pages = Pages(Health(ledger), Metrics(REGISTRY, ledger, lambda: now, RULES), Refusals(), "")
    return pages.doors()


def path_of(door: Door) -> str:
    names = compile_path(door.path)[2]
    path = door.path
    for name in names:
        path = path.replace(f"{{{name}}}", FILLED.get(name, "none")).replace(
            f"{{{name}:path}}", "none"
        )
    return path


def test_no_door_stands_twice_and_each_has_its_name(desk: Visited, now: datetime) -> None:
    doors = [*probes(desk.ledger, now), *desk.desk.doors]
    assert [
        one for one, count in Counter((d.path, d.method) for d in doors).items() if count > 1
    ] == []
    assert [one for one, count in Counter(d.name for d in doors).items() if count > 1] == []


def test_only_the_sign_in_static_files_and_probes_are_open(desk: Visited, now: datetime) -> None:
    doors = [*probes(desk.ledger, now), *desk.desk.doors]
    is_open = {door.name for door in doors if door.role is None}
    assert is_open <= {
        "probe.live", "probe.ready", "probe.metrics", "probe.refusals",
        "access.front", "access.style", "access.login", "access.sign_in",
        "access.oidc.start", "access.oidc.return", "console.static", "openapi",
    }  # fmt: skip
    assert not any(door.role is None for door in doors if door.path.startswith("/api/v1/objects"))


def test_what_changes_something_is_no_viewers(desk: Visited) -> None:
    viewers = {d.name for d in desk.desk.doors if d.method in UNSAFE and d.role is Role.VIEWER}
    # of one's own account only
    assert viewers <= {"access.password.change", "access.sign_out", "console.language"}


def test_the_doors_are_those_that_were_decided(desk: Visited, now: datetime) -> None:
    text = (Path(__file__).parent / "doors.txt").read_text(encoding="utf-8")
    decided = [line for line in text.splitlines() if not line.startswith("#")]
    doors = [*probes(desk.ledger, now), *desk.desk.doors]
    assert [written(one) for one in doors] == decided


def written(door: Door) -> str:
    scope = f" (scope {door.scope})" if door.scope else ""
    return f"{door.role or '-':9}{door.method:5}{door.path}{scope}"


def test_nothing_is_routed_that_is_no_door(desk: Visited, now: datetime) -> None:
    """Beside the doors there is the webhook alone, which answers any path under its prefix."""
    inner = cast("Starlette", vars(desk.desk.app())["_app"])
    routes = cast("list[Route]", [*inner.routes, *desk.served.app.routes])
    assert {type(route) for route in routes} == {Route}
    routed: Counter[str] = Counter(route.path for route in routes)
    assert set(routed) == {door.path for door in [*probes(desk.ledger, now), *desk.desk.doors]}
    assert [path for path, count in routed.items() if count > 1] == []
    stranger = desk.visitor()
    for path in ("/consoles", "/api", "/docs", "/webhooks", "/webhooks/nobody", "/x", "/console/"):
        for method in METHODS:
            assert stranger.ask(method, path, None, {}).status == 404, (method, path)


def test_every_door_opens_to_its_roles_and_to_nobody_else(desk: Visited) -> None:
    people = {role: desk.signed_in(role.value, role.value) for role in Role}
    csrf = {role: visitor.get("/console/password").csrf for role, visitor in people.items()}
    stranger = desk.visitor()
    for door in desk.desk.doors:
        if door.role is None or door.path.startswith("/api/"):
            continue
        answer = knock(stranger, door, "")
        assert answer.status == (303 if door.method == "GET" else 401), door
        assert_armoured(answer, door)
        for role, visitor in people.items():
            if door.name == "access.sign_out":
                continue
            answer = knock(visitor, door, csrf[role])
            assert answer.status != 500, door
            assert_armoured(answer, door)
            if may(person(role), door.role):
                assert answer.status not in (401, 403, 405), (door, role)
            else:
                assert answer.status == 403, (door, role)


def test_every_door_of_programs_opens_to_its_scopes_and_to_nobody_else(desk: Visited) -> None:
    programs = {scope: program(desk, scope) for scope in SCOPES}
    signed_in = desk.signed_in("lin", "admin")
    for door in desk.desk.doors:
        if door.role is None or not door.path.startswith("/api/"):
            continue
        path = path_of(door)
        for visitor in (desk.visitor(), signed_in):
            answer = visitor.ask(door.method, path, b"", {"content-type": "application/json"})
            assert answer.status == 401, door
            assert_armoured(answer, door)
        for scope, asks in programs.items():
            inner = path.removeprefix("/api/v1")
            answer = asks.get(inner) if door.method == "GET" else asks.post(inner, {})
            assert answer.status != 500, door
            assert_armoured(answer, door)
            opens = any(may(person(role), door.role) for role in roles_of(frozenset({scope})))
            if opens and door.scope in ("", scope):
                assert answer.status not in (401, 403, 405), (door, scope)
            else:
                assert answer.status == 403, (door, scope)


def assert_armoured(answer: Answer, door: Door) -> None:
    assert HEADERS.items() <= answer.headers.items(), door
    assert answer.headers["cache-control"] in ("no-store", "private, no-cache"), door


def test_other_methods_do_nothing(desk: Visited, now: datetime) -> None:
    admin, stranger = desk.signed_in("lin", "admin"), desk.visitor()
    doors = [*probes(desk.ledger, now), *desk.desk.doors]
    for path in {path_of(door) for door in doors}:
        methods = {door.method for door in doors if path_of(door) == path}
        can = methods | {"HEAD"} if "GET" in methods else methods
        for method in METHODS - can:
            for visitor in (admin, stranger):
                answer = visitor.ask(method, path, None, {"x-http-method-override": "GET"})
                assert answer.status == 405, (method, path)
                assert set(answer.headers["allow"].split(", ")) in (methods, can), path


def test_a_head_is_a_get_without_its_body(desk: Visited, now: datetime) -> None:
    admin, stranger = desk.signed_in("lin", "admin"), desk.visitor()
    for door in [*probes(desk.ledger, now), *desk.desk.doors]:
        if door.method != "GET" or door.name.startswith("access.oidc"):
            continue
        for visitor in (admin, stranger):
            head = visitor.ask("HEAD", path_of(door), None, {})
            assert (head.status, head.body) == (visitor.get(path_of(door)).status, b""), door


def test_a_file_is_taken_at_its_own_doors_only(desk: Visited) -> None:
    visitor = desk.signed_in("lin", "admin")
    csrf = visitor.get("/console/password").csrf
    part = 'Content-Disposition: form-data; name="csrf"'
    body = f"--x\r\n{part}\r\n\r\n{csrf}\r\n--x--\r\n".encode()
    headers = {
        "origin": f"http://127.0.0.1:{desk.port}",
        "content-type": "multipart/form-data; boundary=x",
    }
    posts = [d for d in desk.desk.doors if d.method == "POST" and d.path.startswith("/console")]
    for door in posts:
        if door.name == "access.sign_out":
            continue
        status = visitor.ask("POST", path_of(door), body, headers).status
        assert (status == 415) is (door.file_bytes == 0), door
        wrong = visitor.ask("POST", path_of(door), body.replace(csrf.encode(), b"no"), headers)
        assert wrong.status == (403 if door.file_bytes else 415)
    assert {door.name for door in posts if door.file_bytes} == {"console.statements.upload"}


def test_a_refusal_of_somebody_known_is_audited_once_a_minute(desk: Visited) -> None:
    visitor = desk.signed_in("lin", "viewer")
    door = next(
        (d for d in desk.desk.doors if d.role is Role.FINANCE and "/api" not in d.path), None
    )
    assert door is not None
    for _ in range(3):
        assert knock(visitor, door, visitor.get("/console/password").csrf).status == 403
    whats = noted(desk)
    assert whats.count(f"refused: {door.name}") == 1
    desk.clock.pass_by(minutes=1)
    knock(visitor, door, "")
    assert noted(desk).count(f"refused: {door.name}") == 2
    assert list(audit.broken(desk.ledger)) == []


def noted(desk: Visited) -> list[str]:
    with desk.ledger.read() as connection:
        return list(connection.scalars(sa.select(audit_table.c.what)))


def person(role: Role) -> Person:
    return Person("1", role.value, frozenset({role}))


def knock(visitor: Visitor, door: Door, csrf: str) -> Answer:
    if door.method == "GET":
        return visitor.get(path_of(door))
    return visitor.post(path_of(door), {"csrf": csrf})


def test_a_report_is_streamed_through_the_real_door(desk: Visited) -> None:
    answer = desk.signed_in("lin", "finance").get("/console/reports/file?report=aging&format=csv")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"].startswith('attachment; filename="aging-')
