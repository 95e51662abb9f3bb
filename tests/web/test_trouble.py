"""Whatever happens to the database: is what was acknowledged stored, and is it never a 500?"""

import resource
import sqlite3
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from service.ledger.engine import Ledger, open_ledger
from service.ledger.inbox import InboxLimits
from tests.conftest import VAULT

SENDERS = 8
ANSWER_LIMIT = InboxLimits(answer_seconds=0.5)


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def event(number: int) -> bytes:
    return b'{"id":"evt_%d","pad":"%s"}' % (number, b"x" * 500)


def post_all(served: Any, count: int) -> dict[str, int]:
    """Post events from several senders at once; the answer for each id."""

    def post(number: int) -> int:
        return served.post(event(number))

    with ThreadPoolExecutor(SENDERS) as pool:
        answers = list(pool.map(post, range(count)))
    return {f"evt_{number}": answer for number, answer in enumerate(answers)}


def check_acknowledged_is_stored(served: Any, answers: dict[str, int]) -> None:
    assert set(answers.values()) <= {200, 503}
    acknowledged = {key for key, answer in answers.items() if answer == 200}
    assert acknowledged <= {key for (key,) in served.rows("dedup_key")}


def postgres_url(ledger: Ledger) -> str:
    return ledger.writer.url.set(drivername="postgresql").render_as_string(hide_password=False)


@contextmanager
def held(ledger: Ledger) -> Generator[None]:
    """Another process's lock on what the inbox writes to."""
    if ledger.dialect == "sqlite":
        with closing(sqlite3.connect(str(ledger.writer.url.database), timeout=60)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.rollback()
    else:
        with psycopg.connect(postgres_url(ledger)) as other:
            other.execute("LOCK TABLE deliveries IN ACCESS EXCLUSIVE MODE")
            yield
            other.rollback()


def test_a_database_that_does_not_answer_is_given_up_and_found_again(serve: Any) -> None:
    with serve(inbox_limits=ANSWER_LIMIT) as served:
        with held(served.ledger):
            answers = {f"evt_{number}": served.post(event(number)) for number in range(3)}
            assert set(answers.values()) == {503}
        again = 0
        while again != 200:
            again = served.post(event(9))
        check_acknowledged_is_stored(served, {**answers, "evt_9": again})


@pytest.mark.postgres
@pytest.mark.parametrize("dialect", ["postgres"], indirect=True)
def test_connections_cut_at_any_moment_lose_and_double_nothing(served: Any) -> None:
    stop = threading.Event()

    def cut() -> None:
        with psycopg.connect(postgres_url(served.ledger), autocommit=True) as other:
            while not stop.wait(0.02):
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )

    cutter = threading.Thread(target=cut)
    cutter.start()
    answers = post_all(served, 300)
    stop.set()
    cutter.join()
    assert served.post(event(1_000)) in (200, 503)
    check_acknowledged_is_stored(served, answers)
    assert set(post_all(served, 300).values()) == {200}
    assert len(served.rows("dedup_key")) in (300, 301)


@pytest.mark.postgres
@pytest.mark.parametrize("dialect", ["postgres"], indirect=True)
def test_a_database_that_turned_read_only_is_never_acknowledged(served: Any) -> None:
    assert served.post(event(1)) == 200
    set_read_only(served.ledger, "on")
    assert set(post_all(served, 20).values()) <= {503, 200}
    assert served.rows("dedup_key") == [("evt_1",)]
    set_read_only(served.ledger, "off")
    served.post(event(2))
    assert served.post(event(2)) == 200


def set_read_only(ledger: Ledger, value: str) -> None:
    """As a failover does it: for every new session, the old ones are cut."""
    with psycopg.connect(postgres_url(ledger), autocommit=True) as other:
        other.execute("SET default_transaction_read_only = off")
        name = other.info.dbname
        other.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = {value}".encode())
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_a_disk_that_takes_no_more_is_our_fault_until_it_does(served: Any) -> None:
    """The kernel itself refuses to let any file grow, as a full disk does."""
    # well above what a test runner itself writes meanwhile
    assert served.post(event(0) + b" " * 1_000_000) == 200
    size = Path(f"{served.ledger.writer.url.database}-wal").stat().st_size
    with files_no_larger_than(size + 20_000):
        answers = post_all(served, 100)
    assert 503 in answers.values()
    check_acknowledged_is_stored(served, answers)
    assert set(post_all(served, 100).values()) == {200}
    assert len(served.rows("dedup_key")) == 101


@contextmanager
def files_no_larger_than(size: int) -> Generator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_the_same_request_to_two_receivers_at_once_is_one_row(
    serve: Callable[..., Any], database_url: str
) -> None:
    body = event(1)
    with (
        closing(open_ledger(database_url, VAULT)) as other,
        serve() as here,
        serve(ledger=other) as there,
    ):
        request: bytes = here.signed(body)

        def ask(number: int) -> int:
            return status((here, there)[number % 2].raw(request))

        with ThreadPoolExecutor(32) as pool:
            assert set(pool.map(ask, range(32))) == {200}
        assert here.rows("dedup_key", "repeats") == [("evt_1", 31)]


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
def test_a_flood_of_forgeries_takes_no_memory_and_leaves_no_row(served: Any) -> None:
    signature = (b"X-Pingplusplus-Signature", served.sign(b"something else"))
    forged = served.request(event(1) * 4, signature).replace(b"Connection: close\r\n", b"")
    last = served.request(event(1), signature)
    send(served, forged * 300 + last)
    before = psutil.Process().memory_info().rss
    for _ in range(10):
        assert send(served, forged * 300 + last) == 301
    assert psutil.Process().memory_info().rss - before < 16_000_000
    assert served.rows() == []
    assert served.post(event(1)) == 200


def send(served: Any, requests: bytes) -> int:
    """How many were refused."""
    return served.raw(requests).count(b"HTTP/1.1 401 ")
