"""Do the probes and the metrics tell the truth, and nothing to strangers?"""

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from service.ledger.engine import Ledger
from service.ledger.gauges import read_gauges
from service.ledger.schema import deliveries, dispatches, mismatches, outbox, watches


def body(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def test_a_started_process_is_live_and_ready(served: Any) -> None:
    for path, text in (("/health/live", b"live\n"), ("/health/ready", b"ready\n")):
        answer = served.get(path)
        assert (status(answer), body(answer)) == (200, text)
        assert b"cache-control: no-store" in answer


def test_without_its_tables_it_is_not_ready(served: Any) -> None:
    with served.ledger.begin() as connection:
        connection.exec_driver_sql("DROP TABLE alembic_version")
    answer = served.get("/health/ready")
    assert (status(answer), body(answer)) == (503, b"migrations\n")
    assert status(served.get("/health/live")) == 200


@pytest.mark.parametrize(
    ("age", "answered"), [(1.0, b"ready\n"), (61.0, b"jobs\n"), (None, b"jobs\n")]
)
def test_a_process_whose_jobs_stand_still_is_not_ready(
    serve: Any, age: float | None, answered: bytes
) -> None:
    with serve(tick_age_seconds=lambda: age) as served:
        assert body(served.get("/health/ready")) == answered


def test_metrics_count_answers_and_show_the_ledger(served: Any) -> None:
    served.post(b'{"id":"evt_1"}')
    served.raw(served.request(b"{}"))
    text = body(served.get("/metrics")).decode()
    assert 'pingledger_deliveries_total{account="shop",status="200"}' in text
    assert 'pingledger_refusals_total{account="shop",reason="missing"}' in text
    assert "pingledger_inbox_waiting 1.0" in text
    assert "pingledger_ledger_up 1.0" in text


def test_metrics_of_a_ledger_that_is_away_say_so(serve: Any, ledger: Ledger) -> None:
    with serve() as served:
        with ledger.begin() as connection:
            connection.exec_driver_sql("DROP TABLE acts")
            connection.exec_driver_sql("DROP TABLE mismatches")
        text = body(served.get("/metrics")).decode()
    assert "pingledger_ledger_up 0.0" in text
    assert "pingledger_inbox_waiting" not in text


def test_gauges_of_an_empty_ledger_are_zero(ledger: Ledger, now: datetime) -> None:
    with ledger.read() as connection:
        gauges = read_gauges(connection, now=now)
    assert (gauges.inbox_waiting, gauges.inbox_oldest_seconds, gauges.quarantined) == (0, 0.0, 0)
    assert (gauges.outbox_waiting, gauges.dead_letters, gauges.mismatches_open) == ({}, {}, {})


def test_gauges_count_what_waits_and_what_is_wrong(ledger: Ledger, now: datetime) -> None:
    with ledger.begin() as connection:
        for state, age in (("waiting", 90), ("waiting", 5), ("applied", 500), ("quarantined", 9)):
            connection.execute(sa.insert(deliveries).values(delivery(state, age, now)))
        for minutes in (-1, 1):
            connection.execute(sa.insert(watches).values(watch(minutes, now)))
        for number, state in enumerate(("waiting", "waiting", "dead", "sent"), 1):
            connection.execute(sa.insert(outbox).values(message(number, now)))
            connection.execute(sa.insert(dispatches).values(dispatch(number, state, now)))
        for number, state in enumerate(("open", "acknowledged", "settled", "suspected")):
            connection.execute(sa.insert(mismatches).values(mismatch(number, state, now)))
    with ledger.read() as connection:
        gauges = read_gauges(connection, now=now)
    assert (gauges.inbox_waiting, gauges.inbox_oldest_seconds) == (2, 90.0)
    assert (gauges.quarantined, gauges.watches_overdue) == (1, 1)
    assert gauges.outbox_waiting == {"file": 2}
    assert gauges.outbox_oldest_seconds == {"file": 60.0}
    assert gauges.dead_letters == {"file": 1}
    assert gauges.mismatches_open == {"overpaid": 2}


def delivery(state: str, age: int, now: datetime) -> dict[str, Any]:
    return {
        "account": "shop",
        "dedup_key": f"evt_{state}_{age}",
        "content_digest": "d",
        "body": b"{}",
        "signature": "s",
        "key_fingerprint": "f",
        "received_at": now - timedelta(seconds=age),
        "verdict": "accepted",
        "state": state,
    }


def watch(minutes: int, now: datetime) -> dict[str, Any]:
    return {
        "account": "shop",
        "kind": "order",
        "object_id": f"o{minutes}",
        "state": "active",
        "reason": "pending",
        "next_look_at": now + timedelta(minutes=minutes),
        "looks": 0,
        "failures": 0,
    }


def message(number: int, now: datetime) -> dict[str, Any]:
    return {
        "id": number,
        "message_id": f"m{number}",
        "stream": "shop/order/o",
        "seq": number,
        "account": "shop",
        "type": "t",
        "body": b"{}",
        "created_at": now - timedelta(seconds=60),
    }


def dispatch(number: int, state: str, now: datetime) -> dict[str, Any]:
    return {
        "outbox_id": number,
        "sink": "file",
        "stream": "shop/order/o",
        "seq": number,
        "state": state,
        "attempts": 0,
        "next_try_at": now,
    }


def mismatch(number: int, state: str, now: datetime) -> dict[str, Any]:
    return {
        "rule": "overpaid",
        "account": "shop",
        "kind": "order",
        "object_id": f"o{number}",
        "state": state,
        "severity": "high",
        "ours": "1",
        "theirs": "2",
        "found_at": now,
    }
