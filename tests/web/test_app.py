"""Do the probes and the metrics tell the truth, and nothing to strangers?"""

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from service.ledger import audit, sinks, slots, stakes
from service.ledger.engine import Ledger
from service.ledger.gauges import read_gauges
from service.ledger.schema import deliveries, dispatches, meta, mismatches, outbox, watches
from service.ledger.sealed import enrol
from service.ledger.vault import Vault
from service.settings.values import PRIVATE_NETWORKS
from service.web.inside import Inside
from service.web.metrics import LedgerCollector
from tests.days import DAWN, FIRST_DAY, HOUR, RULES, morning, pay


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
    assert "pingledger_accept_seconds_count" in text
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
    assert (gauges.inbox_waiting, gauges.inbox_oldest_seconds, gauges.quarantined) == (0, 0.0, {})
    assert (gauges.outbox_waiting, gauges.dead_letters, gauges.mismatches.counts) == ({}, {}, {})
    assert (gauges.delivered_at, gauges.job_success, gauges.replicas) == (None, {}, {})
    assert (gauges.audit, gauges.vault_keys) == ((0, True), frozenset())


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
    assert gauges.delivered_at == now - timedelta(seconds=5)
    assert gauges.quarantined == {"none": 1}
    assert (gauges.watches_overdue, gauges.watches_oldest_seconds) == (1, 60.0)
    assert gauges.outbox_waiting == {"file": 2}
    assert gauges.outbox_oldest_seconds == {"file": 60.0}
    assert gauges.dead_letters == {"file": 1}
    assert gauges.mismatches.counts == {("overpaid", "high"): 2}
    assert gauges.mismatches.money == {("overpaid", "high", "cny"): 2}


def test_money_at_stake_is_added_up_by_currency_and_ids_are_no_money(
    ledger: Ledger, now: datetime
) -> None:
    sides = [
        ("cny", "100", "250"), ("cny", "0", "7"), ("usd", "900", "0"), (None, "1", "2"),
        ("cny", "2011708230000000001", "2011708230000000002"), ("cny", "-5", "1"),
        ("cny", "one value", "12"), ("cny", "", "3"),
    ]  # fmt: skip
    with ledger.begin() as connection:
        for number, (currency, ours, theirs) in enumerate(sides):
            row = mismatch(number, "open", now) | {"ours": ours, "theirs": theirs}
            connection.execute(sa.insert(mismatches).values(row | {"currency": currency}))
    with ledger.read() as connection:
        found = stakes.read(connection)
    assert found.counts == {("overpaid", "high"): 8}
    assert found.money == {("overpaid", "high", "cny"): 157, ("overpaid", "high", "usd"): 900}
    assert [stakes.between(ours, theirs, "overpaid") for _, ours, theirs in sides] == [
        150, 7, 900, 1, None, None, None, None,
    ]  # fmt: skip


def test_what_only_one_side_has_is_at_stake_whole(ledger: Ledger, now: datetime) -> None:
    rows = [
        ("statement_missing_here", "nothing", "8800"),
        ("statement_missing_there", "500", "nothing"),
        ("canceled_but_paid", "1000", "canceled"),
        ("statement_currency", "cny", "156"),
    ]
    with ledger.begin() as connection:
        for number, (rule, ours, theirs) in enumerate(rows):
            sides = {"rule": rule, "ours": ours, "theirs": theirs, "currency": "cny"}
            connection.execute(sa.insert(mismatches).values(mismatch(number, "open", now) | sides))
    with ledger.read() as connection:
        found = stakes.read(connection).money
    assert {rule: found.get((rule, "high", "cny")) for rule, _, _ in rows} == {
        "statement_missing_here": 8800,
        "statement_missing_there": 500,
        "canceled_but_paid": 1000,
        "statement_currency": None,
    }
    assert [stakes.between(ours, theirs, rule) for rule, ours, theirs in rows] == [
        8800, 500, 1000, None,
    ]  # fmt: skip


def test_days_times_and_counts_are_no_money(ledger: Ledger, now: datetime) -> None:
    with ledger.begin() as connection:
        for number, rule in enumerate(stakes.FIGURES):
            sides = {"rule": rule, "ours": "20779", "theirs": "20781", "currency": "cny"}
            connection.execute(sa.insert(mismatches).values(mismatch(number, "open", now) | sides))
    with ledger.read() as connection:
        assert stakes.read(connection).money == {}
    assert [stakes.between("20779", "20781", rule) for rule in stakes.FIGURES] == [
        None for _ in stakes.FIGURES
    ]


def test_a_known_sink_has_its_gauges_while_nothing_waits(ledger: Ledger, now: datetime) -> None:
    with ledger.begin() as connection:
        sinks.register(connection, "file", past=False, since=None, now=now)
        sinks.pause(connection, "file", "moving", now=now)
    with ledger.read() as connection:
        gauges = read_gauges(connection, now=now)
    assert (gauges.outbox_waiting, gauges.outbox_oldest_seconds) == ({"file": 0}, {"file": 0.0})
    assert (gauges.dead_letters, gauges.sinks_paused) == ({"file": 0}, {"file": 1})


def test_the_newest_success_of_a_job_counts_whichever_process_says_it_last(
    ledger: Ledger, now: datetime
) -> None:
    minute = timedelta(minutes=1)
    for ended in ({"poll": now, "drain": now}, {"poll": now - minute, "drain": now + minute}):
        with ledger.begin() as connection:
            slots.note_successes(connection, ended)
    with ledger.read() as connection:
        assert slots.successes_of(connection) == {"poll": now, "drain": now + minute}


def test_a_cut_end_of_the_audit_shows(ledger: Ledger, now: datetime) -> None:
    for number in range(3):
        audit.note(ledger, who="wang", what=f"look {number}", why="asked", now=now)
    with ledger.read() as connection:
        assert audit.end(connection) == (3, True)
    with ledger.begin() as connection:
        connection.execute(sa.update(meta).where(meta.c.name == audit.LAST).values(value="0" * 64))
    with ledger.read() as connection:
        assert audit.end(connection) == (3, False)


def test_a_ledger_that_hangs_holds_no_scrape_and_is_asked_once(
    ledger: Ledger, now: datetime
) -> None:
    asked = threading.Semaphore(0)
    answers = threading.Event()

    def clock() -> datetime:
        asked.release()
        assert answers.wait(60)
        return now

    collector = LedgerCollector(ledger, clock, RULES, answer_seconds=0.05)
    first, second = ({one.name: one for one in collector.collect()} for _ in range(2))
    assert (list(first), list(second)) == (["pingledger_ledger_up"],) * 2
    assert second["pingledger_ledger_up"].samples[0].value == 0
    answers.set()
    assert asked.acquire(timeout=60)
    while len(found := {one.name: one for one in collector.collect()}) == 1:
        pass
    assert found["pingledger_ledger_up"].samples[0].value == 1
    assert not asked.acquire(blocking=False)


def test_a_day_that_is_due_is_shown_before_any_was_closed(ledger: Ledger) -> None:
    def overdue(now: datetime) -> float:
        found = {one.name: one for one in LedgerCollector(ledger, lambda: now, RULES).collect()}
        assert "pingledger_closed_day_timestamp_seconds" not in found
        return found["pingledger_closing_overdue_seconds"].samples[0].value

    pay(ledger, 1, DAWN + HOUR)
    due = morning(FIRST_DAY) - HOUR
    assert [overdue(due - HOUR), overdue(due), overdue(due + HOUR)] == [0, 0, 3600]


def test_keys_that_another_replica_added_are_missing_here(ledger: Ledger, now: datetime) -> None:
    enrol(ledger)
    with ledger.read() as connection:
        assert read_gauges(connection, now=now).vault_keys == set(ledger.vault.ids)
    other = Ledger(ledger.writer, ledger.reader, Vault([b"another key of 32 bytes 12345678"]))
    found = {
        one.name: one.samples[0].value
        for one in LedgerCollector(other, lambda: now, RULES).collect()
        if one.samples
    }
    assert (found["pingledger_vault_keys"], found["pingledger_vault_keys_missing"]) == (1, 1)


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
        "currency": "cny",
        "found_at": now,
    }


@pytest.mark.parametrize("dialect", ["sqlite"])
@pytest.mark.parametrize(
    ("networks", "headers", "sees"),
    [
        (PRIVATE_NETWORKS, (), True),
        (PRIVATE_NETWORKS, ((b"X-Forwarded-For", b"203.0.113.9"),), False),
        (PRIVATE_NETWORKS, ((b"Forwarded", b"for=10.0.0.1"),), False),
        (("203.0.113.0/24",), (), False),
        (("203.0.113.0/24",), ((b"X-Forwarded-For", b"203.0.113.9"),), False),
        ((), (), False),
    ],
)
def test_who_is_outside_reads_no_metrics_and_no_reason(
    serve: Any, networks: tuple[str, ...], headers: tuple[tuple[bytes, bytes], ...], sees: bool
) -> None:
    inside = Inside(networks, proxied=False)
    with serve(inside=inside, tick_age_seconds=lambda: None) as served:
        answer = served.get("/metrics", *headers)
        assert status(answer) == (200 if sees else 404)
        assert (b"pingledger_ledger_up" in answer) is sees
        assert body(served.get("/health/ready", *headers)) == (
            b"jobs\n" if sees else b"not ready\n"
        )
        assert body(served.get("/health/live", *headers)) == b"live\n"
        for path in ("/docs", "/redoc", "/openapi.json", "/debug", "/static/", "/.git/config"):
            assert status(served.get(path, *headers)) == 404


def test_a_trusted_proxy_says_who_is_inside() -> None:
    inside = Inside(PRIVATE_NETWORKS, proxied=True)
    forwarded = [(b"x-forwarded-for", b"203.0.113.9")]

    def asked_by(host: str) -> dict[str, Any]:
        return {"type": "http", "headers": forwarded, "client": (host, 0)}

    inner = ("127.0.0.1", "::1", "10.1.2.3", "fd00::1", "::ffff:192.168.1.1", "172.31.0.1")
    assert all(inside.is_from(asked_by(host)) for host in inner)
    outer = ("203.0.113.9", "2001:db8::1", "::ffff:8.8.8.8", "172.32.0.1", "", "testclient")
    assert not any(inside.is_from(asked_by(host)) for host in outer)
    assert not inside.is_from({"type": "http", "headers": [], "client": None})
