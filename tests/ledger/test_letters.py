"""What gave up is listed, and anything can be sent again: the same id, bytes and order."""

from datetime import datetime, timedelta

import pytest

from service.cli.explain import sentence
from service.core.messages import Message
from service.core.observation import Key
from service.ledger import letters, outbox, story
from service.ledger.engine import Ledger
from service.ledger.letters import Chosen
from service.ledger.outbox import Claim, Settled
from service.work.resend import resend

HOUR = timedelta(hours=1)


def enqueue(ledger: Ledger, stream: str, seq: int, now: datetime) -> None:
    message = Message(f"{stream}#{seq}", stream, seq, "shop", "t", f"{stream}{seq}".encode())
    with ledger.begin() as connection:
        outbox.enqueue(connection, [message], ("a", "b"), now=now)


def claim(ledger: Ledger, sink: str, now: datetime) -> Claim:
    with ledger.begin() as connection:
        return outbox.claim(connection, sink, limit=100, lease=HOUR, now=now)


def send(ledger: Ledger, sink: str, state: str, now: datetime) -> list[tuple[str, bytes]]:
    """Send all that is due; gives ids and bytes in order."""
    claimed = claim(ledger, sink, now)
    error = None if state == "sent" else "status 400"
    with ledger.begin() as connection:
        results = [Settled(row, state, error) for row in claimed.rows]
        outbox.settle(connection, claimed, results, now=now)
    return [(row.message.message_id, row.message.body) for row in claimed.rows]


@pytest.fixture
def stocked(ledger: Ledger, now: datetime) -> Ledger:
    """Three messages an hour apart: all sent to a, all dead for b."""
    for hour, (stream, seq) in enumerate([("x", 1), ("x", 2), ("y", 1)]):
        enqueue(ledger, stream, seq, now + hour * HOUR)
    send(ledger, "a", "sent", now + 9 * HOUR)
    send(ledger, "b", "dead", now + 9 * HOUR)
    return ledger


def test_dead_letters_are_listed_page_by_page(stocked: Ledger) -> None:
    with stocked.read() as connection:
        first = letters.dead_letters(connection, limit=2)
        rest = letters.dead_letters(connection, after_id=first[-1].outbox_id, limit=2)
        assert letters.dead_letters(connection, sink="a") == []
    assert [(one.stream, one.seq) for one in first + rest] == [("x", 1), ("x", 2), ("y", 1)]
    assert {(one.sink, one.last_error, one.attempts) for one in first} == {("b", "status 400", 1)}


def test_a_stream_shows_every_message_with_every_sink(stocked: Ledger) -> None:
    with stocked.read() as connection:
        shown = [(one.seq, one.sink, one.state) for one in letters.told_in(connection, ["x"])]
    assert shown == [(1, "a", "sent"), (1, "b", "dead"), (2, "a", "sent"), (2, "b", "dead")]


def test_dead_letters_are_sent_again_unchanged_and_in_order(stocked: Ledger) -> None:
    assert resend(stocked, Chosen()) == 3
    now = stocked.now() + HOUR
    assert send(stocked, "b", "sent", now) == [("x#1", b"x1"), ("x#2", b"x2"), ("y#1", b"y1")]
    assert send(stocked, "a", "sent", now) == []
    assert resend(stocked, Chosen()) == 0


def test_what_a_sink_has_lost_is_sent_again_by_range(stocked: Ledger, now: datetime) -> None:
    lost = Chosen(states=("sent", "dead"), sink="a", since=now + HOUR, until=now + 2 * HOUR)
    assert resend(stocked, lost) == 1
    assert send(stocked, "a", "sent", stocked.now() + HOUR) == [("x#2", b"x2")]


@pytest.mark.parametrize(
    "chosen", [Chosen(stream="y"), Chosen(message_id="y#1")], ids=["stream", "id"]
)
def test_one_message_is_sent_again(stocked: Ledger, chosen: Chosen) -> None:
    assert resend(stocked, chosen) == 1
    assert send(stocked, "b", "sent", stocked.now() + HOUR) == [("y#1", b"y1")]


def test_what_waits_for_its_retry_can_be_sent_now(ledger: Ledger) -> None:
    now = ledger.now()
    enqueue(ledger, "x", 1, now)
    claimed = claim(ledger, "a", now)
    far = now + 24 * HOUR
    with ledger.begin() as connection:
        again = Settled(claimed.rows[0], "waiting", "status 500", far)
        outbox.settle(connection, claimed, [again], now=now)
    assert resend(ledger, Chosen(states=("waiting",), sink="a")) == 1
    assert send(ledger, "a", "sent", ledger.now()) == [("x#1", b"x1")]


def test_what_another_worker_holds_is_left_to_it(ledger: Ledger) -> None:
    now = ledger.now()
    enqueue(ledger, "x", 1, now)
    held = claim(ledger, "a", now)
    assert resend(ledger, Chosen(states=("waiting",), sink="a")) == 0
    with ledger.begin() as connection:
        assert outbox.settle(connection, held, [Settled(held.rows[0], "sent")], now=now) == 0


def test_many_are_sent_again_in_pages(ledger: Ledger, now: datetime) -> None:
    with ledger.begin() as connection:
        many = [Message(f"m{n}", f"s{n}", 1, "shop", "t", b"{}") for n in range(2500)]
        outbox.enqueue(connection, many, ("a",), now=now)
    claimed = claim(ledger, "a", now)
    while claimed.rows:
        with ledger.begin() as connection:
            results = [Settled(row, "dead", "status 400") for row in claimed.rows]
            outbox.settle(connection, claimed, results, now=now)
        claimed = claim(ledger, "a", now)
    assert resend(ledger, Chosen(sink="a")) == 2500


def test_the_story_of_an_object_shows_what_was_dropped_and_why(
    ledger: Ledger, now: datetime
) -> None:
    for seq in (1, 2):
        enqueue(ledger, "shop/order/o1", seq, now)
    send(ledger, "a", "sent", now + HOUR)
    send(ledger, "b", "dead", now + HOUR)
    chosen = Chosen(message_id="shop/order/o1#1")
    with ledger.begin() as connection:
        assert letters.drop(connection, chosen, "no use", limit=9, now=now + 2 * HOUR) == 1
    with ledger.read() as connection:
        lines = story.tell(connection, Key("shop", "order", "o1"))
    told = [(line.what, line.figures["seq"], line.figures["sink"]) for line in lines]
    assert told == [
        ("message", 1, "a"), ("message", 2, "a"), ("message", 2, "b"), ("dropped", 1, "b"),
    ]  # fmt: skip
    assert lines[-1].at == now + 2 * HOUR
    assert sentence(lines[-1]) == (
        "t 1 to b: given up by a person, tried 1 times: status 400; why: no use"
    )


def test_what_every_sink_dropped_was_still_for_somebody(ledger: Ledger, now: datetime) -> None:
    enqueue(ledger, "shop/order/o1", 1, now)
    for sink in ("a", "b"):
        send(ledger, sink, "dead", now + HOUR)
    with ledger.begin() as connection:
        letters.drop(connection, Chosen(), "no use", limit=9, now=now + 2 * HOUR)
    with ledger.read() as connection:
        lines = story.tell(connection, Key("shop", "order", "o1"))
    assert [(line.what, line.figures["sink"]) for line in lines] == [
        ("dropped", "a"), ("dropped", "b"),
    ]  # fmt: skip
