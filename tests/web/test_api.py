"""Does the API read, act and refuse as its document says?"""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa

from scripts.openapi import FILE, text
from service.ledger import audit, tokens
from service.ledger.schema import acts, beliefs, deliveries, mismatches, watches
from service.work.admit import digest_of
from tests.web.api_program import program
from tests.web.conftest import Pair
from tests.web.visitor import Visited, visited


@pytest.fixture
def desk(database_url: str, tmp_path: Path, key_pair: Pair, now: datetime) -> Iterator[Visited]:
    with visited(
        database_url,
        tmp_path,
        key_pair,
        now,
        accounts={"shop": {"api_key": "sk_live_1"}, "other": {}},
    ) as running:
        fill(running, now)
        yield running


def fill(desk: Visited, now: datetime) -> None:
    with desk.ledger.begin() as connection:
        for account in ("shop", "other"):
            for number in range(5):
                connection.execute(sa.insert(beliefs).values(belief(account, number, now)))
            connection.execute(sa.insert(mismatches).values(mismatch(account, now)))
            connection.execute(sa.insert(deliveries).values(delivery(account, now)))


def belief(account: str, number: int, now: datetime) -> dict[str, Any]:
    return {
        "account": account, "kind": "order", "object_id": f"20011{number}", "state": "{}",
        "status": "paid", "final": True, "conflict": False, "failing": False, "contested": "",
        "amount": 2**53 + number, "currency": "cny", "since_at": now, "seq": 1, "updated_at": now,
    }  # fmt: skip


def mismatch(account: str, now: datetime) -> dict[str, Any]:
    return {
        "rule": "overpaid", "account": account, "kind": "order", "object_id": "200110",
        "state": "open", "severity": "critical", "ours": "1", "theirs": "2", "found_at": now,
        "opened_at": now,
    }  # fmt: skip


def delivery(account: str, now: datetime) -> dict[str, Any]:
    return {
        "account": account, "dedup_key": f"evt_{account}", "content_digest": "d",
        "body": b"{}" * 40, "signature": "s", "key_fingerprint": "f", "received_at": now,
        "verdict": "accepted", "state": "quarantined", "reason": "no_json",
    }  # fmt: skip


def test_the_document_in_docs_is_the_one_that_is_served(desk: Visited) -> None:
    assert FILE.read_text(encoding="utf-8") == text()
    served = desk.visitor().get("/api/v1/openapi.json")
    assert served.json() == json.loads(text())
    assert served.json()["openapi"] == "3.1.0"


def test_without_a_good_token_nothing_is_said(desk: Visited) -> None:
    good = program(desk, "read")
    for authorization in (
        "",
        "Bearer",
        "Bearer x",
        f"Basic {good.secret}",
        f"Bearer {good.secret}x",
    ):
        answer = good.get("/objects", authorization=authorization)
        assert answer.status == 401
        assert answer.headers["www-authenticate"] == 'Bearer realm="pingledger"'
        assert answer.headers["content-type"] == "application/problem+json"
    # somebody signed in has no token
    assert desk.signed_in("lin", "admin").get("/api/v1/objects").status == 401
    assert good.get("/objects").status == 200
    with desk.ledger.begin() as connection:
        (token,) = tokens.everyone(connection)
        assert token.used_at == desk.clock()
        assert good.secret not in repr(token)
        tokens.revoke(connection, token.id, now=desk.clock())
    assert good.get("/objects").status == 401
    other = program(desk, "read", accounts=["shop"])
    desk.clock.pass_by(days=1)
    assert other.get("/objects").status == 401


def test_a_scope_opens_its_own_doors(desk: Visited) -> None:
    reads, works, operates = (program(desk, scope) for scope in ("read", "mismatches", "operate"))
    look, acknowledge = "/objects/shop/order/200110/look", "/mismatches/1/acknowledge"
    assert [one.post(look).status for one in (reads, works)] == [403, 403]
    assert [one.post(acknowledge, {}).status for one in (reads, operates)] == [403, 403]
    assert [one.get("/reports").status for one in (reads, works, operates)] == [200] * 3
    with desk.ledger.read() as connection:
        assert (
            connection.scalar(sa.select(mismatches.c.state).where(mismatches.c.id == 1)) == "open"
        )
        assert connection.scalar(sa.select(watches.c.object_id)) is None
    assert list(audit.broken(desk.ledger)) == []


def test_what_is_of_another_account_is_not_found(desk: Visited) -> None:
    limited = program(desk, "read", "mismatches", "operate", accounts=["shop"])
    for path in ("/objects", "/mismatches", "/deliveries"):
        found = limited.get(path).json()["data"]
        assert {row["account"] for row in found} == {"shop"}, path
        assert limited.get(f"{path}?account=other").json()["data"] == []
    missing = limited.get("/objects/other/order/999999")
    for path in ("/objects/other/order/200110", "/objects/other/order/200110/story",
                 "/mismatches/2", "/deliveries/2"):  # fmt: skip
        answer = limited.get(path)
        assert (answer.status, answer.body) == (404, missing.body), path
    assert limited.post("/mismatches/2/acknowledge", {}).status == 404
    assert limited.post("/deliveries/2/requeue").status == 404
    assert limited.post("/objects/other/order/200110/look").status == 404


def test_a_list_is_read_page_by_page_and_stays_stable(desk: Visited) -> None:
    reads = program(desk, "read")
    seen: list[tuple[str, str]] = []
    path, page = "/objects?limit=3", cast("Any", None)
    while path:
        page = reads.get(path).json()
        assert len(page["data"]) <= 3
        seen += [(row["account"], row["id"]) for row in page["data"]]
        with desk.ledger.begin() as connection:
            # what comes in meanwhile, before the place, moves nothing
            if len(seen) == 3:
                row = belief("aaa", 0, desk.clock())
                connection.execute(sa.insert(beliefs).values(row))
        path = f"/objects?limit=3&cursor={page['next']}" if page["next"] else ""
    assert seen == [(a, f"20011{n}") for a in ("other", "shop") for n in range(5)]
    assert isinstance(page["data"][0]["id"], str)
    assert page["data"][-1]["amount"] == 2**53 + 4


@pytest.mark.parametrize("dialect", ["sqlite"])
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"), ("limit=201", "limit"), ("limit=1e2", "limit"), ("limit=１", "limit"),
        ("limit=1&limit=2", "limit"), ("kind=thing", "kind"), ("what=1", "what"),
        ("account=%27%20OR%201", "account"), ("status=%00", "status"), ("cursor=%25", "cursor"),
        ("cursor=WzFd", "cursor"), ("cursor=AAAA", "cursor"), ("account=", "account"),
        ("order_no=a%0Ab", "order_no"), ("sort=id", "sort"),
    ],
)  # fmt: skip
def test_what_is_not_asked_properly_is_refused_by_field(
    desk: Visited, query: str, field: str
) -> None:
    answer = program(desk, "read").get(f"/objects?{query.replace('１', '%EF%BC%91')}")
    assert (answer.status, answer.json()["field"]) == (400, field)


def test_an_answer_that_is_known_is_not_sent_again(desk: Visited) -> None:
    reads = program(desk, "read")
    first = reads.get("/mismatches")
    tag = first.headers["etag"]
    again = reads.get("/mismatches", if_none_match=f'"other", W/{tag}')
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    assert program(desk, "mismatches").post("/mismatches/1/acknowledge", {}).status == 200
    assert reads.get("/mismatches", if_none_match=tag).status == 200


def test_a_mismatch_is_worked(desk: Visited) -> None:
    works = program(desk, "mismatches")
    until = "2026-12-01T00:00:00+08:00"
    steps: list[tuple[str, dict[str, str], str]] = [
        ("acknowledge", {}, "acknowledged"),
        ("assign", {"owner": "wang"}, "acknowledged"),
        ("waive", {"note": "known", "until": until}, "waived"),
        ("reopen", {"note": "after all"}, "open"),
        ("comment", {"note": "call 13800138000"}, "open"),
    ]
    for name, body, state in steps:
        answer = works.post(f"/mismatches/1/{name}", body)
        assert (answer.status, answer.json()["mismatch"]["state"]) == (200, state), answer.text
    history = works.get("/mismatches/1").json()["history"]
    assert [one["act"] for one in history] == [name for name, *_ in steps]
    assert history[0]["who"].startswith("books (token_")
    assert "13800138000" not in works.get("/mismatches/1").text
    again = works.post("/mismatches/1/reopen", {})
    assert (again.status, again.json()["detail"]) == (409, "it is open")


@pytest.mark.parametrize("dialect", ["sqlite"])
@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("waive", {"note": "x"}, 400),
        ("waive", {"note": "x", "until": "2030-01-01T00:00:00Z"}, 400),
        ("waive", {"note": "x", "until": "2026-12-01T00:00:00"}, 400),
        ("comment", {"note": " "}, 400),
        ("comment", {"note": "x" * 2001}, 400), ("acknowledge", {"more": 1}, 400),
        ("acknowledge", [], 400), ("assign", {"owner": ""}, 400), ("assign", {"owner": 1}, 400),
    ],
)  # fmt: skip
def test_an_act_that_is_wrong_is_refused(desk: Visited, name: str, body: Any, status: int) -> None:
    answer = program(desk, "mismatches").post(f"/mismatches/1/{name}", body)
    assert (answer.status, answer.json()["field"]) == (status, "body")


def test_under_one_key_it_is_done_once(desk: Visited) -> None:
    works = program(desk, "mismatches")
    body = {"note": "once"}
    first = works.post("/mismatches/1/comment", body, idempotency_key="k1")
    again = works.post("/mismatches/1/comment", body, idempotency_key="k1")
    assert (first.status, again.status, first.body) == (200, 200, again.body)
    other = works.post("/mismatches/1/comment", {"note": "twice"}, idempotency_key="k1")
    assert (other.status, other.json()["field"]) == (422, "Idempotency-Key")
    # what came to nothing may be asked again
    assert works.post("/mismatches/1/reopen", {}, idempotency_key="k2").status == 409
    works.post("/mismatches/1/acknowledge", {})
    assert works.post("/mismatches/1/reopen", {}, idempotency_key="k2").status == 200
    with desk.ledger.read() as connection:
        notes = list(connection.scalars(sa.select(acts.c.note).where(acts.c.act == "comment")))
    assert notes == ["once"]


def test_a_look_and_a_requeue_are_asked_for(desk: Visited) -> None:
    operates = program(desk, "operate")
    assert operates.post("/objects/shop/order/200119/look").status == 202
    assert operates.post("/objects/other/order/200110/look").status == 409
    assert operates.post("/deliveries/1/replay").status == 409
    assert operates.post("/deliveries/1/requeue").status == 202
    assert operates.post("/deliveries/1/requeue").status == 409
    assert operates.get("/deliveries/1").json()["state"] == "waiting"
    with desk.ledger.read() as connection:
        watch = connection.execute(sa.select(watches)).one()
    assert (watch.object_id, watch.next_look_at) == ("200119", desk.clock())


def test_the_body_must_be_json(desk: Visited) -> None:
    works = program(desk, "mismatches")
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ):
        assert works.post("/mismatches/1/acknowledge", {}, content_type=kind).status == 415
    headers = {"authorization": f"Bearer {works.secret}", "content-type": "application/json"}
    for body in (b"", b"{", b"\xff", b"[" * 100_000, b'{"note": "\\ud800"}'):
        answer = works.visitor.ask("POST", "/api/v1/mismatches/1/acknowledge", body, headers)
        assert answer.status == 400, body[:10]
    large = b'{"note": "' + b"x" * (1024 * 1024) + b'"}'
    answer = works.visitor.ask("POST", "/api/v1/mismatches/1/acknowledge", large, headers)
    assert answer.status == 413


def test_books_and_days_and_reports_can_be_read(desk: Visited) -> None:
    reads = program(desk, "read")
    assert reads.get("/balances").json() == {"data": [], "next": None}
    assert reads.get("/journal").json() == {"data": [], "next": None}
    assert reads.get("/closings").json() == {"data": []}
    assert reads.get("/closings/2026-02-30").status == 404
    assert {"name", "title_zh", "days"} <= reads.get("/reports").json()["data"][0].keys()
    assert reads.get("/objects/shop/order/200110/story").json()["object"]["id"] == "200110"
    assert digest_of(reads.secret) not in reads.get("/nowhere").text
    assert reads.get("/nowhere").headers["content-type"] == "application/problem+json"
