"""People hear of each cause once: grouped, at their hours, in their language, and of its end."""

import socket
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import msgspec
import pytest
from pydantic import SecretStr

from service.core.observation import Key
from service.ledger import alerts, notes, people
from service.ledger.alerts import Alarm
from service.ledger.desk import Act
from service.ledger.engine import Ledger
from service.ledger.people import Scope
from service.ledger.rules import BY_CODE
from service.ledger.schema import mismatches, notices, people_notes
from service.outbound.people.note import Channel, Note
from service.outbound.people.opening import open_channel
from service.settings import People
from service.work.people.compose import compose
from service.work.people.deliver import deliver
from service.work.people.listener import Listener
from service.work.reconcile import after_batch, reconcile
from service.work.respond import respond
from service.work.terms import Terms
from tests import books
from tests.outbound.groups import DING_SECRET, ROUTING_KEY, TOKEN, Groups

# no rule waits: patience is told of elsewhere
TERMS = Terms(epoch="e1", grace_seconds=0, scale=1e6)
OPS = Listener("ops", limit_bytes=6_000)
MINUTE = timedelta(minutes=1)
DINGTALK = f"https://oapi.dingtalk.com/robot/send?access_token={TOKEN}"


@pytest.fixture
def groups(now: datetime) -> Iterator[Groups]:
    made = Groups(now.timestamp())
    made.start()
    yield made
    made.stop()


def over_refunded(
    ledger: Ledger, now: datetime, count: int = 1, account: str = "shop"
) -> list[Key]:
    """So many orders of which more was refunded than paid: 0.30 yuan each."""
    rows = [
        books.order(f"{account}{n}", amount_paid=100, amount_refunded=130, account=account)
        for n in range(count)
    ]
    with ledger.begin() as connection:
        keys = books.put(connection, rows)
        after_batch(connection, keys, terms=TERMS, now=now)
    return keys


def mend(ledger: Ledger, keys: Sequence[Key], now: datetime) -> None:
    """Take the orders' money back to nothing, so that no rule finds anything of them."""
    for one in keys:
        books.change(ledger, one, amount_paid=0, amount_refunded=0, status="created", final=False)
    with ledger.begin() as connection:
        after_batch(connection, keys, terms=TERMS, now=now)


def told(ledger: Ledger, listener: Listener = OPS) -> list[Note]:
    """Every note made for a channel so far."""
    return [
        msgspec.json.decode(row["content"], type=Note)
        for row in books.rows_of(ledger, people_notes)
        if row["channel"] == listener.name
    ]


def sent(ledger: Ledger, listener: Listener, now: datetime, *others: Listener) -> list[Note]:
    """Compose, and count what was made as sent; the new notes."""
    before = len(told(ledger, listener))
    compose(ledger, listener, others, epoch="e1", now=now)
    with ledger.begin() as connection:
        while taken := notes.claim(connection, listener.name, lease=MINUTE, now=now):
            notes.settle(connection, taken, "sent", now=now)
    return told(ledger, listener)[before:]


def only(rule: str, **given: Any) -> Listener:
    return Listener("ops", Scope(rules=frozenset({rule})), **given)


REFUNDED = only("refunded_over_paid")


def test_a_cause_is_told_once_when_it_opens_and_once_when_it_ends(
    ledger: Ledger, now: datetime
) -> None:
    keys = over_refunded(ledger, now, 3)
    (note,) = sent(ledger, REFUNDED, now + MINUTE)
    assert note.title == "[pingledger] 对账提醒：新增 3"
    assert note.severity == "critical"
    assert note.text.splitlines() == [
        "— 新增 —",
        "[严重] shop · refunded_over_paid: 已退金额大于已付金额。",
        "  3 笔，涉及 ¥0.90，例 order shop0",
    ]
    assert sent(ledger, REFUNDED, now + 30 * MINUTE) == []
    mend(ledger, keys[:1], now + 31 * MINUTE)
    (part,) = sent(ledger, REFUNDED, now + 32 * MINUTE)
    assert part.text.splitlines()[1:] == [
        "[严重] shop · refunded_over_paid: 已退金额大于已付金额。",
        "  1 笔，未平共 2",
    ]
    mend(ledger, keys[1:], now + 60 * MINUTE)
    (rest,) = sent(ledger, REFUNDED, now + 61 * MINUTE)
    assert rest.title == "[pingledger] 对账提醒：已恢复 2"
    assert sent(ledger, REFUNDED, now + timedelta(days=1)) == []


def test_it_is_said_in_english_with_a_link(ledger: Ledger, now: datetime) -> None:
    listener = only("refunded_over_paid", language="en", link="https://pay.example.com/console")
    over_refunded(ledger, now)
    (note,) = sent(ledger, listener, now + MINUTE)
    number = next(
        row["id"]
        for row in books.rows_of(ledger, mismatches)
        if row["rule"] == "refunded_over_paid"
    )
    assert note.text.splitlines() == [
        "— Opened —",
        "[CRITICAL] shop · refunded_over_paid: More was refunded than was paid.",
        "  1, at stake ¥0.30, order shop0",
        f"  https://pay.example.com/console/mismatches/{number}",
    ]


def test_a_storm_is_gathered_and_then_paced(ledger: Ledger, now: datetime) -> None:
    over_refunded(ledger, now, 2)
    assert sent(ledger, REFUNDED, now + timedelta(seconds=9)) == []
    assert len(sent(ledger, REFUNDED, now + timedelta(seconds=10))) == 1
    over_refunded(ledger, now + MINUTE, 5, "other")
    over_refunded(ledger, now + MINUTE, 0)
    # another cause at once, after the channel's pause; the same one after a quarter of an hour
    (second,) = sent(ledger, REFUNDED, now + 2 * MINUTE)
    assert "other" in second.text
    with ledger.begin() as connection:
        more = books.put(connection, [books.order("x", amount_paid=1, amount_refunded=9)])
        after_batch(connection, more, terms=TERMS, now=now + 3 * MINUTE)
    assert sent(ledger, REFUNDED, now + 14 * MINUTE) == []
    (third,) = sent(ledger, REFUNDED, now + 16 * MINUTE)
    assert "1 笔，涉及 ¥0.08，未平共 3，order x" in third.text


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


def test_nothing_is_told_at_quiet_hours_and_all_of_it_after(ledger: Ledger, now: datetime) -> None:
    # now is 20:00 in Shanghai
    listener = only("refunded_over_paid", quiet={"critical": (time(19), time(8, 30))})
    over_refunded(ledger, now, 2)
    keys = over_refunded(ledger, now, 1, "gone")
    for hours in range(1, 12):
        assert sent(ledger, listener, now + timedelta(hours=hours)) == []
    mend(ledger, keys, now + timedelta(hours=12))
    assert sent(ledger, listener, now + timedelta(hours=12, minutes=29)) == []
    (note,) = sent(ledger, listener, now + timedelta(hours=12, minutes=30))
    assert note.title.endswith("新增 2")


def test_what_is_waived_is_told_and_what_opens_again_too(ledger: Ledger, now: datetime) -> None:
    over_refunded(ledger, now)
    sent(ledger, REFUNDED, now + MINUTE)
    number = next(r["id"] for r in books.rows_of(ledger, mismatches) if r["severity"] == "critical"
                  and r["rule"] == "refunded_over_paid")  # fmt: skip
    act = Act("waive", "li", "known", until=now + timedelta(days=2))
    list(respond(ledger, [(act, [number])], terms=TERMS, now=now + MINUTE))
    (waived,) = sent(ledger, REFUNDED, now + 3 * MINUTE)
    assert waived.title.endswith("已豁免 1")
    list(respond(ledger, [(Act("reopen", "li"), [number])], terms=TERMS, now=now + 4 * MINUTE))
    (again,) = sent(ledger, REFUNDED, now + 30 * MINUTE)
    assert again.title.endswith("重新打开 1")


def test_reminders_come_until_somebody_acknowledges(ledger: Ledger, now: datetime) -> None:
    listener = only("refunded_over_paid", remind=timedelta(hours=1))
    over_refunded(ledger, now)
    sent(ledger, listener, now + MINUTE)
    assert sent(ledger, listener, now + 60 * MINUTE) == []
    (first,) = sent(ledger, listener, now + 61 * MINUTE)
    assert (first.what, first.title) == ("reminder", "[pingledger] 待处理提醒：仍未处理 1")
    assert sent(ledger, listener, now + 120 * MINUTE) == []
    assert len(sent(ledger, listener, now + 121 * MINUTE)) == 1
    acknowledge(ledger, now + 122 * MINUTE)
    assert sent(ledger, listener, now + timedelta(hours=9)) == []


def acknowledge(ledger: Ledger, now: datetime) -> None:
    open_ones = [row["id"] for row in books.rows_of(ledger, mismatches) if row["state"] == "open"]
    list(respond(ledger, [(Act("acknowledge", "li"), open_ones)], terms=TERMS, now=now))


def alarm(ledger: Ledger, *subjects: str, now: datetime) -> list[int]:
    """Alerts that are open now; the numbers of those that have opened."""
    holding = [Alarm("replica_gone", "", one, "") for one in subjects]
    with ledger.begin() as connection:
        before = {one.number for one in alerts.listed(connection)}
        alerts.judge(connection, holding, epoch="e1", sinks=(), now=now)
        return [one.number for one in alerts.listed(connection) if one.number not in before]


def seen(ledger: Ledger, numbers: list[int], now: datetime) -> list[int]:
    with ledger.begin() as connection:
        done = alerts.acknowledge(connection, numbers, "li", now=now)
    return [one.number for one in done]


def test_of_an_alert_that_somebody_has_seen_nobody_is_reminded(
    ledger: Ledger, now: datetime
) -> None:
    listener = only("replica_gone", remind=timedelta(hours=1))
    (number,) = alarm(ledger, "host-1", now=now)
    sent(ledger, listener, now + MINUTE)
    (reminder,) = sent(ledger, listener, now + 61 * MINUTE)
    assert reminder.what == "reminder"
    assert seen(ledger, [number, 99], now + 62 * MINUTE) == [number]
    assert seen(ledger, [number], now + 62 * MINUTE) == []
    assert sent(ledger, listener, now + timedelta(hours=5)) == []
    alarm(ledger, now=now + timedelta(hours=6))
    (end,) = sent(ledger, listener, now + timedelta(hours=6, minutes=1))
    assert end.title.endswith("已恢复 1")
    # what opens again nobody has seen
    later = now + timedelta(hours=7)
    assert alarm(ledger, "host-1", now=later) != [number]
    sent(ledger, listener, later + MINUTE)
    (again,) = sent(ledger, listener, later + 61 * MINUTE)
    assert again.what == "reminder"


def test_of_two_alerts_the_one_that_nobody_has_seen_is_still_told(
    ledger: Ledger, now: datetime
) -> None:
    listener = only("replica_gone", remind=timedelta(hours=1))
    first, _ = alarm(ledger, "host-1", "host-2", now=now)
    sent(ledger, listener, now + MINUTE)
    seen(ledger, [first], now + 2 * MINUTE)
    (reminder,) = sent(ledger, listener, now + 61 * MINUTE)
    assert "仍未处理 1" in reminder.title


def test_an_alert_that_somebody_has_seen_is_not_handed_on(ledger: Ledger, now: datetime) -> None:
    listener = only("replica_gone", escalate_to="chief", escalate_after=timedelta(minutes=30))
    (number,) = alarm(ledger, "host-1", now=now)
    sent(ledger, listener, now + MINUTE)
    seen(ledger, [number], now + 10 * MINUTE)
    assert sent(ledger, CHIEF, now + timedelta(hours=5), listener) == []
    (number,) = alarm(ledger, "host-1", "host-2", now=now + timedelta(hours=5))
    sent(ledger, listener, now + timedelta(hours=5, minutes=1))
    (note,) = sent(ledger, CHIEF, now + timedelta(hours=6), listener)
    assert note.what == "escalation"


def test_the_link_of_what_has_settled_leads_to_what_has_settled(
    ledger: Ledger, now: datetime
) -> None:
    listener = only("refunded_over_paid", link="https://pay.example.com/console")
    keys = over_refunded(ledger, now, 2)
    (opened,) = sent(ledger, listener, now + MINUTE)
    mend(ledger, keys, now + 20 * MINUTE)
    (end,) = sent(ledger, listener, now + 21 * MINUTE)
    links = [note.text.splitlines()[-1].strip() for note in (opened, end)]
    stem = "https://pay.example.com/console/mismatches?rule=refunded_over_paid&account=shop"
    assert links == [stem, f"{stem}&state=settled"]


CHIEF = Listener("chief", Scope(severities=frozenset({"info"})))
ESCALATING = only("refunded_over_paid", escalate_to="chief", escalate_after=timedelta(minutes=30))


def test_what_nobody_acknowledges_is_handed_on_once_and_its_end_too(
    ledger: Ledger, now: datetime
) -> None:
    keys = over_refunded(ledger, now, 2)
    sent(ledger, ESCALATING, now + MINUTE)
    assert sent(ledger, CHIEF, now + 30 * MINUTE, ESCALATING) == []
    (note,) = sent(ledger, CHIEF, now + 31 * MINUTE, ESCALATING)
    assert note.what == "escalation"
    assert "升级：无人确认" in note.text
    assert sent(ledger, CHIEF, now + timedelta(hours=5), ESCALATING) == []
    mend(ledger, keys, now + timedelta(hours=6))
    (end,) = sent(ledger, CHIEF, now + timedelta(hours=6, minutes=1), ESCALATING)
    assert end.title.endswith("已恢复 2")


def test_what_was_acknowledged_in_time_is_not_handed_on(ledger: Ledger, now: datetime) -> None:
    over_refunded(ledger, now)
    sent(ledger, ESCALATING, now + MINUTE)
    acknowledge(ledger, now + 20 * MINUTE)
    assert sent(ledger, CHIEF, now + timedelta(hours=5), ESCALATING) == []


def test_a_digest_comes_each_morning_and_says_when_all_is_well(
    ledger: Ledger, now: datetime
) -> None:
    listener = only("refunded_over_paid", digest_at=time(9))
    nine = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
    assert sent(ledger, listener, nine - MINUTE) == []
    (calm,) = sent(ledger, listener, nine)
    assert (calm.what, calm.title) == ("digest", "[pingledger] 每日摘要")
    assert calm.text.splitlines() == [
        "2026-11-24，过去 24 小时：收到通知 0 条，新增不一致 0 笔，恢复 0 笔。",
        "当前没有未平的不一致，也没有告警。",
    ]
    assert sent(ledger, listener, nine + MINUTE) == []
    over_refunded(ledger, nine + MINUTE, 4)
    sent(ledger, listener, nine + 5 * MINUTE)
    (busy,) = sent(ledger, listener, nine + timedelta(days=1))
    assert "新增不一致 4 笔" in busy.text
    assert "4 笔，涉及 ¥1.20" in busy.text
    # a process that was away all day makes no digest at night
    assert sent(ledger, listener, nine + timedelta(days=2, hours=3)) == []


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


def test_notices_are_told_once_and_old_ones_never(ledger: Ledger, now: datetime) -> None:
    def notice(subject: str, at: datetime) -> None:
        row = {"account": "shop", "cause": "unauthorised", "subject": subject,
               "first_at": at, "last_at": at, "count": 1}  # fmt: skip
        with ledger.begin() as connection:
            connection.execute(notices.insert(), row)

    notice("before", now - MINUTE)
    assert sent(ledger, OPS, now) == []
    notice("2026-11-23", now + MINUTE)
    (note,) = sent(ledger, OPS, now + 2 * MINUTE)
    assert "[严重] shop · unauthorised: Ping++ 不接受 API 密钥" in note.text
    assert sent(ledger, OPS, now + timedelta(hours=3)) == []


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


def test_a_channel_hears_only_of_what_it_is_for(ledger: Ledger, now: datetime) -> None:
    over_refunded(ledger, now, 1, "shop")
    over_refunded(ledger, now, 1, "other")
    mine = Listener("mine", Scope(accounts=frozenset({"other"})))
    (note,) = sent(ledger, mine, now + MINUTE)
    assert "other ·" in note.text
    assert "shop ·" not in note.text
    calm = Listener("calm", Scope(severities=frozenset({"info"})))
    assert sent(ledger, calm, now + MINUTE) == []
    assert BY_CODE["refunded_over_paid"].severity == "critical"
