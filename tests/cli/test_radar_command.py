"""What the radar measured is said in one line per kind, and in all."""

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta

from service.ledger import radar
from service.ledger.engine import open_ledger
from service.ledger.radar import Hour
from tests.cli.conftest import Call


def put(database: str, kind: str, hours_ago: int, hour: Hour, account: str = "shop") -> None:
    now = datetime.now(UTC)
    with closing(open_ledger(database)) as ledger, ledger.begin() as connection:
        at = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours_ago)
        radar.record(connection, account, kind, at, hour, now=now)


def test_what_was_measured_is_said_by_kind_and_in_all(call: Call, database: str) -> None:
    put(database, "order", 4, Hour(listed=5_000, delivered=4_998, asked=2))
    put(database, "order", 5, Hour(listed=5_010, delivered=5_000, asked=1, quiet=9))
    put(database, "withdrawal", 4, Hour(listed=3, delivered=3))
    put(database, "order", 99, Hour(listed=3, unexplained=3))
    ended = call("radar")
    assert ended.code == 0, ended.err
    assert ended.out.splitlines() == [
        "shop order: delivered 99.97 %, 3 found only by asking, 0 unexplained;"
        " 9 need no notification; 10,010 listed in 2 hours",
        "shop withdrawal: delivered 100.00 %, 0 found only by asking, 0 unexplained;"
        " 0 need no notification; 3 listed in 1 hours",
        "total: delivered 99.97 %, 3 found only by asking, 0 unexplained;"
        " 9 need no notification; 10,013 listed in 3 hours",
    ]


def test_below_the_target_is_1_and_lines_are_for_programs(call: Call, database: str) -> None:
    put(database, "order", 99, Hour(listed=4, delivered=1, unexplained=3))
    put(database, "order", 99, Hour(listed=1, delivered=1), account="other")
    since = (datetime.now(UTC) - timedelta(hours=200)).isoformat()
    ended = call("radar", "--since", since, "--account", "shop", "--json")
    assert ended.code == 1
    first, total = (json.loads(line) for line in ended.out.splitlines())
    assert (first["account"], first["kind"], first["unexplained"]) == ("shop", "order", 3)
    assert (total["kind"], total["share"], total["hours"]) == ("total", 0.25, 1)


def test_nothing_measured_is_said(call: Call, database: str) -> None:
    ended = call("radar")
    assert (ended.code, ended.out) == (0, "")
    assert "no hour was measured" in ended.err


def test_a_wrong_time_is_64(call: Call, database: str) -> None:
    ended = call("radar", "--since", "yesterday")
    assert (ended.code, "a time with its zone" in ended.err) == (64, True)
