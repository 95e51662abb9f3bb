"""Do the rules reach what they judge by its index, and each row once?"""

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from service.core.observation import Key
from service.ledger.engine import Connection, Ledger, open_ledger
from service.ledger.rules.check import check, check_stretch
from service.ledger.rules.scopes import Stretch
from service.ledger.schema import beliefs
from tests.books import charge, order, part, put
from tests.conftest import VAULT

MANY = 50_000


@pytest.fixture
def crowded(fresh_database: Callable[[], str]) -> Iterator[Ledger]:
    """A ledger with many objects, of which the planner has no statistics: the first minute."""
    with closing(open_ledger(fresh_database(), VAULT)) as ledger:
        with ledger.begin() as connection:
            if ledger.dialect == "postgresql":
                connection.execute(sa.text("ALTER TABLE beliefs SET (autovacuum_enabled = off)"))
            for start in range(0, MANY, 5000):
                rows = [_crowd(number) for number in range(start, start + 5000)]
                connection.execute(sa.insert(beliefs), rows)
        yield ledger


def _crowd(number: int) -> dict[str, Any]:
    """Ten thousand orders with a charge, a refund, an allocation and its refund each."""
    story, role = divmod(number, 5)
    if role == 0:
        return order(f"o{story}", order_no=f"n{story}")
    if role == 1:
        return charge(f"ch{story}", order_id=f"o{story}", order_no=f"n{story}")
    kind = ("order_refund", "allocation", "allocation_refund")[role - 2]
    return part(kind, f"p{number}", 1, order_id=f"o{story}", order_no=f"n{number}")


# By the names that the tables bear in the rules; PostgreSQL also tells what it read in vain.
_SCAN = re.compile(
    r"Seq Scan on beliefs|Rows Removed by Filter: [0-9]{4}"
    r"|SCAN (beliefs|part|charge_part|share_part|twin|namesake|watched|due|watch|watches)\b"
    r"|SCAN mismatches\b"
)


@pytest.mark.slow
def test_the_rules_reach_every_belief_by_its_index(crowded: Ledger, now: datetime) -> None:
    keys = [Key("shop", "order", f"o{n}") for n in range(0, 4000, 40)]
    keys += [Key("shop", "charge", f"ch{n}") for n in range(1, 4000, 40)]
    for preparation in ("SELECT 'no statistics yet'", "ANALYZE"):
        with crowded.begin() as connection:
            connection.execute(sa.text(preparation))
            plan = explained(connection, lambda: check(connection, keys, now=now))
        scans = [line for line in plan if _SCAN.search(line)]
        assert scans == [], "\n".join([preparation, *plan])


@pytest.mark.slow
def test_a_stretch_reads_itself_and_reaches_its_parts_by_their_index(
    crowded: Ledger, now: datetime
) -> None:
    for kind, first in (("order", "o1"), ("charge", "ch1"), ("allocation", "p1")):
        stretch = Stretch("shop", kind, first, f"{first}4")
        for preparation in ("SELECT 'no statistics yet'", "ANALYZE"):
            with crowded.begin() as connection:
                connection.execute(sa.text(preparation))
                plan = explained(connection, partial(check_stretch, connection, stretch, now=now))
            scans = [line for line in plan if _SCAN.search(line)]
            assert scans == [], "\n".join([preparation, *plan])


def explained(connection: Connection, question: Callable[[], object]) -> list[str]:
    """How the database answers the one statement that `question` executes."""
    asked: list[tuple[str, Any]] = []

    def listen(*call: Any) -> None:
        asked.append((call[2], call[3]))

    event.listen(connection, "before_cursor_execute", listen)
    question()
    event.remove(connection, "before_cursor_execute", listen)
    (statement, values), *_ = asked
    sqlite = connection.dialect.name == "sqlite"
    explain = "EXPLAIN QUERY PLAN" if sqlite else "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF)"
    rows = connection.exec_driver_sql(f"{explain} {statement}", values)
    return [str(row[-1]) for row in rows]


NAMESAKES = 1_000
# Rows of PostgreSQL, thousands of steps of SQLite: each order once with its number, not each pair.
WORK_LIMIT = {"postgresql": 10 * NAMESAKES, "sqlite": 2 * NAMESAKES}


def test_a_thousand_namesakes_are_not_each_compared_with_each(
    ledger: Ledger, now: datetime
) -> None:
    rows = [order(f"o{n:04d}", order_no="n1") for n in range(NAMESAKES)]
    with ledger.begin() as connection:
        keys = put(connection, rows)
        twice = [f for f in check(connection, keys, now=now).found if f.rule == "order_no_twice"]
        assert [(f.key.object_id, f.theirs) for f in twice] == [
            (row["object_id"], "o0000") for row in rows[1:]
        ]
        assert (
            work_of(connection, lambda: check(connection, keys, now=now))
            < WORK_LIMIT[ledger.dialect]
        )


def work_of(connection: Connection, question: Callable[[], object]) -> float:
    """How much the database goes through for an answer, by its own account."""
    if connection.dialect.name == "postgresql":
        plan = explained(connection, question)
        read = [re.search(r" on beliefs .*rows=([0-9.]+) loops=([0-9]+)", line) for line in plan]
        return sum(float(found[1]) * int(found[2]) for found in read if found)
    steps: list[int] = []
    driver: Any = connection.connection.driver_connection
    driver.set_progress_handler(lambda: steps.append(1), 1_000)
    question()
    driver.set_progress_handler(None, 0)
    return len(steps)
