"""Due objects are claimed once, by one worker at a time, and no account keeps another waiting."""

import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from service.core.observation import Key
from service.ledger import watches
from service.ledger.engine import Connection, Ledger, open_ledger
from service.ledger.schema import watches as table
from service.ledger.watches import Look, Watch

LEASE = timedelta(seconds=60)
MINUTE = timedelta(minutes=1)
WATCHES = 2000
CLAIMER = """
import sys
from datetime import datetime, timedelta
from service.ledger import watches
from service.ledger.engine import open_ledger

ledger, now = open_ledger(sys.argv[1]), datetime.fromisoformat(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
while True:
    with ledger.begin() as connection:
        taken = watches.claim(connection, {"shop": 20}, lease=timedelta(hours=1), now=now)
    if not taken:
        break
    print("".join(watch.key.object_id + "\\n" for watch in taken), end="", flush=True)
ledger.close()
"""


def order(number: int, account: str = "shop") -> Key:
    return Key(account, "order", f"2001{number:06d}")


def ask(ledger: Ledger, keys: list[Key], at: datetime) -> None:
    with ledger.begin() as connection:
        for key in keys:
            watches.request(connection, key, now=at, place={})


def take(ledger: Ledger, now: datetime, rooms: dict[str, int] | None = None) -> list[Watch]:
    with ledger.begin() as connection:
        return watches.claim(connection, rooms or {"shop": 10}, lease=LEASE, now=now)


def test_the_longest_due_are_claimed_first_and_only_once(ledger: Ledger, now: datetime) -> None:
    ask(ledger, [order(1)], now)
    ask(ledger, [order(2)], now - MINUTE)
    ask(ledger, [order(3)], now + MINUTE)
    assert [watch.key for watch in take(ledger, now)] == [order(2), order(1)]
    assert take(ledger, now) == []
    assert [watch.key for watch in take(ledger, now + MINUTE)] == [order(2), order(1), order(3)]


def test_an_account_with_a_long_queue_keeps_no_other_waiting(ledger: Ledger, now: datetime) -> None:
    ask(ledger, [order(n, "busy") for n in range(30)], now - MINUTE)
    ask(ledger, [order(n, "quiet") for n in range(2)], now)
    found = take(ledger, now, {"busy": 5, "quiet": 5})
    assert Counter(watch.key.account for watch in found) == {"busy": 5, "quiet": 2}
    with ledger.read() as connection:
        accounts = ["busy", "none", "quiet"]
        assert watches.due_accounts(connection, accounts, now=now) == ["busy"]


def test_a_late_holder_writes_nothing(ledger: Ledger, now: datetime) -> None:
    ask(ledger, [order(1)], now)
    (zombie,) = take(ledger, now)
    (holder,) = take(ledger, now + LEASE)
    with ledger.begin() as connection:
        watches.note_looks(connection, [Look(zombie, now, "http_5xx")])
        assert not watches.postpone(connection, zombie, next_look_at=now, failures=9)
        assert last_answer(connection) is None
        watches.note_looks(connection, [Look(holder, now, "timeout")])
        assert watches.postpone(connection, holder, next_look_at=now + MINUTE, failures=1)
        assert last_answer(connection) == "timeout"
    (again,) = take(ledger, now + 2 * MINUTE)
    assert again.failures == 1


def last_answer(connection: Connection) -> str | None:
    return connection.scalar(sa.select(table.c.last_answer))


def test_looks_are_kept_newest_first(ledger: Ledger, now: datetime) -> None:
    ask(ledger, [order(1)], now)
    (watch,) = take(ledger, now)
    with ledger.begin() as connection:
        for minute, word in enumerate(("ok", "http_404", "http_404")):
            watches.note_looks(connection, [Look(watch, now + minute * MINUTE, word)])
        found = watches.recent_looks(connection, watch.key, limit=2)
    assert found == [(now + 2 * MINUTE, "http_404"), (now + MINUTE, "http_404")]


def test_a_request_makes_a_watch_and_says_where_to_ask(ledger: Ledger, now: datetime) -> None:
    key = Key("shop", "order_refund", "re_1")
    ask(ledger, [key], now)
    with ledger.begin() as connection:
        watches.request(connection, key, now=now, place={"order_id": "2001"})
        watches.request(connection, key, now=now, place={"order_id": None})
    (watch,) = take(ledger, now)
    assert watch.place == {"app": None, "order_id": "2001", "charge_id": None}


def test_a_request_never_pushes_a_look_away(ledger: Ledger, now: datetime) -> None:
    ask(ledger, [order(1)], now)
    ask(ledger, [order(1)], now + MINUTE)
    assert len(take(ledger, now)) == 1


@pytest.mark.slow
def test_four_threads_and_two_processes_claim_each_object_once(
    database_url: str, now: datetime
) -> None:
    with closing(open_ledger(database_url)) as ledger:
        rows = [
            {"account": "shop", "kind": "order", "object_id": order(number).object_id}
            | {"state": "active", "reason": "open", "next_look_at": now, "looks": 0, "failures": 0}
            for number in range(WATCHES)
        ]
        with ledger.begin() as connection:
            connection.execute(sa.insert(table), rows)
        processes = [start_claimer(database_url, now) for _ in range(2)]
        with ThreadPoolExecutor(6) as pool:
            for process in processes:
                tell(process, "go")
            mine = [pool.submit(claim_all, ledger, now) for _ in range(4)]
            theirs = [pool.submit(read_rest, process) for process in processes]
            taken = Counter(id_ for future in mine + theirs for id_ in future.result())
    assert len(taken) == WATCHES
    assert set(taken.values()) == {1}


def start_claimer(url: str, now: datetime) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", CLAIMER, url, now.isoformat()],
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def tell(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{word}\n")
    process.stdin.close()


def read_rest(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    with process.stdout as stdout:
        found = stdout.read().split()
    assert process.wait(60) == 0
    return found


def claim_all(ledger: Ledger, now: datetime) -> list[str]:
    found: list[str] = []
    while True:
        with ledger.begin() as connection:
            taken = watches.claim(connection, {"shop": 20}, lease=timedelta(hours=1), now=now)
        if not taken:
            return found
        found += [watch.key.object_id for watch in taken]


def test_claiming_reads_the_index_of_what_is_due(ledger: Ledger, now: datetime) -> None:
    ask(ledger, [order(number) for number in range(50)], now)
    compiled = watches.NEXT.compile(
        dialect=ledger.writer.dialect, compile_kwargs={"render_postcompile": True}
    )
    explain = "EXPLAIN " if ledger.dialect == "postgresql" else "EXPLAIN QUERY PLAN "
    values = {"of_account": "shop", "now": 1, "limit": 5}
    with ledger.begin() as connection:
        if ledger.dialect == "postgresql":
            connection.execute(sa.text("SET LOCAL enable_seqscan = off"))
        given = compiled.construct_params(values)
        positional = compiled.positiontup
        parameters = tuple(given[n] for n in positional) if positional else given
        plan = connection.exec_driver_sql(explain + str(compiled), parameters).fetchall()
    text = "\n".join(" ".join(map(str, row)) for row in plan)
    assert "ix_watches_due" in text
    assert "TEMP B-TREE" not in text
    assert "Sort" not in text
