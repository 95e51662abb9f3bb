"""What every sink promises: at least once, in order of each object, the same id and bytes."""

import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from cloudevents.core.formats.json import JSONFormat

from service.core.messages import change_message
from service.ledger import outbox
from service.ledger.engine import Ledger
from service.ledger.schema import dispatches
from service.outbound.sink import Sink
from service.work.outlet import Outlet
from service.work.publish import LEASE, Published, publish
from tests.outbound.conftest import PAIRS, Clock, by_subject, first_arrivals
from tests.outbound.sides import OtherSide, open_sink

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=PAIRS, ids="-".join)
def pair(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Which database, and which kind of sink."""
    return request.param


@pytest.fixture
def dialect(pair: tuple[str, str]) -> str:
    return pair[0]


def enqueue(ledger: Ledger, objects: int, length: int, *, first: int = 0) -> dict[str, bytes]:
    """Changes of some objects, one after the other; gives the bytes of each message by its id."""
    now = ledger.now()
    messages = [
        change_message(
            "epoch", "shop", "order", f"{number:019d}", seq,
            before=None if seq == 1 else {"status": "created", "amount": seq - 1},
            after={"status": "paid", "amount": seq, "currency": "cny"},
            correction=False, source="webhook", at=now,
        )
        for seq in range(1, length + 1) for number in range(first, first + objects)
    ]  # fmt: skip
    with ledger.begin() as connection:
        outbox.enqueue(connection, messages, ("out",), now=now)
    return {message.message_id: message.body for message in messages}


def states(ledger: Ledger) -> dict[str, int]:
    counted = sa.select(dispatches.c.state, sa.func.count()).group_by(dispatches.c.state)
    with ledger.read() as connection:
        return {str(row[0]): int(row[1]) for row in connection.execute(counted)}


def run(ledger: Ledger, outlet: Outlet, clock: Clock) -> Published:
    return publish(ledger, outlet, chance=lambda: 0.5, clock=clock)


def wanted(objects: int, length: int) -> dict[str, list[int]]:
    return {f"order/{number:019d}": list(range(1, length + 1)) for number in range(objects)}


def test_every_message_arrives_once_and_in_order(
    ledger: Ledger, side: OtherSide, sink: Sink, clock: Clock
) -> None:
    made = enqueue(ledger, objects=20, length=6)
    assert run(ledger, Outlet(sink), clock) == Published(sent=120)
    assert by_subject(side.bodies()) == wanted(20, 6)
    assert sorted(side.bodies()) == sorted(made.values())
    assert states(ledger) == {"sent": 120}


def test_what_arrives_is_a_cloud_event(
    ledger: Ledger, side: OtherSide, sink: Sink, clock: Clock
) -> None:
    made = enqueue(ledger, objects=2, length=2)
    run(ledger, Outlet(sink), clock)
    events = [JSONFormat().read(None, body) for body in side.bodies()]
    assert {event.get_id() for event in events} == set(made)
    assert {event.get_source() for event in events} == {"/pingledger/shop"}
    assert all(event.get_time() is not None for event in events)


def test_nothing_counts_as_sent_while_nobody_is_there(
    ledger: Ledger, side: OtherSide, sink: Sink, clock: Clock
) -> None:
    enqueue(ledger, objects=30, length=3)
    outlet = Outlet(sink)
    side.go_away()
    gone = run(ledger, outlet, clock)
    assert gone.sent == gone.dead == 0
    assert 0 < gone.later < 30, "an outage uses up the attempts of few messages"
    assert states(ledger) == {"waiting": 90}
    side.come_back()
    clock.advance(timedelta(seconds=10))
    fresh = Outlet(sink)
    assert run(ledger, fresh, clock).sent == 90
    assert by_subject(side.bodies()) == wanted(30, 3)


def test_after_a_long_outage_all_goes_at_once(
    ledger: Ledger, side: OtherSide, sink: Sink, clock: Clock
) -> None:
    enqueue(ledger, objects=30, length=2)
    side.go_away()
    for _ in range(6):
        # each process has to find out by itself that nobody is there
        run(ledger, Outlet(sink), clock)
        clock.advance(timedelta(seconds=6))
    side.come_back()
    outlet = Outlet(sink)
    sent = run(ledger, outlet, clock).sent + run(ledger, outlet, clock).sent
    assert sent == 60, "nobody waits for the five minutes of its own schedule"
    assert by_subject(side.bodies()) == wanted(30, 2)


def test_a_crash_between_sending_and_settling_sends_the_same_again(
    ledger: Ledger, side: OtherSide, sink: Sink, clock: Clock
) -> None:
    made = enqueue(ledger, objects=4, length=3)
    with ledger.begin() as connection:
        crashed = outbox.claim(connection, "out", limit=100, lease=LEASE, now=clock())
    for row in crashed.rows:
        sink.send([row.message], now=clock())
    assert states(ledger) == {"waiting": 12}
    assert run(ledger, Outlet(sink), clock) == Published(), "its lease still runs"
    clock.advance(LEASE)
    assert run(ledger, Outlet(sink), clock).sent == 12
    copies = 1 if side.drops_repeats else 2
    assert sorted(side.bodies()) == sorted(copies * list(made.values()))
    assert {s: first_arrivals(q) for s, q in by_subject(side.bodies()).items()} == wanted(4, 3)


def test_two_dispatchers_share_the_work_and_keep_the_order(
    ledger: Ledger, side: OtherSide, clock: Clock
) -> None:
    made = enqueue(ledger, objects=25, length=8)

    def dispatch(_number: int) -> Published:
        with closing(open_sink(side.kind, side.address, side.place)) as sink:
            done = Published()
            while "waiting" in states(ledger):
                done += run(ledger, Outlet(sink), clock)
            return done

    with ThreadPoolExecutor(2) as pool:
        done = sum(pool.map(dispatch, range(2)), Published())
    assert done == Published(sent=200)
    assert by_subject(side.bodies()) == wanted(25, 8)
    assert sorted(side.bodies()) == sorted(made.values())


@pytest.mark.slow
def test_a_killed_dispatcher_loses_nothing_and_changes_nothing(
    ledger: Ledger, database_url: str, side: OtherSide, clock: Clock, kill_rounds: int
) -> None:
    if side.kind not in ("jsonl", "webhook"):
        kill_rounds = max(2, kill_rounds // 3)
    objects, length = 30, 3 * kill_rounds
    made = enqueue(ledger, objects, length)
    dice = random.Random(1)
    command = [sys.executable, "-m", "tests.outbound.dispatcher", database_url]
    for _ in range(kill_rounds):
        free_leases(ledger)
        process = subprocess.Popen(
            [*command, side.kind, side.address, side.place], cwd=ROOT, stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        with process.stdout:
            assert process.stdout.readline() == b"ready\n"
        time.sleep(dice.random() / 3)
        process.kill()
        process.wait()
    free_leases(ledger)
    with closing(open_sink(side.kind, side.address, side.place)) as sink:
        while "waiting" in states(ledger):
            run(ledger, Outlet(sink), clock)
    assert states(ledger) == {"sent": objects * length}
    assert set(side.bodies()) == set(made.values())
    arrived = {s: first_arrivals(q) for s, q in by_subject(side.bodies()).items()}
    assert arrived == wanted(objects, length)


def free_leases(ledger: Ledger) -> None:
    """As if the time of a lease had passed since the kill."""
    with ledger.begin() as connection:
        connection.execute(
            sa.update(dispatches)
            .where(dispatches.c.claimed_until.is_not(None))
            .values(claimed_until=ledger.now() - LEASE)
        )
