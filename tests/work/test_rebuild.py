"""Every belief is the join of what was seen of it, and a belief that is not is found."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from service.core.observation import Key, Source
from service.ledger.engine import Ledger
from service.ledger.history import SLICE
from service.ledger.schema import beliefs, observations, postings
from service.pingpp.reader import read_object
from service.work.apply import apply
from service.work.rebuild import Rebuilt, rebuild
from service.work.terms import Terms
from tests import bodies
from tests.work.stories import Fields

TERMS = Terms(epoch="e1")


def tell(ledger: Ledger, fields: Fields, at: datetime, source: Source = Source.WEBHOOK) -> None:
    seen = read_object(fields, account="shop", source=source, seen_at=at)
    apply(ledger, seen.observations, terms=TERMS, now=at)


def rebuilt(ledger: Ledger) -> Rebuilt:
    *_, last = rebuild(ledger)
    return last


def test_an_empty_ledger_has_nothing_to_compare(ledger: Ledger) -> None:
    assert rebuilt(ledger) == Rebuilt()


def test_beliefs_are_the_join_of_what_was_seen(ledger: Ledger, now: datetime) -> None:
    for minute, status in enumerate(("created", "paid", "created", "refunded")):
        tell(ledger, bodies.order(status=status), now + timedelta(minutes=minute))
    tell(ledger, bodies.withdrawal(status="succeeded"), now)
    tell(ledger, bodies.withdrawal(status="failed"), now)
    done = rebuilt(ledger)
    assert (done.objects, done.observations, done.differing) == (3, 10, [])


def heard(ledger: Ledger, kind: str) -> datetime | None:
    with ledger.read() as connection:
        return connection.scalar(sa.select(beliefs.c.heard_at).where(beliefs.c.kind == kind))


def test_an_object_was_heard_of_when_any_notification_spoke_of_it(
    ledger: Ledger, now: datetime
) -> None:
    tell(ledger, bodies.withdrawal(status="pending"), now, Source.LIST)
    assert heard(ledger, "withdrawal") is None
    tell(ledger, bodies.withdrawal(status="pending"), now + timedelta(minutes=1))
    tell(ledger, bodies.withdrawal(status="succeeded"), now + timedelta(minutes=2), Source.POLL)
    assert heard(ledger, "withdrawal") == now + timedelta(minutes=1)
    assert rebuilt(ledger).differing == []


def test_what_a_list_shows_again_is_not_kept_again(ledger: Ledger, now: datetime) -> None:
    tell(ledger, bodies.order(charges=None), now)
    tell(ledger, bodies.withdrawal(status="succeeded"), now, Source.LIST)
    for hour in range(1, 6):
        at = now + timedelta(hours=hour)
        for source in (Source.LIST, Source.REPLAY):
            tell(ledger, bodies.order(charges=None), at, source)
            tell(ledger, bodies.withdrawal(status="succeeded"), at, source)
    first = rebuilt(ledger)
    assert first.differing == []
    # the list once added what the notification's own second does not say
    assert first.observations <= 4
    later = now + timedelta(hours=7)
    tell(
        ledger, bodies.order(charges=None, status="refunded", amount_refunded=5), later, Source.LIST
    )
    tell(ledger, bodies.withdrawal(status="succeeded"), later)
    done = rebuilt(ledger)
    assert (done.observations, done.differing) == (first.observations + 2, [])
    assert heard(ledger, "withdrawal") == later


def test_of_what_is_open_or_may_go_back_every_sighting_is_kept(
    ledger: Ledger, now: datetime
) -> None:
    for hour in range(3):
        at = now + timedelta(hours=hour)
        tell(ledger, bodies.withdrawal(status="pending"), at, Source.LIST)
        tell(ledger, bodies.order(status="canceled", charges=None), at, Source.LIST)
    done = rebuilt(ledger)
    assert (done.observations, done.differing) == (6, [])


def test_a_belief_that_was_changed_by_hand_is_found(ledger: Ledger, now: datetime) -> None:
    tell(ledger, bodies.order(), now)
    tell(ledger, bodies.withdrawal(), now)
    with ledger.begin() as connection:
        connection.execute(
            sa.update(beliefs).where(beliefs.c.kind == "order").values(amount_paid=1)
        )
    assert rebuilt(ledger).differing == [Key("shop", "order", bodies.order()["id"])]


def test_a_belief_of_which_nothing_was_seen_is_found(ledger: Ledger, now: datetime) -> None:
    tell(ledger, bodies.order(charges=None), now)
    tell(ledger, bodies.withdrawal(), now)
    with ledger.begin() as connection:
        connection.execute(sa.delete(observations).where(observations.c.kind == "order"))
    done = rebuilt(ledger)
    assert (done.objects, done.observations) == (2, 1)
    assert done.differing == [Key("shop", "order", bodies.order()["id"])]


def test_a_posting_that_was_made_by_hand_is_found(ledger: Ledger, now: datetime) -> None:
    tell(ledger, bodies.order(charges=None), now)
    tell(ledger, bodies.withdrawal(status="succeeded"), now)
    with ledger.begin() as connection:
        chosen = sa.select(postings).where(postings.c.kind == "order").limit(1)
        line = connection.execute(chosen).mappings().one()
        again = {name: value for name, value in line.items() if name != "id"}
        connection.execute(sa.insert(postings), {**again, "entry": 9})
    assert rebuilt(ledger).differing == [Key("shop", "order", bodies.order()["id"])]


def test_more_than_a_slice_is_compared(ledger: Ledger, now: datetime) -> None:
    seen = [
        read_object(
            bodies.withdrawal(id=f"17{number:06}"),
            account="shop",
            source=Source.WEBHOOK,
            seen_at=now,
        ).observations[0]
        for number in range(SLICE + 7)
    ]
    apply(ledger, seen, terms=TERMS, now=now)
    assert len(list(rebuild(ledger))) == 2
    assert rebuilt(ledger).objects == SLICE + 7
