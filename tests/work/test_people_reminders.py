"""Who is reminded of what nobody has seen, and to whom is it handed on?"""

from datetime import datetime, timedelta

from service.ledger import alerts
from service.ledger.alerts import Alarm
from service.ledger.desk import Act
from service.ledger.engine import Ledger
from service.ledger.people import Scope
from service.ledger.schema import mismatches
from service.work.people.listener import Listener
from service.work.respond import respond
from tests import books
from tests.work.telling import MINUTE, TERMS, mend, only, over_refunded, sent

REFUNDED = "refunded_over_paid"


def test_reminders_come_until_somebody_acknowledges(ledger: Ledger, now: datetime) -> None:
    link = "https://pay.example.com/console"
    listener = only(REFUNDED, remind=timedelta(hours=1), link=link)
    over_refunded(ledger, now)
    sent(ledger, listener, now + MINUTE)
    assert sent(ledger, listener, now + 60 * MINUTE) == []
    (first,) = sent(ledger, listener, now + 61 * MINUTE)
    assert (first.what, first.title) == ("reminder", "[pingledger] 待处理提醒：仍未处理 1")
    # whoever reads only this one learns what it is about, how much, and where
    (number,) = (one["id"] for one in books.rows_of(ledger, mismatches) if one["rule"] == REFUNDED)
    assert first.text.splitlines()[-2:] == [
        "  1 笔，涉及 ¥0.30，order shop0", f"  {link}/mismatches/{number}",
    ]  # fmt: skip
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
    assert "host-2" in note.text
    assert "host-1" not in note.text


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
    assert "2 笔，涉及 ¥0.60，例 order shop0" in note.text
    assert sent(ledger, CHIEF, now + timedelta(hours=5), ESCALATING) == []
    mend(ledger, keys, now + timedelta(hours=6))
    (end,) = sent(ledger, CHIEF, now + timedelta(hours=6, minutes=1), ESCALATING)
    assert end.title.endswith("已恢复 2")


def test_what_was_acknowledged_in_time_is_not_handed_on(ledger: Ledger, now: datetime) -> None:
    over_refunded(ledger, now)
    sent(ledger, ESCALATING, now + MINUTE)
    acknowledge(ledger, now + 20 * MINUTE)
    assert sent(ledger, CHIEF, now + timedelta(hours=5), ESCALATING) == []
