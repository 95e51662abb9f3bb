"""Alerts about our own running open when something holds, and settle when it no longer does."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.ledger import notes, rhythm, sinks, slots
from service.ledger.engine import Ledger
from service.ledger.schema import alerts, deliveries, dispatches, outbox, watches
from service.ledger.slots import Replica
from service.work.people.compose import compose
from service.work.people.listener import Listener
from service.work.terms import Terms
from service.work.vigil import Vigil, watch_over
from tests import bodies, books
from tests.books import told
from tests.days import DAWN, DAY, FIRST_DAY, RULES, pay, shut, tell

TERMS = Terms(sinks=("erp",), epoch="e1")
MINUTE, HOUR, WEEK = timedelta(minutes=1), timedelta(hours=1), timedelta(days=7)


@pytest.fixture
def vigil(tmp_path: Path) -> Vigil:
    return Vigil(["shop"], ["shop"], [], ["ops"], tmp_path, RULES, "host-1")


def look(ledger: Ledger, vigil: Vigil, at: datetime) -> list[str]:
    """Look once; the codes and subjects that are open then."""
    watch_over(ledger, vigil, terms=TERMS, now=at)
    return [
        f"{row['code']} {row['subject']}"
        for row in books.rows_of(ledger, alerts)
        if row["settled_at"] is None
    ]


def deliver(ledger: Ledger, times: Sequence[datetime], state: str = "applied") -> None:
    rows = [
        {
            "account": "shop", "dedup_key": f"evt_{at.timestamp()}", "verdict": "accepted",
            "state": state, "received_at": at, "repeats": 0, "body": b"", "signature": "",
            "body_bytes": 0, "content_digest": "", "key_fingerprint": "",
        }
        for at in times
    ]  # fmt: skip
    known = {column.name for column in deliveries.columns}
    with ledger.begin() as connection:
        connection.execute(
            sa.insert(deliveries), [{k: v for k, v in row.items() if k in known} for row in rows]
        )


def weeks_of(now: datetime, *numbers: int) -> list[datetime]:
    """A delivery every five minutes from three hours before to one after, so many weeks ago."""
    return [now - WEEK * n + MINUTE * 5 * step for n in numbers for step in range(-36, 12)]


def test_silence_is_against_the_same_hours_of_the_weeks_before(
    ledger: Ledger, vigil: Vigil, now: datetime
) -> None:
    deliver(ledger, [*weeks_of(now, 1, 2, 3), now - HOUR])
    assert look(ledger, vigil, now - 31 * MINUTE) == []
    assert look(ledger, vigil, now) == ["silent_account shop"]
    deliver(ledger, [now + MINUTE])
    assert look(ledger, vigil, now + 2 * MINUTE) == []
    types = [row["type"] for row in told(ledger)]
    assert types == ["pingledger.alert.open.v1", "pingledger.alert.settled.v1"]
    first = json.loads(told(ledger)[0]["body"])
    assert (first["data"]["shown"], first["data"]["severity"]) == ("60 min", "critical")


def test_an_account_without_three_weeks_of_history_is_never_silent(
    ledger: Ledger, vigil: Vigil, now: datetime
) -> None:
    assert look(ledger, vigil, now) == []
    deliver(ledger, [*weeks_of(now, 1, 2), now - 2 * HOUR])
    assert look(ledger, vigil, now) == []


def test_an_hour_that_is_always_quiet_is_no_silence(
    ledger: Ledger, vigil: Vigil, now: datetime
) -> None:
    deliver(ledger, [*weeks_of(now, 1, 2, 3), now])
    assert look(ledger, vigil, now + 5 * HOUR) == ["silent_account shop"]
    deliver(ledger, [now + 2 * HOUR])
    # after two hours nothing has ever come
    assert look(ledger, vigil, now + 5 * HOUR) == []


def test_a_burst_of_refusals_is_told_unless_the_good_ones_are_more(
    ledger: Ledger, vigil: Vigil, now: datetime
) -> None:
    for _ in range(4):
        with ledger.begin() as connection:
            rhythm.note_refusals(connection, {"shop": 5, "other": 100}, now=now)
    assert look(ledger, vigil, now + MINUTE) == ["refused_burst shop"]
    deliver(ledger, [now + timedelta(seconds=n) for n in range(20)])
    assert look(ledger, vigil, now + MINUTE) == []
    assert look(ledger, vigil, now + 20 * MINUTE) == []


def test_a_process_that_died_is_told_until_another_takes_its_place(
    ledger: Ledger, vigil: Vigil, now: datetime
) -> None:
    first = Replica("host-1", "work", None, "t" * 64, now - HOUR, now)
    with ledger.begin() as connection:
        slots.heartbeat(connection, first)
    assert look(ledger, vigil, now + MINUTE) == []
    assert look(ledger, vigil, now + 2 * MINUTE) == ["replica_gone host-1"]
    later = now + 3 * MINUTE
    with ledger.begin() as connection:
        slots.heartbeat(
            connection, replace(first, name="host-2", started_at=later, ticked_at=later)
        )
    assert look(ledger, vigil, later) == []


def test_backlogs_are_told_by_what_waits(ledger: Ledger, vigil: Vigil, now: datetime) -> None:
    vigil = replace(vigil, sinks=["erp"])
    deliver(ledger, [now - 6 * MINUTE], state="waiting")
    with ledger.begin() as connection:
        row = {"id": 900, "message_id": "m", "stream": "s", "seq": 1, "account": "shop",
               "type": "t", "body": b"{}", "created_at": now - 16 * MINUTE}  # fmt: skip
        connection.execute(sa.insert(outbox), row)
        way = {"outbox_id": 900, "sink": "erp", "stream": "s", "seq": 1, "state": "waiting",
               "attempts": 0, "next_try_at": now}  # fmt: skip
        connection.execute(sa.insert(dispatches), way)
        books.put(connection, [books.watch("order", "o1", next_look_at=now - 16 * MINUTE)])
        notes.put(connection, "ops", "news", "{}", now=now - 16 * MINUTE)
    assert look(ledger, vigil, now) == [
        "inbox_stuck inbox", "outbox_stuck erp", "people_stuck ops", "watches_overdue shop",
    ]  # fmt: skip
    # without a key nothing is asked, so nothing is overdue
    assert look(ledger, replace(vigil, asked=[]), now)[-1] == "people_stuck ops"
    with ledger.begin() as connection:
        connection.execute(sa.update(deliveries).values(state="applied"))
        connection.execute(sa.update(dispatches).values(state="sent"))
        connection.execute(sa.update(watches).values(state="ended"))
    assert look(ledger, vigil, now) == ["people_stuck ops"]


def test_a_sink_that_wants_no_more_is_told_until_somebody_resumes_it(
    ledger: Ledger, vigil: Vigil, now: datetime
) -> None:
    vigil = replace(vigil, sinks=["erp"])
    with ledger.begin() as connection:
        for name in ("erp", "old"):
            assert sinks.switch_off(connection, name, now=now)
            assert not sinks.switch_off(connection, name, now=now)
    assert look(ledger, vigil, now) == ["sink_gone erp"]
    with ledger.begin() as connection:
        assert sinks.resume(connection, "erp")
        assert sinks.pause(connection, "erp", "they move", now=now)
    assert look(ledger, vigil, now) == []


def test_a_day_that_nobody_could_close_wakes_someone_until_it_is_closed(
    ledger: Ledger, vigil: Vigil
) -> None:
    vigil = replace(vigil, asked=[])
    pay(ledger, 1, DAWN + HOUR)
    going = bodies.withdrawal(id="171", status="pending", created=int(DAWN.timestamp()) + 60)
    tell(ledger, going, DAWN + HOUR)
    due = DAWN + DAY + 6 * HOUR
    assert look(ledger, vigil, due - HOUR) == []
    assert look(ledger, vigil, due + 12 * HOUR) == []
    assert look(ledger, vigil, due + 13 * HOUR) == [f"closing_late {FIRST_DAY}"]
    (row,) = books.rows_of(ledger, alerts)
    assert (row["severity"], row["shown"]) == ("critical", "1, 13 h")
    # the next day is late, too, and is not told of while the first one is
    assert look(ledger, vigil, due + 40 * HOUR) == [f"closing_late {FIRST_DAY}"]
    shut(ledger, reason="it may go on", now=due + 40 * HOUR)
    assert look(ledger, vigil, due + 40 * HOUR) == [f"closing_late {FIRST_DAY + DAY}"]
    shut(ledger, FIRST_DAY + DAY, now=due + 41 * HOUR)
    assert look(ledger, vigil, due + 41 * HOUR) == []


def test_where_people_close_days_none_is_late_before_the_first_was_closed(
    ledger: Ledger, vigil: Vigil
) -> None:
    by_hand = replace(vigil, asked=[], closing=replace(vigil.closing, runs=False))
    pay(ledger, 1, DAWN + HOUR)
    late = DAWN + 3 * DAY
    assert look(ledger, by_hand, late) == []
    by_itself = replace(by_hand, closing=replace(by_hand.closing, runs=True))
    assert look(ledger, by_itself, late) == [f"closing_late {FIRST_DAY}"]
    # a setting that is changed settles what stands
    assert look(ledger, by_hand, late) == []
    shut(ledger, now=late)
    assert look(ledger, by_hand, late) == [f"closing_late {FIRST_DAY + DAY}"]


def test_a_full_disk_is_judged_by_its_own_host(ledger: Ledger, vigil: Vigil, now: datetime) -> None:
    vigil = replace(vigil, disk_bytes=0)
    full = replace(vigil, disk_bytes=2**62, disk_share=2.0)
    assert look(ledger, full, now) == ["disk_low host-1"]
    assert look(ledger, replace(vigil, host="host-2"), now) == ["disk_low host-1"]
    assert look(ledger, vigil, now) == []


def test_people_hear_of_an_alert_and_of_its_end_and_each_opening_has_a_turn(
    ledger: Ledger, vigil: Vigil, now: datetime
) -> None:
    ops = Listener("ops")
    for turn in range(2):
        at = now + turn * HOUR
        deliver(ledger, [at - 6 * MINUTE], state="waiting")
        assert look(ledger, vigil, at) == ["inbox_stuck inbox"]
        assert compose(ledger, ops, epoch="e1", now=at + MINUTE) == 1
        with ledger.begin() as connection:
            connection.execute(sa.update(deliveries).values(state="applied"))
            taken = notes.claim(connection, "ops", lease=MINUTE, now=at + MINUTE)
            assert taken is not None
            assert "已收到的通知迟迟未被处理" in json.loads(taken.content)["text"]
            assert "inbox 1, 6 min" in json.loads(taken.content)["text"]
            notes.settle(connection, taken, "sent", now=at + MINUTE)
        assert look(ledger, vigil, at + 2 * MINUTE) == []
        assert compose(ledger, ops, epoch="e1", now=at + 3 * MINUTE) == 1
        with ledger.begin() as connection:
            taken = notes.claim(connection, "ops", lease=MINUTE, now=at + 3 * MINUTE)
            assert taken is not None
            assert json.loads(taken.content)["title"] == "[pingledger] 运行提醒：已恢复 1"
            notes.settle(connection, taken, "sent", now=at + 3 * MINUTE)
    assert [row["seq"] for row in told(ledger)] == [1, 2, 3, 4]
