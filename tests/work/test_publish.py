"""What publishing makes of sinks that refuse, fail, hang or go away; the sinks here are fakes."""

import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from service.core.messages import Message
from service.ledger import letters, outbox, sinks
from service.ledger.engine import Connection, Ledger
from service.outbound.sink import Dead, Later, Receipt, Sent
from service.work.outlet import FAILING_STREAMS, Outlet
from service.work.publish import BATCH_LIMIT, Published, publish, publish_all

FOREVER = 60.0


def take_all(_message: Message) -> Receipt:
    return Sent()


@dataclass
class Sink:
    """Answers as `answer` says, and remembers what it was handed."""

    name: str = "a"
    answer: Callable[[Message], Receipt] = take_all
    at_once: int = 1
    one_by_one: bool = False
    workers: int = 1
    taken: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    sizes: list[int] = field(default_factory=list[int])

    def send(self, messages: Sequence[Message], *, now: datetime) -> Receipt:
        receipt = self.answer(messages[0])
        self.sizes.append(len(messages))
        self.taken += [(message.stream, message.seq) for message in messages]
        return receipt

    def close(self) -> None:
        return


@dataclass
class Time:
    """A clock for stored times, and one for pauses."""

    now: datetime
    seconds: float = 0.0

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, by: timedelta) -> None:
        self.now += by
        self.seconds += by.total_seconds()

    def outlet(self, sink: Sink) -> Outlet:
        return Outlet(sink, monotonic=lambda: self.seconds)


@pytest.fixture
def clock(now: datetime) -> Time:
    return Time(now)


Names = tuple[str, int]


def enqueue(ledger: Ledger, clock: Time, *names: Names, sinks: Sequence[str] = ("a",)) -> None:
    with ledger.begin() as connection:
        messages = [
            Message(f"{stream}#{seq}", stream, seq, "shop", "t", b"{}") for stream, seq in names
        ]
        outbox.enqueue(connection, messages, sinks, now=clock.now)


def run(ledger: Ledger, outlet: Outlet, clock: Time, *, budget: float = FOREVER) -> Published:
    return publish(ledger, outlet, chance=lambda: 0.5, clock=clock, budget_seconds=budget)


def refuse(stream: str) -> Callable[[Message], Receipt]:
    return lambda message: Later("status 400") if message.stream == stream else Sent()


def test_nothing_due_is_nothing_done(ledger: Ledger, clock: Time) -> None:
    assert run(ledger, clock.outlet(Sink()), clock) == Published()


def test_a_poison_message_holds_up_its_own_stream_only_and_gives_up_in_the_end(
    ledger: Ledger, clock: Time
) -> None:
    sink = Sink(answer=refuse("bad"))
    outlet = clock.outlet(sink)
    others = [(f"good{number}", seq) for seq in (1, 2) for number in range(40)]
    enqueue(ledger, clock, ("bad", 1), ("bad", 2), *others)
    assert run(ledger, outlet, clock) == Published(sent=80, later=1)
    waits: list[timedelta] = []
    while not (done := run(ledger, outlet, clock)).dead:
        assert done.sent == 0
        step = timedelta(seconds=1) if len(waits) < 100 else timedelta(minutes=10)
        clock.pass_by(step)
        waits.append(step)
    assert timedelta(days=3) < sum(waits, timedelta()) < timedelta(days=3, hours=5)
    assert [name for name in sink.taken if name[0] == "bad"][:-1] == [("bad", 1)] * 10
    assert done.later == 1, "the stream goes on behind a dead letter"
    with ledger.read() as connection:
        (dead,) = letters.dead_letters(connection)
    assert (dead.message_id, dead.last_error, dead.attempts) == ("bad#1", "status 400", 10)


def test_a_retry_waits_as_long_as_the_other_side_asks(ledger: Ledger, clock: Time) -> None:
    asked = timedelta(minutes=10)
    sink = Sink(answer=lambda _message: Later("status 429", asked))
    outlet = clock.outlet(sink)
    enqueue(ledger, clock, ("x", 1), ("y", 1))
    assert run(ledger, outlet, clock) == Published(later=1), "the whole sink was asked to wait"
    clock.pass_by(timedelta(seconds=59))
    assert run(ledger, outlet, clock) == Published()
    clock.pass_by(timedelta(seconds=2))
    sink.answer = take_all
    assert run(ledger, outlet, clock) == Published(sent=1)
    clock.pass_by(asked)
    assert run(ledger, outlet, clock) == Published(sent=1)


def test_a_sink_that_is_gone_is_switched_off_for_everybody_until_somebody_resumes_it(
    ledger: Ledger, clock: Time
) -> None:
    sink = Sink(answer=lambda _message: Dead("gone", gone=True))
    outlet = clock.outlet(sink)
    enqueue(ledger, clock, *[(f"s{number}", 1) for number in range(9)])
    assert run(ledger, outlet, clock) == Published(dead=1)
    clock.pass_by(timedelta(days=30))
    # as it is for another replica, and for this one after a restart
    for one in (outlet, clock.outlet(sink)):
        assert run(ledger, one, clock) == Published()
    with ledger.begin() as connection:
        (known,) = sinks.known(connection)
        assert (known.state, known.paused_for) == ("paused", "410 Gone")
        assert sinks.resume(connection, "a")
    sink.answer = take_all
    assert run(ledger, outlet, clock) == Published(sent=8)
    with ledger.read() as connection:
        assert [one.state for one in sinks.known(connection)] == ["ready"]


def test_an_outage_uses_up_few_attempts_and_ends_for_all_at_once(
    ledger: Ledger, clock: Time
) -> None:
    away = Sink(answer=lambda _message: Later("connect", away=True))
    outlet = clock.outlet(away)
    enqueue(ledger, clock, *[(f"s{number}", seq) for seq in (1, 2) for number in range(200)])
    tried = 0
    for _ in range(3600):
        tried += run(ledger, outlet, clock).later
        clock.pass_by(timedelta(seconds=1))
    assert tried < 90, "about one try a minute"
    away.answer = take_all
    clock.pass_by(timedelta(minutes=1))
    assert run(ledger, outlet, clock) == Published(sent=400)
    assert set(away.taken[-400:]) == {(f"s{n}", seq) for n in range(200) for seq in (1, 2)}


def test_few_are_claimed_for_a_sink_before_it_is_known_to_be_there(
    ledger: Ledger, clock: Time
) -> None:
    enqueue(ledger, clock, *[(f"s{number}", 1) for number in range(200)])
    sink = Sink(answer=lambda _message: Later("connect", away=True), at_once=100)
    outlet = clock.outlet(sink)
    assert run(ledger, outlet, clock) == Published(later=1)
    assert sink.sizes == [BATCH_LIMIT]
    clock.pass_by(timedelta(minutes=1))
    sink.answer = take_all
    assert run(ledger, outlet, clock) == Published(sent=200)
    assert sink.sizes[1:] == [BATCH_LIMIT, 100, 200 - BATCH_LIMIT - 100]


def test_one_bad_message_among_good_ones_closes_nothing(clock: Time) -> None:
    outlet = clock.outlet(Sink())
    for _ in range(3 * FAILING_STREAMS):
        outlet.note("bad", Later("status 400"))
        assert outlet.is_open()


def test_a_sink_that_fails_for_many_gets_longer_and_longer_pauses(clock: Time) -> None:
    outlet = clock.outlet(Sink())
    for number in range(FAILING_STREAMS):
        outlet.note(f"s{number}", Later("timeout"))
    pauses: list[float] = []
    for _ in range(8):
        began = clock.seconds
        while not outlet.is_open():
            clock.seconds += 0.5
        pauses.append(clock.seconds - began)
        outlet.note("s1", Later("timeout"))
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    outlet.note("s1", Sent())
    assert outlet.is_back()
    assert not outlet.is_back()


def test_a_fault_in_a_sink_is_a_failed_attempt_and_no_more(ledger: Ledger, clock: Time) -> None:
    def fail(message: Message) -> Receipt:
        if message.stream == "bad":
            raise ZeroDivisionError
        return Sent()

    enqueue(ledger, clock, ("bad", 1), ("good", 1))
    outlet = clock.outlet(Sink(answer=fail))
    assert run(ledger, outlet, clock) == Published(sent=1, later=1)


def test_a_group_that_fails_costs_one_attempt(ledger: Ledger, clock: Time) -> None:
    sink = Sink(at_once=100, answer=lambda _message: Later("enospc", away=True))
    enqueue(ledger, clock, *[(f"s{number}", 1) for number in range(50)])
    assert run(ledger, clock.outlet(sink), clock) == Published(later=1)


def test_a_hanging_answer_holds_up_one_worker_of_its_sink(ledger: Ledger, clock: Time) -> None:
    release = threading.Event()

    def answer(message: Message) -> Receipt:
        if message.stream == "slow":
            release.wait(FOREVER)
        return Sent()

    sink = Sink(answer=answer, workers=4)
    # alone, so that nothing else is in the same hands
    enqueue(ledger, clock, ("slow", 1))
    done: list[Published] = []
    runner = threading.Thread(target=lambda: done.append(run(ledger, clock.outlet(sink), clock)))
    runner.start()
    enqueue(ledger, clock, *[(f"s{number}", 1) for number in range(50)])
    _until(lambda: len(sink.taken) == 50)
    release.set()
    runner.join(FOREVER)
    assert done == [Published(sent=51)]


def test_a_slow_sink_holds_up_no_other(ledger: Ledger, clock: Time) -> None:
    release = threading.Event()

    def hang(_message: Message) -> Receipt:
        release.wait(FOREVER)
        return Sent()

    slow, fast = Sink("slow", answer=hang), Sink("fast")
    enqueue(ledger, clock, ("x", 1), ("y", 1), sinks=("slow", "fast"))
    done: dict[str, Published] = {}

    def all_of_them() -> None:
        outlets = [clock.outlet(slow), clock.outlet(fast)]
        done.update(publish_all(ledger, outlets, chance=lambda: 0.5, clock=clock))

    runner = threading.Thread(target=all_of_them)
    runner.start()
    _until(lambda: len(fast.taken) == 2)
    assert slow.taken == []
    release.set()
    runner.join(FOREVER)
    assert done == {"slow": Published(sent=2), "fast": Published(sent=2)}


def _until(true: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + FOREVER
    while not true():
        assert time.monotonic() < ends_at
        time.sleep(0.01)


class Asked(Ledger):
    """Counts how often its database is asked for the time, and how often it is written to."""

    times, written = 0, 0

    def now(self) -> datetime:
        self.times += 1
        return super().now()

    @contextmanager
    def begin(self) -> Generator[Connection]:
        self.written += 1
        with super().begin() as connection:
            yield connection


def test_the_database_is_asked_for_the_time_once_a_firing(ledger: Ledger, clock: Time) -> None:
    clock.now = ledger.now()
    enqueue(ledger, clock, *[(f"s{number}", 1) for number in range(50)])
    asked = Asked(ledger.writer, ledger.reader, ledger.vault)
    done = publish(asked, clock.outlet(Sink(workers=2)), chance=lambda: 0.5)
    assert (done, asked.times) == (Published(sent=50), 1)


def test_claims_grow_while_they_are_worked_quickly(ledger: Ledger, clock: Time) -> None:
    enqueue(ledger, clock, *[(f"s{number}", 1) for number in range(20 * BATCH_LIMIT)])
    asked = Asked(ledger.writer, ledger.reader, ledger.vault)
    assert run(asked, clock.outlet(Sink()), clock) == Published(sent=20 * BATCH_LIMIT)
    assert asked.written < 2 * 20, "two transactions a claim, and claims of more than the least"


def test_no_sinks_is_no_work(ledger: Ledger) -> None:
    assert publish_all(ledger, [], chance=lambda: 0.5) == {}


def test_a_spent_budget_ends_the_firing(ledger: Ledger, clock: Time) -> None:
    enqueue(ledger, clock, ("x", 1))
    assert run(ledger, clock.outlet(Sink()), clock, budget=0) == Published()
    assert run(ledger, clock.outlet(Sink()), clock) == Published(sent=1)


def test_being_told_to_stop_gives_back_what_was_not_sent(ledger: Ledger, clock: Time) -> None:
    stop = threading.Event()

    def answer(_message: Message) -> Receipt:
        stop.set()
        return Sent()

    enqueue(ledger, clock, ("x", 1), ("y", 1))
    sink = Sink(answer=answer)
    done = publish(ledger, clock.outlet(sink), chance=lambda: 0.5, clock=clock, stop=stop)
    assert done == Published(sent=1)
    assert run(ledger, clock.outlet(Sink()), clock) == Published(sent=1)


def test_a_worker_that_was_too_slow_is_told_so(ledger: Ledger, clock: Time) -> None:
    def sleep_over_the_lease(_message: Message) -> Receipt:
        clock.pass_by(timedelta(hours=1))
        with ledger.begin() as connection:
            outbox.claim(connection, "a", limit=9, lease=timedelta(hours=1), now=clock.now)
        return Sent()

    enqueue(ledger, clock, ("x", 1))
    sink = Sink(answer=sleep_over_the_lease)
    assert run(ledger, clock.outlet(sink), clock) == Published(sent=1, late=1)
