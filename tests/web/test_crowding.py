"""What if very many want in, or one tries very often? (W02, W03, W18, W25)"""

from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.ledger import attempts, handshakes, sessions, users
from service.ledger.engine import Ledger
from service.ledger.handshakes import Handshake
from service.ledger.schema import attempts as attempts_table
from service.ledger.schema import handshakes as handshakes_table
from service.ledger.schema import sessions as sessions_table
from service.web.access.station import THREADS
from service.work.hashing import AT_ONCE, WAITING_LIMIT, Hashing
from tests.hashers import Held
from tests.web.conftest import Pair
from tests.web.visitor import GOOD, Visited, visited

lite = pytest.mark.parametrize("dialect", ["sqlite"])
BEGUN = Handshake("", "b", "n", "v", "/console", datetime(2026, 11, 23))  # noqa: DTZ001  replaced


@pytest.fixture
def hasher() -> Held:
    return Held()


@pytest.fixture
def desk(
    database_url: str, tmp_path: Path, key_pair: Pair, now: datetime, hasher: Held
) -> Generator[Visited]:
    with visited(database_url, tmp_path, key_pair, now, hashing=Hashing(hasher)) as running:
        yield running


@lite
@pytest.mark.parametrize(
    ("name", "password"),
    [("lin", "wrong-wrong-wrong"), ("nobody", GOOD), ("", GOOD), ("n" * 70, GOOD), ("lin", ""),
     ("elsewhere", GOOD), ("jose\u0301", GOOD), ("jos\u00e9", GOOD), ("x" * 100_000, GOOD)],
    ids=["wrong", "nobody", "no name", "long name", "no password", "no local one", "NFD", "NFC",
         "monstrous name"],
)  # fmt: skip
def test_whoever_is_refused_cost_one_hash_of_the_same_cost(
    desk: Visited, hasher: Held, name: str, password: str
) -> None:
    """Times are the same because the work is: one argon2 with equal parameters, known or not."""
    desk.know("lin", "viewer")
    elsewhere = desk.know("elsewhere", "viewer")
    with desk.ledger.begin() as connection:
        users.change(connection, elsewhere, password=None)
    assert desk.visitor().sign_in(name, password).status == 401
    (against,) = hasher.against
    assert against.rpartition("$")[0].rpartition("$")[0] == "$argon2id$v=19$m=8,t=1,p=1"


def test_a_thousand_tries_cost_a_quarter_of_an_hour_and_never_more(
    ledger: Ledger, now: datetime
) -> None:
    asked = attempts.patience_with("lin", "192.0.2.1")
    others = attempts.patience_with("lin", "192.0.2.2")
    with ledger.begin() as connection:
        attempts.failed(connection, asked, now=now)
        connection.execute(sa.update(attempts_table).values(failures=999))
        attempts.failed(connection, asked, now=now)
        assert attempts.wait(connection, asked, now=now) == timedelta(minutes=15)
        # nobody is locked out by somebody elsewhere, nor for ever
        assert attempts.wait(connection, others, now=now) == timedelta()
        assert attempts.wait(connection, asked, now=now + timedelta(minutes=15)) <= timedelta()


@lite
def test_of_a_hundred_sign_ins_two_are_hashed_ten_wait_the_rest_comes_again(
    desk: Visited, hasher: Held
) -> None:
    """And meanwhile everybody else is served: the webhook, the probes, who is in already."""
    inside = desk.signed_in("lin", "viewer")
    visitors = [desk.visitor() for _ in range(100)]
    forms = [visitor.get("/console/login").csrf for visitor in visitors]
    hasher.go_on.clear()

    def sign_in(number: int) -> int:
        form = {"csrf": forms[number], "name": f"name{number}", "password": GOOD}
        return visitors[number].post("/console/login", form).status

    with ThreadPoolExecutor(100) as crowd:
        tried = [crowd.submit(sign_in, number) for number in range(100)]
        try:
            refused = [one.result() for one in finished(tried, 100 - AT_ONCE - WAITING_LIMIT)]
            assert inside.get("/console/password").status == 200
            assert inside.get("/health/live").status == 200
            assert desk.deliver(b'{"id":"evt_1"}') == 200
        finally:
            hasher.go_on.set()
    assert refused == [429] * (100 - AT_ONCE - WAITING_LIMIT)
    statuses = [one.result() for one in tried]
    assert statuses.count(401) == AT_ONCE + WAITING_LIMIT
    assert hasher.most == AT_ONCE
    assert AT_ONCE + WAITING_LIMIT > THREADS


def finished(tried: list[Future[int]], count: int) -> list[Future[int]]:
    """The first so many that end."""
    done: list[Future[int]] = []
    for one in as_completed(tried):
        done.append(one)
        if len(done) == count:
            return done
    return done


def test_of_ten_thousand_sessions_the_newest_twenty_last(desk: Visited) -> None:
    user = desk.know("lin", "viewer")
    now = desk.clock()
    rows = [
        {"digest": f"{number:064}", "user_id": user, "address": "",
         "started_at": now + timedelta(seconds=number), "seen_at": now + timedelta(seconds=number)}
        for number in range(10_000)
    ]  # fmt: skip
    with desk.ledger.begin() as connection:
        connection.execute(sa.insert(sessions_table), rows)
        last = now + timedelta(hours=3)
        sessions.start(connection, "f" * 64, user, address="", now=last)
        left = [session.digest for _, session in sessions.all_of(connection, user)]
    assert left == ["f" * 64, *(f"{number:064}" for number in range(9_999, 9_980, -1))]


def test_who_begins_to_sign_in_elsewhere_and_never_returns_fills_nothing(
    ledger: Ledger, now: datetime
) -> None:
    with ledger.begin() as connection:
        for number in range(30):
            begun = BEGUN._replace(digest=str(number), started_at=now + timedelta(seconds=number))
            handshakes.begin(connection, begun, limit=10)
        left = set(connection.scalars(sa.select(handshakes_table.c.digest)))
    assert left == {str(number) for number in range(20, 30)}
    assert handshakes.HANDSHAKES_LIMIT == 10_000


@lite
def test_nobody_holds_a_line_open_to_watch(desk: Visited) -> None:
    """There is no stream of events and no WebSocket: a thousand viewers ask a thousand times."""
    visitor = desk.signed_in("lin", "viewer")
    asked = {
        "connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    }  # fmt: skip
    answer = visitor.ask("GET", "/console/password", None, asked)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    answer = visitor.get("/console/today", accept="text/event-stream")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
