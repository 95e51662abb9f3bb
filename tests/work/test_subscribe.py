"""A new sink begins where it wants to, in order; a paused one waits, wherever it was paused."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from service.core.filter import Filter
from service.core.messages import Message, change_message
from service.ledger import outbox, sinks
from service.ledger.engine import Ledger
from service.outbound.sink import Receipt, Sent
from service.work.outlet import Outlet
from service.work.publish import Published, publish
from service.work.subscribe import PAGE, Subscription, subscribe

HOUR = timedelta(hours=1)


@dataclass
class Sink:
    """Takes everything, and remembers it."""

    name: str = "new"
    at_once: int = 100
    one_by_one: bool = False
    workers: int = 1
    taken: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])

    def send(self, messages: Sequence[Message], *, now: datetime) -> Receipt:
        self.taken += [(message.stream, message.seq) for message in messages]
        return Sent()

    def close(self) -> None:
        return


def tell(ledger: Ledger, seq: int, now: datetime, *, kind: str = "order", to: str = "old") -> None:
    message = change_message(
        "epoch", "shop", kind, "1", seq, before=None, after={"status": "paid"},
        correction=False, source="poll", at=now,
    )  # fmt: skip
    with ledger.begin() as connection:
        outbox.enqueue(connection, [message], (to,), now=now)


@pytest.fixture
def told(ledger: Ledger, now: datetime) -> Ledger:
    """Three changes of an order and one of a refund, an hour apart, for another sink."""
    for hour in range(3):
        tell(ledger, hour + 1, now + hour * HOUR)
    tell(ledger, 1, now + 3 * HOUR, kind="refund")
    return ledger


def sent(ledger: Ledger, sink: Sink) -> list[tuple[str, int]]:
    publish(ledger, Outlet(sink), chance=lambda: 0.5)
    return sink.taken


def test_a_new_sink_begins_now_unless_it_says_otherwise(told: Ledger, now: datetime) -> None:
    subscribe(told, Subscription("new", Filter()))
    assert sent(told, Sink()) == []
    tell(told, 4, now, to="new")
    assert sent(told, Sink()) == [("shop/order/1", 4)]


def test_a_new_sink_gets_all_of_the_past_in_order(told: Ledger, now: datetime) -> None:
    tell(told, 4, now + 4 * HOUR, to="new")
    subscribe(told, Subscription("new", Filter(), past=True))
    taken = sent(told, Sink())
    assert [one for one in taken if one[0] == "shop/order/1"] == [
        ("shop/order/1", seq) for seq in (1, 2, 3, 4)
    ]
    assert ("shop/refund/1", 1) in taken


def test_a_new_sink_gets_the_past_from_a_time_on_and_only_what_it_is_for(
    told: Ledger, now: datetime
) -> None:
    wanted = Filter(kinds=frozenset({"order"}))
    subscribe(told, Subscription("new", wanted, past=True, since=now + HOUR))
    assert sent(told, Sink()) == [("shop/order/1", 2), ("shop/order/1", 3)]


def test_a_sink_that_is_known_gets_no_past_again(told: Ledger) -> None:
    subscribe(told, Subscription("new", Filter(), past=True))
    assert len(sent(told, Sink())) == 4
    subscribe(told, Subscription("new", Filter(), past=True))
    assert sent(told, Sink()) == []


def test_nothing_is_sent_before_the_past_is_complete(told: Ledger, now: datetime) -> None:
    """Else a newer message of an object would be first."""
    tell(told, 4, now + 4 * HOUR, to="new")
    with told.begin() as connection:
        sinks.register(connection, "new", past=True, since=None, now=now)
        assert sinks.fill(connection, "new", Filter(), limit=2, now=now) == 2
    assert sent(told, Sink()) == []
    subscribe(told, Subscription("new", Filter(), past=True))
    assert len(sent(told, Sink())) == 5


def test_the_past_comes_page_by_page(ledger: Ledger, now: datetime) -> None:
    many = [Message(f"m{n}", f"s{n}", 1, "shop", "a.b.v1", b"{}") for n in range(PAGE + 7)]
    with ledger.begin() as connection:
        outbox.enqueue(connection, many, ("old",), now=now)
    subscribe(ledger, Subscription("new", Filter(), past=True))
    assert len(sent(ledger, Sink())) == PAGE + 7


def test_a_paused_sink_gets_nothing_until_it_is_resumed(told: Ledger, now: datetime) -> None:
    subscribe(told, Subscription("new", Filter(), past=True))
    with told.begin() as connection:
        assert sinks.pause(connection, "new", "they move house", now=now)
        assert not sinks.pause(connection, "new", "again", now=now)
    sink = Sink()
    # another process would be told the same: it is the ledger that knows
    assert publish(told, Outlet(sink), chance=lambda: 0.5) == Published()
    with told.begin() as connection:
        assert sinks.resume(connection, "new")
        assert not sinks.resume(connection, "new")
    assert len(sent(told, sink)) == 4


def test_a_pause_ends_the_firing_that_is_under_way(ledger: Ledger, now: datetime) -> None:
    for seq in range(1, 200):
        tell(ledger, seq, now, to="new")
    subscribe(ledger, Subscription("new", Filter()))

    class Pausing(Sink):
        def send(self, messages: Sequence[Message], *, now: datetime) -> Receipt:
            with ledger.begin() as connection:
                sinks.pause(connection, "new", "", now=now)
            return super().send(messages, now=now)

    assert 0 < len(sent(ledger, Pausing())) < 199
