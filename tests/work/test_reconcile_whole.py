"""Does a run over everything find and write what batches do, and no more?"""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import event

from service.ledger.engine import Connection, Ledger
from service.ledger.schema import mismatches
from service.work.reconcile import SLICE, reconcile
from tests.books import change, charge, order, part, put, states, told, watch
from tests.books import rows_of as rows
from tests.work.judging import COUPON, ORDER, TERMS, batch


def test_a_run_over_everything_counts_what_it_finds(ledger: Ledger, now: datetime) -> None:
    wrong = [order(f"o{n}", amount_paid=99, inside=COUPON) for n in range(1, 4)]
    charges = [charge(f"ch{n}", order_id=f"o{n}") for n in range(1, 4)]
    twins = [order("o8", order_no="n", amount=50), order("o9", order_no="n")]
    with ledger.begin() as connection:
        put(connection, [*wrong, *charges, *twins, watch("order", "o7", failures=9)])
    heard: list[int] = []
    seen = reconcile(ledger, terms=TERMS, now=now, on_slice=heard.append)
    assert seen.objects == 9
    assert seen.found == {"paid_sum": 3, "order_no_twice": 1, "overpaid": 1, "overdue": 1}
    assert seen.suspected == {"paid_sum": 3, "overdue": 1}
    assert seen.opened == {"order_no_twice": 1, "overpaid": 1}
    assert seen.settled == {}
    assert heard[-1] == 9


def test_a_second_run_finds_the_same_and_writes_nothing(ledger: Ledger, now: datetime) -> None:
    batch(ledger, now, order(amount=50), charge())
    before = rows(ledger, mismatches)
    seen = reconcile(ledger, terms=TERMS, now=now)
    assert (seen.found, seen.opened) == ({"overpaid": 1}, {})
    assert rows(ledger, mismatches) == before
    assert len(told(ledger)) == 1


def test_everything_is_walked_in_stretches(ledger: Ledger, now: datetime) -> None:
    parts = [part("order_refund", f"r{n:04}", 1, order_id=None) for n in range(1100)]
    with ledger.begin() as connection:
        put(connection, parts)
    heard: list[int] = []
    seen = reconcile(ledger, terms=TERMS, now=now, on_slice=heard.append, size=500)
    assert seen.objects == 1100
    assert heard == [500, 1000, 1100]


def test_a_stretch_of_differences_is_written_a_few_at_a_time(ledger: Ledger, now: datetime) -> None:
    wrong = [order(f"o{n:04}", amount=50, order_no=f"n{n}") for n in range(SLICE + 1)]
    with ledger.begin() as connection:
        put(connection, wrong)
    writing: list[bool] = []

    def hear(connection: Connection) -> None:
        # on PostgreSQL both engines are one
        if "postgresql_readonly" not in connection.get_execution_options():
            writing.append(True)

    event.listen(ledger.writer, "commit", hear)
    assert reconcile(ledger, terms=TERMS, now=now).opened == {"overpaid": SLICE + 1}
    assert len(writing) == 2


def test_what_is_only_known_by_name_is_walked_and_counted(ledger: Ledger, now: datetime) -> None:
    late = {"deadline_at": now - timedelta(seconds=1)}
    rows = [order("o1"), watch("order", "o1", **late)]
    rows += [watch("order", f"o{n}", **late) for n in range(2, 6)]
    rows += [watch("withdrawal", "w1", **late)]
    with ledger.begin() as connection:
        put(connection, rows)
    seen = reconcile(ledger, terms=TERMS, now=now, size=2)
    assert seen.objects == 6
    assert seen.found == {"overdue": 5}


def test_a_rule_that_no_longer_exists_settles_what_it_found(ledger: Ledger, now: datetime) -> None:
    batch(ledger, now, order(amount=50), charge())
    with ledger.begin() as connection:
        connection.execute(sa.update(mismatches).values(rule="forgotten"))
    change(ledger, ORDER, amount=100)
    reconcile(ledger, terms=TERMS, now=now)
    assert states(ledger) == [("forgotten", "settled")]
