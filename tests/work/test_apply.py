"""One door: what a batch of sightings does to beliefs, changes, messages and looks."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from service.core.observation import Key, Source
from service.ledger.engine import Ledger
from service.ledger.schema import beliefs, changes, notices, observations, outbox, watches
from service.pingpp.reader import read_object
from service.work.apply import Applied, apply
from service.work.terms import Terms
from tests import bodies
from tests.work.stories import Fields, look

TERMS = Terms(sinks=("one",), epoch="e1")
ORDER = Key("shop", "order", "2012601010000000001")
WITHDRAWAL = Key("shop", "withdrawal", "1712601010000000001")


def tell(ledger: Ledger, fields: Fields, at: datetime, source: Source = Source.WEBHOOK) -> Applied:
    seen = read_object(fields, account="shop", source=source, seen_at=at)
    return apply(ledger, seen.observations, terms=TERMS, now=at)


def rows(ledger: Ledger, table: sa.Table, **where: Any) -> list[Any]:
    with ledger.read() as connection:
        conditions = [table.c[name] == value for name, value in where.items()]
        order = list(table.primary_key.columns)
        return list(connection.execute(sa.select(table).where(*conditions).order_by(*order)))


def test_an_order_is_born_with_its_charge_a_change_and_a_message(
    ledger: Ledger, now: datetime
) -> None:
    done = tell(ledger, bodies.order(), now)
    assert (done.born, done.changes) == (2, 2)
    order = rows(ledger, beliefs, kind="order")[0]
    assert (order.status, order.final, order.amount_paid, order.seq) == ("paid", True, 1200, 1)
    charge = rows(ledger, beliefs, kind="charge")[0]
    assert (charge.status, charge.order_id) == ("paid", ORDER.object_id)
    message = rows(ledger, outbox, stream=f"shop/order/{ORDER.object_id}")[0]
    body = msgspec.json.decode(message.body)
    assert (body["type"], body["data"]["before"]) == ("pingpp.order.paid.v1", None)
    assert body["data"]["after"]["amount_paid"] == 1200


def test_the_same_sighting_again_changes_and_tells_nothing(ledger: Ledger, now: datetime) -> None:
    tell(ledger, bodies.order(), now)
    done = tell(ledger, bodies.order(), now + timedelta(seconds=5))
    assert (done.changes, done.outcomes["unchanged"]) == (0, 2)
    assert len(rows(ledger, outbox)) == 2
    assert len(rows(ledger, observations)) == 4


def test_refunds_that_grow_are_told_one_by_one_in_order(ledger: Ledger, now: datetime) -> None:
    for minute, refunded in enumerate((100, 400, 1200)):
        body = bodies.order(status="refunded", amount_refunded=refunded, charges=None)
        tell(ledger, body, now + timedelta(minutes=minute))
    told = rows(ledger, changes, kind="order")
    assert [row.seq for row in told] == [1, 2, 3]
    after = [msgspec.json.decode(row.after)["amount_refunded"] for row in told]
    assert after == [100, 400, 1200]


def test_two_ends_are_not_published_until_they_are_decided(ledger: Ledger, now: datetime) -> None:
    tell(ledger, bodies.withdrawal(status="succeeded"), now)
    done = tell(ledger, bodies.withdrawal(status="failed"), now + timedelta(seconds=1))
    assert (done.outcomes["conflicting"], done.changes) == (1, 0)
    watch = rows(ledger, watches, kind="withdrawal")[0]
    assert watch.next_look_at == now + timedelta(seconds=11)
    for seconds in (20, 90):
        failed = bodies.withdrawal(status="failed")
        look(ledger, WITHDRAWAL, failed, terms=TERMS, at=now + timedelta(seconds=seconds))
    told = rows(ledger, changes, kind="withdrawal")
    assert [(row.seq, row.correction) for row in told] == [(1, False), (2, True)]
    assert rows(ledger, watches, kind="withdrawal")[0].state == "ended"


def test_a_refund_of_an_unknown_order_makes_us_ask_for_the_order(
    ledger: Ledger, now: datetime
) -> None:
    tell(ledger, bodies.order_refund(), now)
    watch = rows(ledger, watches, kind="order")[0]
    assert (watch.object_id, watch.next_look_at, watch.state) == (ORDER.object_id, now, "active")
    assert rows(ledger, beliefs, kind="order") == []


def test_repeated_notifications_never_push_a_look_away(ledger: Ledger, now: datetime) -> None:
    tell(ledger, bodies.withdrawal(), now)
    first = rows(ledger, watches, kind="withdrawal")[0].next_look_at
    for second in range(1, 40):
        tell(ledger, bodies.withdrawal(), now + timedelta(seconds=second))
    assert rows(ledger, watches, kind="withdrawal")[0].next_look_at == first


def test_a_step_back_seen_in_a_notification_is_asked_about_soon(
    ledger: Ledger, now: datetime
) -> None:
    tell(ledger, bodies.withdrawal(status="pending"), now)
    tell(ledger, bodies.withdrawal(status="created"), now + timedelta(seconds=1))
    watch = rows(ledger, watches, kind="withdrawal")[0]
    assert watch.next_look_at == now + timedelta(seconds=11)
    assert rows(ledger, beliefs, kind="withdrawal")[0].status == "pending"


def test_an_own_look_is_counted_and_plans_the_next(ledger: Ledger, now: datetime) -> None:
    tell(ledger, bodies.withdrawal(status="pending"), now)
    for looks in (1, 2, 3):
        token = f"t{looks}"
        with ledger.begin() as connection:
            connection.execute(sa.update(watches).values(claim_token=token))
        at = now + timedelta(minutes=looks)
        fields = bodies.withdrawal(status="pending")
        seen = read_object(fields, account="shop", source=Source.POLL, seen_at=at)
        apply(ledger, seen.observations, terms=TERMS, now=at, looked={WITHDRAWAL: token})
        watch = rows(ledger, watches, kind="withdrawal")[0]
        assert (watch.looks, watch.claim_token) == (looks, None)
        assert watch.next_look_at > at


def test_a_look_with_a_lost_claim_leaves_the_watch_alone(ledger: Ledger, now: datetime) -> None:
    tell(ledger, bodies.withdrawal(status="pending"), now)
    with ledger.begin() as connection:
        connection.execute(sa.update(watches).values(claim_token="theirs"))
    seen = read_object(
        bodies.withdrawal(status="pending"), account="shop", source=Source.POLL, seen_at=now
    )
    apply(ledger, seen.observations, terms=TERMS, now=now, looked={WITHDRAWAL: "ours"})
    watch = rows(ledger, watches, kind="withdrawal")[0]
    assert (watch.looks, watch.claim_token) == (0, "theirs")


def test_an_unknown_status_is_told_once(ledger: Ledger, now: datetime) -> None:
    for second in range(3):
        tell(ledger, bodies.withdrawal(status="frozen"), now + timedelta(seconds=second))
    found = rows(ledger, notices, cause="unknown_status")
    assert [(row.subject, row.count) for row in found] == [("withdrawal.frozen", 3)]
    assert len(rows(ledger, outbox, type="pingledger.notice.v1")) == 1


def test_nothing_is_half_applied_when_what_settles_fails(ledger: Ledger, now: datetime) -> None:
    def settle(_connection: object) -> None:
        raise RuntimeError("gone")

    seen = read_object(bodies.order(), account="shop", source=Source.WEBHOOK, seen_at=now)
    with pytest.raises(RuntimeError):
        apply(ledger, seen.observations, terms=TERMS, now=now, settle=settle)
    for table in (beliefs, observations, changes, outbox, watches):
        assert rows(ledger, table) == []


def test_personal_data_reaches_no_message(ledger: Ledger, now: datetime) -> None:
    body = bodies.order(uid="13800138000", subject="张三", client_ip="203.0.113.9")
    tell(ledger, body, now)
    for row in rows(ledger, outbox):
        assert not any(word in row.body.decode() for word in ("13800138000", "张三", "203.0.113"))
