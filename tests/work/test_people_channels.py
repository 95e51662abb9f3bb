"""What arrives at a channel over a real socket: few messages, late ones, none twice?"""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from pydantic import SecretStr

from service.ledger import notes, people
from service.ledger.engine import Ledger
from service.ledger.schema import mismatches, people_notes
from service.outbound.people.note import Channel
from service.outbound.people.opening import open_channel
from service.settings import People
from service.work.people.compose import compose
from service.work.people.deliver import deliver
from service.work.people.listener import Listener
from service.work.reconcile import reconcile
from tests import books
from tests.outbound.groups import DING_SECRET, ROUTING_KEY, TOKEN, Groups
from tests.work.telling import MINUTE, OPS, REFUNDED, TERMS, mend, only, over_refunded, sent

DINGTALK = f"https://oapi.dingtalk.com/robot/send?access_token={TOKEN}"


@pytest.fixture
def groups(now: datetime) -> Iterator[Groups]:
    made = Groups(now.timestamp())
    made.start()
    yield made
    made.stop()


@dataclass
class Desk:
    """A channel over a real socket, whose clock goes by the minute."""

    ledger: Ledger
    channel: Channel
    listener: Listener
    start: datetime
    at: datetime

    def turn(self, minutes: int) -> int:
        """Compose and deliver at this minute; how many notes were sent."""
        self.at = self.start + minutes * MINUTE
        compose(self.ledger, self.listener, epoch="e1", now=self.at)
        return deliver(self.ledger, self.channel, clock=lambda: self.at)


@pytest.fixture
def open_desk(ledger: Ledger, groups: Groups, now: datetime) -> Iterator[Callable[..., Desk]]:
    made: list[Desk] = []

    def make(url: str, secret: str | None = None, listener: Listener = REFUNDED) -> Desk:
        people = People(
            url=SecretStr(url), secret=SecretStr(secret) if secret else None, base=groups.base
        )
        channel = open_channel("ops", people, clock=lambda: desk.at)
        own = replace(
            listener, limit_bytes=channel.limit_bytes, has_incidents=channel.has_incidents
        )
        desk = Desk(ledger, channel, own, now, now)
        made.append(desk)
        return desk

    yield make
    for one in made:
        one.channel.close()


ACCOUNTS = [f"shop{n}" for n in range(50)]


@pytest.mark.slow
def test_ten_thousand_findings_are_a_few_messages_with_every_cause(
    ledger: Ledger, groups: Groups, open_desk: Callable[..., Desk], now: datetime
) -> None:
    with ledger.begin() as connection:
        books.put_many(connection, [
            books.order(f"{account}-{n}", account=account, currency="usd",
                        amount=50, amount_paid=100, amount_refunded=130)
            for account in ACCOUNTS for n in range(68)
        ])  # fmt: skip
    assert reconcile(ledger, terms=TERMS, now=now).opened.total() > 10_000
    desk = open_desk(f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={TOKEN}", None, OPS)
    for minutes in range(0, 60, 4):
        desk.turn(minutes)
    assert 0 < len(groups.texts) <= 20
    said = "\n".join(groups.texts)
    rules = {row["rule"] for row in books.rows_of(ledger, mismatches) if row["state"] == "open"}
    assert rules == {"refunded_over_paid", "overpaid", "other_currency"}
    assert all(rule in said for rule in rules)
    assert "50 个账户" in said
    with ledger.read() as connection:
        counts = people.counts(connection, "ops")
    assert sum(count for count, _ in counts.values()) == 3 * 3_400


def test_a_channel_that_was_down_gets_its_notes_later(
    ledger: Ledger, groups: Groups, open_desk: Callable[..., Desk], now: datetime
) -> None:
    desk = open_desk(DINGTALK, DING_SECRET)
    groups.status = 503
    keys = over_refunded(ledger, now)
    assert desk.turn(1) == 0
    for minutes in range(2, 58, 5):
        over_refunded(ledger, desk.at, 1, f"shop{minutes}")
        assert desk.turn(minutes) == 0
    mend(ledger, keys, desk.at)
    with ledger.read() as connection:
        waits = notes.backlog(connection, "ops")
    assert (waits.waiting, waits.last_error) == (1, "status 503")
    groups.status = 200
    groups.at = (now + timedelta(hours=1)).timestamp()
    assert desk.turn(61) == 0  # the wait has grown to five minutes
    # the note that waited, and then what else holds
    assert (desk.turn(62), desk.turn(63)) == (1, 1)
    first, second = groups.texts
    assert "shop ·" in first
    assert "新增 12，已恢复 1" in second


def test_a_note_that_nobody_takes_is_given_up_after_days(ledger: Ledger, now: datetime) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        base = f"http://127.0.0.1:{free.getsockname()[1]}"
    channel = open_channel("ops", People(url=SecretStr(DINGTALK), base=base), clock=lambda: now)
    over_refunded(ledger, now)
    compose(ledger, REFUNDED, epoch="e1", now=now + MINUTE)
    for days in range(5):
        deliver(ledger, channel, clock=lambda: now + timedelta(days=days, minutes=1))  # noqa: B023
    channel.close()
    (row,) = books.rows_of(ledger, people_notes)
    assert (row["state"], row["attempts"], row["last_error"]) == ("dead", 4, "connect")


def test_each_incident_ends_under_the_key_it_began_with(
    ledger: Ledger, groups: Groups, open_desk: Callable[..., Desk], now: datetime
) -> None:
    desk = open_desk("https://events.pagerduty.com/v2/enqueue", ROUTING_KEY)
    keys = [over_refunded(ledger, now, 2, f"shop{n:02}") for n in range(15)]
    desk.turn(1)
    assert len(groups.incidents) == 13  # twelve of their own, one for the rest
    mend(ledger, keys[0], now + 2 * MINUTE)
    mend(ledger, keys[13], now + 2 * MINUTE)
    desk.turn(3)
    ended = [key for key, acts in groups.incidents.items() if acts == ["trigger", "resolve"]]
    assert len(ended) == 1
    for each in keys[1:]:
        mend(ledger, each, now + 20 * MINUTE)
    desk.turn(21)
    assert all(acts == ["trigger", "resolve"] for acts in groups.incidents.values())


def test_an_incident_leads_to_what_it_is_about(ledger: Ledger, now: datetime) -> None:
    link = "https://pay.example.com/console"
    listener = only("refunded_over_paid", link=link, has_incidents=True)
    for n in range(14):
        over_refunded(ledger, now, 2, f"shop{n:02}")
    notes_of = sent(ledger, listener, now + MINUTE)
    links = [one.link for note in notes_of for one in note.incidents]
    wanted = [f"{link}/mismatches?rule=refunded_over_paid&account=shop{n:02}" for n in range(12)]
    assert links == [*wanted, link], "the last two share one"


def thrice(desk: Desk) -> int:
    return sum(desk.turn(1) for _ in range(3))


def test_two_replicas_tell_nothing_twice(
    ledger: Ledger, groups: Groups, open_desk: Callable[..., Desk], now: datetime
) -> None:
    over_refunded(ledger, now, 3)
    desks = [open_desk(DINGTALK, DING_SECRET) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        sums = list(pool.map(thrice, desks))
    assert sum(sums) == 1
    assert len(groups.texts) == 1
