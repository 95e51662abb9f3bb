"""Which message is sent next, whoever asks, and that none is skipped or doubled."""

import random
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from service.core.instant import to_micros
from service.core.messages import Message
from service.ledger import outbox
from service.ledger.engine import Ledger
from service.ledger.outbox import AWAY, Claim, Dispatch, Settled
from service.ledger.schema import dispatches
from service.ledger.schema import outbox as outbox_table

LEASE = timedelta(seconds=60)
MINUTE = timedelta(minutes=1)


def message(stream: str, seq: int) -> Message:
    return Message(f"{stream}#{seq}", stream, seq, "shop", "pingpp.order.paid.v1", b"{}")


def enqueue(
    ledger: Ledger, names: Sequence[tuple[str, int]], now: datetime, sinks: Sequence[str] = ("a",)
) -> None:
    with ledger.begin() as connection:
        outbox.enqueue(connection, [message(*name) for name in names], sinks, now=now)


def claim(ledger: Ledger, now: datetime, *, sink: str = "a", limit: int = 100) -> Claim:
    with ledger.begin() as connection:
        return outbox.claim(connection, sink, limit=limit, lease=LEASE, now=now)


def settle(ledger: Ledger, claimed: Claim, results: Sequence[Settled], now: datetime) -> int:
    with ledger.begin() as connection:
        return outbox.settle(connection, claimed, results, now=now)


def sent(rows: Sequence[Dispatch]) -> list[Settled]:
    return [Settled(row, "sent") for row in rows]


def names(claimed: Claim) -> list[tuple[str, int]]:
    return [(row.message.stream, row.message.seq) for row in claimed.rows]


def test_each_sink_gets_every_message_once(ledger: Ledger, now: datetime) -> None:
    enqueue(ledger, [("x", 1), ("y", 1)], now, sinks=("a", "b"))
    for sink in ("a", "b"):
        claimed = claim(ledger, now, sink=sink)
        assert sorted(names(claimed)) == [("x", 1), ("y", 1)]
        assert settle(ledger, claimed, sent(claimed.rows), now) == 0
        assert claim(ledger, now, sink=sink).rows == ()


def test_a_message_without_a_sink_is_kept(ledger: Ledger, now: datetime) -> None:
    enqueue(ledger, [("x", 1)], now, sinks=())
    with ledger.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(outbox_table)) == 1


def test_what_is_claimed_is_whole(ledger: Ledger, now: datetime) -> None:
    enqueue(ledger, [("x", 1)], now)
    assert claim(ledger, now).rows[0].message == message("x", 1)


def test_a_stream_is_claimed_from_its_first_waiting_message(ledger: Ledger, now: datetime) -> None:
    enqueue(ledger, [("x", seq) for seq in range(1, 8)], now)
    first = claim(ledger, now, limit=3)
    assert names(first) == [("x", 1), ("x", 2), ("x", 3)]
    assert claim(ledger, now).rows == (), "what follows belongs to whoever has the first"
    settle(ledger, first, sent(first.rows), now)
    assert names(claim(ledger, now)) == [("x", 4), ("x", 5), ("x", 6), ("x", 7)]


def test_a_batch_is_shared_by_the_streams_that_are_due(ledger: Ledger, now: datetime) -> None:
    enqueue(ledger, [(stream, seq) for stream in "xy" for seq in range(1, 9)], now)
    assert names(claim(ledger, now, limit=6)) == [
        ("x", 1), ("x", 2), ("x", 3), ("y", 1), ("y", 2), ("y", 3),
    ]  # fmt: skip


def test_nothing_passes_a_message_that_waits_for_its_retry(ledger: Ledger, now: datetime) -> None:
    enqueue(ledger, [("x", 1), ("x", 2), ("y", 1)], now)
    claimed = claim(ledger, now)
    x1, _x2, y1 = claimed.rows
    retry = Settled(x1, "waiting", "status 500", now + MINUTE)
    assert settle(ledger, claimed, [retry, Settled(y1, "sent")], now) == 0
    assert claim(ledger, now).rows == ()
    later = claim(ledger, now + MINUTE)
    assert names(later) == [("x", 1), ("x", 2)]
    assert [row.attempts for row in later.rows] == [1, 0]


def test_a_message_that_comes_behind_a_retry_waits_too(ledger: Ledger, now: datetime) -> None:
    enqueue(ledger, [("x", 1)], now)
    claimed = claim(ledger, now)
    settle(ledger, claimed, [Settled(claimed.rows[0], "waiting", "timeout", now + MINUTE)], now)
    enqueue(ledger, [("x", 2)], now)
    assert claim(ledger, now).rows == ()
    assert names(claim(ledger, now + MINUTE)) == [("x", 1), ("x", 2)]


def test_the_stream_goes_on_behind_a_dead_letter(ledger: Ledger, now: datetime) -> None:
    enqueue(ledger, [("x", 1), ("x", 2)], now)
    claimed = claim(ledger, now, limit=1)
    settle(ledger, claimed, [Settled(claimed.rows[0], "dead", "status 400")], now)
    assert names(claim(ledger, now)) == [("x", 2)]


def test_what_was_not_tried_is_free_again_at_once(ledger: Ledger, now: datetime) -> None:
    enqueue(ledger, [("x", 1), ("y", 1)], now)
    claimed = claim(ledger, now)
    settle(ledger, claimed, sent(claimed.rows[:1]), now)
    again = claim(ledger, now)
    assert names(again) == [("y", 1)]
    assert again.rows[0].attempts == 0


def test_a_crashed_claim_is_taken_over_when_its_lease_has_run_out(
    ledger: Ledger, now: datetime
) -> None:
    enqueue(ledger, [("x", 1), ("x", 2)], now)
    crashed = claim(ledger, now)
    assert claim(ledger, now + LEASE - timedelta(seconds=1)).rows == ()
    assert names(claim(ledger, now + LEASE)) == names(crashed)


@pytest.mark.parametrize("state", ["sent", "waiting", "dead"])
def test_a_late_holder_writes_nothing(ledger: Ledger, now: datetime, state: str) -> None:
    enqueue(ledger, [("x", 1), ("x", 2)], now)
    late = claim(ledger, now)
    later = now + LEASE
    holder = claim(ledger, later)
    retry_at = later + MINUTE if state == "waiting" else None
    assert settle(ledger, late, [Settled(late.rows[0], state, None, retry_at)], later) == 1
    assert claim(ledger, later).rows == (), "the holder's claim still stands"
    assert settle(ledger, holder, sent(holder.rows), later) == 0
    assert settle(ledger, late, sent(late.rows), later) == 2


def test_a_sink_that_is_back_gets_what_waited_for_it(ledger: Ledger, now: datetime) -> None:
    enqueue(ledger, [("x", 1), ("x", 2), ("y", 1)], now)
    claimed = claim(ledger, now)
    x1, _x2, y1 = claimed.rows
    hour = now + timedelta(hours=1)
    away = Settled(x1, "waiting", f"{AWAY}connect", hour)
    refused = Settled(y1, "waiting", "status 400", hour)
    settle(ledger, claimed, [away, refused], now)
    with ledger.begin() as connection:
        assert outbox.hasten(connection, "a", now=now) == 2
    assert names(claim(ledger, now)) == [("x", 1), ("x", 2)]


def test_asking_whether_anything_is_due_agrees_with_claiming(ledger: Ledger, now: datetime) -> None:
    def is_due() -> bool:
        with ledger.read() as connection:
            return outbox.is_due(connection, "a", now=now)

    assert not is_due()
    enqueue(ledger, [("x", 1), ("x", 2)], now)
    assert is_due()
    claimed = claim(ledger, now)
    assert not is_due()
    settle(ledger, claimed, [], now)
    assert is_due()


def test_dispatchers_side_by_side_send_each_message_once_and_in_order(
    ledger: Ledger, now: datetime
) -> None:
    streams, length, dispatchers = 40, 25, 4
    wanted = [(f"s{number}", seq) for seq in range(1, length + 1) for number in range(streams)]
    enqueue(ledger, wanted, now)
    log: dict[str, list[int]] = defaultdict(list)
    lock = threading.Lock()

    def dispatch(seed: int) -> None:
        dice = random.Random(seed)
        while True:
            with ledger.read() as connection:
                if not _count_waiting(connection):
                    return
            claimed = claim(ledger, now, limit=dice.randint(1, 60))
            for row in claimed.rows:
                with lock:
                    log[row.message.stream].append(row.message.seq)
            time.sleep(dice.random() / 200)
            assert settle(ledger, claimed, sent(claimed.rows), now) == 0

    with ThreadPoolExecutor(dispatchers) as pool:
        list(pool.map(dispatch, range(dispatchers)))
    assert dict(log) == {f"s{n}": list(range(1, length + 1)) for n in range(streams)}


def test_writers_that_commit_out_of_order_of_their_ids_lose_nothing(
    ledger: Ledger, now: datetime
) -> None:
    writers, each = 8, 60
    done = threading.Event()

    def write(writer: int) -> None:
        dice = random.Random(writer)
        for seq in range(1, each + 1):
            with ledger.begin() as connection:
                outbox.enqueue(connection, [message(f"w{writer}", seq)], ("a",), now=now)
                time.sleep(dice.random() / 500)

    def read() -> list[tuple[str, int]]:
        seen: list[tuple[str, int]] = []
        while True:
            finished = done.is_set()
            claimed = claim(ledger, now, limit=50)
            seen += names(claimed)
            settle(ledger, claimed, sent(claimed.rows), now)
            if finished and not claimed.rows:
                return seen
            time.sleep(0.002)

    with ThreadPoolExecutor(writers + 1) as pool:
        reader = pool.submit(read)
        list(pool.map(write, range(writers)))
        done.set()
        seen = reader.result()
    assert sorted(seen) == [(f"w{w}", seq) for w in range(writers) for seq in range(1, each + 1)]
    for writer in range(writers):
        order = [seq for stream, seq in seen if stream == f"w{writer}"]
        assert all(a < b for a, b in pairwise(order))


def _count_waiting(connection: sa.Connection) -> int:
    waiting = sa.select(sa.func.count()).where(dispatches.c.state == "waiting")
    return connection.scalar(waiting) or 0


def test_a_claim_uses_its_partial_indexes_beside_100000_settled_rows(
    ledger: Ledger, now: datetime
) -> None:
    fill(ledger, "old", 100_000, now, state="sent")
    with ledger.begin() as connection:
        connection.execute(sa.text("ANALYZE"))
    # the statistics say that nothing waits: they are from before this backlog
    fill(ledger, "new", 20_000, now, state="waiting")
    for statement in (outbox.HEADS, outbox.DUE):
        plan = explain(ledger, statement, {"sink": "a", "limit": 500, "now": now})
        assert "ix_dispatches_waiting" in plan
        assert "ix_dispatches_stream_waiting" in plan
        for table in ("dispatches", "head", "first", "outbox"):
            assert f"Seq Scan on {table}" not in plan
            assert f"SCAN {table}\n" not in plan
        assert "Join Filter" not in plan
        assert "TEMP B-TREE" not in plan


def test_a_backlog_is_claimed_in_steps_that_do_not_grow_with_it(
    ledger: Ledger, now: datetime
) -> None:
    fill(ledger, "new", 50_000, now, state="waiting")
    # with a plan that looks at the whole backlog for each message this takes minutes
    claimed = claim(ledger, now, limit=1000)
    assert len(claimed.rows) == 1000
    assert settle(ledger, claimed, sent(claimed.rows), now) == 0


@pytest.mark.parametrize("dialect", [pytest.param("postgres", marks=pytest.mark.postgres)])
@pytest.mark.parametrize("analyzed", [False, True])
def test_a_claim_walks_what_it_takes_whatever_the_statistics_say(
    ledger: Ledger, now: datetime, analyzed: bool
) -> None:
    fill(ledger, "new", 20_000, now, state="waiting")
    if analyzed:
        with ledger.begin() as connection:
            connection.execute(sa.text("ANALYZE"))
    asked: list[tuple[str, Any]] = []
    with ledger.begin() as connection:
        event.listen(connection, "before_cursor_execute", lambda *told: asked.append(told[2:4]))
        claimed = outbox.claim(connection, "a", limit=1_000, lease=LEASE, now=now)
        outbox.settle(connection, claimed, sent(claimed.rows), now=now)
        plans = {
            text.split()[0]: connection.exec_driver_sql(f"EXPLAIN {text}", values).scalars().all()
            for text, values in list(asked)
            if not text.startswith("SET")
        }
    assert len(claimed.rows) == 1_000
    heads, updates = ("\n".join(plans[word]) for word in ("SELECT", "UPDATE"))
    assert "Index Scan using ix_dispatches_waiting on dispatches head" in heads
    assert "Sort" not in heads
    assert "Index Scan using pk_dispatches on dispatches" in updates


FILL = """
INSERT INTO outbox (message_id, stream, seq, account, type, body, created_at)
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count)
SELECT :prefix || i, :prefix || (i / 10), i % 10 + 1, 'shop', 't', :body, :at FROM n
"""
FILL_DISPATCHES = """
INSERT INTO dispatches (outbox_id, sink, stream, seq, state, attempts, next_try_at)
SELECT id, 'a', stream, seq, :state, 0, created_at FROM outbox WHERE stream LIKE :prefix || '%'
"""


def fill(ledger: Ledger, prefix: str, count: int, now: datetime, *, state: str) -> None:
    """Many messages, ten to a stream, made inside the database."""
    values = {"prefix": prefix, "count": count, "body": b"{}", "at": to_micros(now)}
    with ledger.begin() as connection:
        connection.execute(sa.text(FILL), values)
        connection.execute(sa.text(FILL_DISPATCHES), {"prefix": prefix, "state": state})


def explain(ledger: Ledger, statement: sa.Select[Any], values: dict[str, object]) -> str:
    """The plan of the very statement, with its parameters bound as they are in earnest."""
    prefix = "EXPLAIN QUERY PLAN " if ledger.dialect == "sqlite" else "EXPLAIN "

    def explained(*told: Any) -> tuple[str, Any]:
        return prefix + told[2], told[3]

    with ledger.begin() as connection:
        event.listen(connection, "before_cursor_execute", explained, retval=True)
        rows = connection.execute(statement, values).all()
    return "\n".join(str(row[-1]) for row in rows) + "\n"
