"""What becomes of accepted deliveries: applied, kept or set aside, and never lost."""

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from service.core.errors import Raced
from service.ledger import deliveries
from service.ledger.engine import Ledger, open_ledger
from service.ledger.schema import beliefs, notices
from service.ledger.schema import deliveries as inbox
from service.work.drain import BATCH_DELIVERIES, drain
from service.work.terms import AccountTerms, Terms
from tests import bodies
from tests.conftest import VAULT
from tests.work.stories import arrive, wire

SHOP = AccountTerms(livemode=True, apps=frozenset({bodies.APP}))
TERMS = Terms(sinks=("one",), epoch="e1", accounts={"shop": SHOP})
LEASE = timedelta(seconds=60)


def drained(ledger: Ledger, now: datetime, size: int | None = None) -> Counter[str]:
    return drain(ledger, terms=TERMS, clock=lambda: now, size=size)


def states(ledger: Ledger) -> list[tuple[str, str | None]]:
    with ledger.read() as connection:
        found = connection.execute(sa.select(inbox.c.state, inbox.c.reason).order_by(inbox.c.id))
        return [(row.state, row.reason) for row in found]


def believed(ledger: Ledger) -> int:
    with ledger.read() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(beliefs)) or 0


CASES: list[tuple[bytes, tuple[str, str | None]]] = [
    (wire(bodies.event(bodies.order())), ("applied", None)),
    (wire(bodies.event(bodies.order(), "order.invented")), ("applied", None)),
    (
        wire(bodies.event({"id": "bt_1", "object": "balance_transaction"})),
        ("kept", "unknown_object"),
    ),
    (b"", ("quarantined", "not_json")),
    (b"[]", ("quarantined", "not_an_object")),
    (wire(bodies.order()), ("quarantined", "not_an_event")),
    (wire(bodies.event({}, data=None)), ("quarantined", "no_object")),
    (wire(bodies.event(bodies.order(amount="1200"))), ("quarantined", "amount")),
    (wire(bodies.event(bodies.order(id=None))), ("quarantined", "object_id")),
    (wire(bodies.event(bodies.order(app="app_other"))), ("quarantined", "other_app")),
    (wire(bodies.event(bodies.order(), livemode=False)), ("quarantined", "livemode")),
]


@pytest.mark.parametrize(("body", "expected"), CASES, ids=range(len(CASES)))
def test_each_delivery_ends_in_a_state(
    ledger: Ledger, now: datetime, body: bytes, expected: tuple[str, str | None]
) -> None:
    arrive(ledger, "shop", body, now)
    drained(ledger, now)
    assert states(ledger) == [expected]
    assert (believed(ledger) > 0) is (expected[0] == "applied")


def test_what_is_odd_is_told_once_per_cause(ledger: Ledger, now: datetime) -> None:
    for number in range(3):
        arrive(ledger, "shop", b"[%d]" % number, now)
        unknown = {"id": f"bt_{number}", "object": "balance_transaction"}
        arrive(ledger, "shop", wire(bodies.event(unknown, id=f"evt_{number}")), now)
        drained(ledger, now)
    with ledger.read() as connection:
        found = connection.execute(sa.select(notices.c.cause, notices.c.subject)).all()
    assert sorted((row.cause, row.subject) for row in found) == [
        ("quarantined", "not_an_object"),
        ("unknown_object", "balance_transaction"),
    ]


def test_more_than_a_batch_is_drained_in_one_call(ledger: Ledger, now: datetime) -> None:
    count = BATCH_DELIVERIES[ledger.dialect] + 20
    for number in range(count):
        body = wire(bodies.event(bodies.withdrawal(id=f"17{number:05}"), id=f"evt_{number}"))
        arrive(ledger, "shop", body, now)
    assert drained(ledger, now)["applied"] == count
    assert believed(ledger) == count


def test_a_poison_delivery_is_set_aside_alone(
    ledger: Ledger, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        arrive(
            ledger,
            "shop",
            wire(bodies.event(bodies.withdrawal(id=f"17{number}"), id=f"evt_{number}")),
            now,
        )
    with ledger.begin() as connection:
        _refuse(connection, "171")
    assert drained(ledger, now) == Counter(applied=2, quarantined=1)
    assert states(ledger)[1] == ("quarantined", "apply_failed")
    with ledger.begin() as connection:
        _allow(connection)
        assert deliveries.requeue(connection, reason="apply_failed") == 1
    assert drained(ledger, now) == Counter(applied=1)
    assert believed(ledger) == 3


def test_what_waits_behind_a_batch_that_fails_is_worked_and_nothing_stays_claimed(
    ledger: Ledger, now: datetime
) -> None:
    for number in range(22):
        body = wire(bodies.event(bodies.withdrawal(id=f"17{number:02}"), id=f"evt_{number}"))
        arrive(ledger, "shop", body, now)
    with ledger.begin() as connection:
        _refuse(connection, "1712")
    assert drained(ledger, now, size=3) == Counter(applied=21, quarantined=1)
    with ledger.read() as connection:
        claimed = sa.select(sa.func.count()).where(inbox.c.claim_token.is_not(None))
        assert connection.scalar(claimed) == 0


def _refuse(connection: Any, object_id: str) -> None:
    """Make the database itself refuse one object: a trigger, as a broken extension would."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(
            f"CREATE TRIGGER poison BEFORE INSERT ON observations"
            f" WHEN NEW.object_id = '{object_id}' BEGIN SELECT RAISE(ABORT, 'poison'); END"
        )
    else:
        connection.exec_driver_sql(
            "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN IF NEW.object_id = '{object_id}' THEN"
            " RAISE 'poison' USING ERRCODE = '22000'; END IF; RETURN NEW; END $$"
        )
        connection.exec_driver_sql(
            "CREATE TRIGGER poison BEFORE INSERT ON observations"
            " FOR EACH ROW EXECUTE FUNCTION poison()"
        )


def _allow(connection: Any) -> None:
    on = "" if connection.dialect.name == "sqlite" else " ON observations"
    connection.exec_driver_sql(f"DROP TRIGGER poison{on}")


def test_a_dead_workers_deliveries_are_taken_over_after_the_lease(
    ledger: Ledger, now: datetime
) -> None:
    arrive(ledger, "shop", wire(bodies.event(bodies.order())), now)
    with ledger.begin() as connection:
        deliveries.claim(connection, limit=10, lease=LEASE, now=now)
    assert drained(ledger, now + timedelta(seconds=59)) == Counter()
    assert drained(ledger, now + timedelta(seconds=61)) == Counter(applied=1)


def test_a_late_workers_settling_hits_nothing(ledger: Ledger, now: datetime) -> None:
    arrive(ledger, "shop", wire(bodies.event(bodies.order())), now)
    with ledger.begin() as connection:
        stale = deliveries.claim(connection, limit=10, lease=LEASE, now=now)
    later = now + timedelta(seconds=61)
    with ledger.begin() as connection:
        deliveries.claim(connection, limit=10, lease=LEASE, now=later)
    handled = [deliveries.Handled(stale.rows[0].id, "applied")]
    with pytest.raises(Raced), ledger.begin() as connection:
        deliveries.settle(connection, stale.token, handled, now=later)
    assert states(ledger) == [("waiting", None)]


def test_a_delivery_that_keeps_killing_its_worker_is_set_aside(
    ledger: Ledger, now: datetime
) -> None:
    arrive(ledger, "shop", wire(bodies.event(bodies.order())), now)
    for attempt in range(deliveries.ATTEMPTS_LIMIT):
        with ledger.begin() as connection:
            at = now + attempt * 2 * LEASE
            assert deliveries.claim(connection, limit=10, lease=LEASE, now=at).rows
    assert drained(ledger, now + timedelta(days=1)) == Counter(quarantined=1)
    assert states(ledger) == [("quarantined", "attempts")]


def test_what_was_only_near_a_killer_is_not_set_aside_with_it(
    ledger: Ledger, now: datetime
) -> None:
    """A hundred kills of the host once set whole batches of sound deliveries aside."""

    def die(at: datetime) -> list[int]:
        with ledger.begin() as connection:
            claimed = deliveries.claim(connection, limit=10, lease=LEASE, now=at)
        return [row.id for row in claimed.rows]

    for number in range(3):
        body = bodies.event(bodies.withdrawal(id=f"17{number}"), id=f"evt_{number}")
        arrive(ledger, "shop", wire(body), now)
    batches = [die(now + attempt * 2 * LEASE) for attempt in range(deliveries.ALONE_ATTEMPTS)]
    assert batches == [[1, 2, 3]] * deliveries.ALONE_ATTEMPTS
    later = now + timedelta(hours=1)
    arrive(ledger, "shop", wire(bodies.event(bodies.order(), id="evt_sound")), later)
    assert die(later) == [4]
    then = [die(later + (1 + attempt) * 2 * LEASE) for attempt in range(7)]
    assert then == [[4]] * (deliveries.ALONE_ATTEMPTS - 1) + [[1], [2]]
    assert drained(ledger, later + timedelta(hours=1)) == Counter(applied=4)


def test_what_some_workers_died_with_is_taken_by_the_few(ledger: Ledger, now: datetime) -> None:
    """One at a time, a host that dies again and again leaves more behind than is ever worked."""
    for number in range(deliveries.FEW + 5):
        body = bodies.event(bodies.withdrawal(id=f"17{number}"), id=f"evt_{number}")
        arrive(ledger, "shop", wire(body), now)

    def die(at: datetime) -> int:
        with ledger.begin() as connection:
            return len(deliveries.claim(connection, limit=100, lease=LEASE, now=at).rows)

    tries = [die(now + attempt * 2 * LEASE) for attempt in range(deliveries.FEW_ATTEMPTS + 1)]
    assert tries == [deliveries.FEW + 5] * deliveries.FEW_ATTEMPTS + [deliveries.FEW]
    assert drained(ledger, now + timedelta(hours=1)) == Counter(applied=deliveries.FEW + 5)


def test_reading_again_changes_nothing_that_was_told(ledger: Ledger, now: datetime) -> None:
    arrive(ledger, "shop", wire(bodies.event(bodies.order())), now)
    drained(ledger, now)
    with ledger.begin() as connection:
        assert deliveries.requeue(connection, state="applied") == 1
    assert drained(ledger, now + timedelta(hours=1)) == Counter(applied=1)
    with ledger.read() as connection:
        assert set(connection.scalars(sa.select(beliefs.c.seq))) == {1}


def test_the_planner_knows_what_is_believed_before_it_works_a_backlog(
    fresh_database: Callable[[], str], now: datetime
) -> None:
    with closing(open_ledger(fresh_database(), VAULT)) as ledger:
        for number in range(5):
            body = wire(bodies.event(bodies.withdrawal(id=f"17{number}"), id=f"evt_{number}"))
            arrive(ledger, "shop", body, now)
        assert drained(ledger, now, size=2) == Counter(applied=5)
        if ledger.dialect == "sqlite":
            question, expected = "SELECT count(*) FROM beliefs", 5
        else:
            question, expected = (
                "SELECT reltuples FROM pg_class WHERE relname = 'beliefs' AND EXISTS"
                " (SELECT FROM pg_stats WHERE tablename = 'beliefs')",
                # those of the batch before: nobody has looked again
                2,
            )
        with ledger.read() as connection:
            assert connection.scalar(sa.text(question)) == expected
