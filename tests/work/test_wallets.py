"""What a wallet's changes lead to, and what nobody can be asked about, over the real ledger."""

from datetime import datetime, timedelta

from service.core.observation import Key
from service.ledger import reads, watches
from service.ledger.engine import Ledger
from service.work.poll import poll
from service.work.terms import AccountTerms, Terms
from tests import bodies, shapes
from tests.books import states
from tests.provider import Provider
from tests.work.stories import look

TERMS = Terms(accounts={"shop": AccountTerms(paths={"deposit": ()})})
USER = Key("shop", "user", f"{bodies.APP}-cus_1")
WITHDRAWAL = Key("shop", "withdrawal", "1712601010000000001")


def due(ledger: Ledger, at: datetime) -> set[Key]:
    with ledger.begin() as connection:
        claimed = watches.claim(connection, {"shop": 9}, lease=timedelta(seconds=1), now=at)
    return {watch.key for watch in claimed}


def test_a_known_user_is_looked_at_soon_after_its_wallet_moved(
    ledger: Ledger, now: datetime
) -> None:
    look(ledger, USER, shapes.user(), terms=TERMS, at=now)
    look(ledger, WITHDRAWAL, bodies.withdrawal(), terms=TERMS, at=now)
    assert USER in due(ledger, now + timedelta(seconds=11))


def test_a_user_whom_nobody_showed_is_not_asked_for(ledger: Ledger, now: datetime) -> None:
    look(ledger, WITHDRAWAL, bodies.withdrawal(), terms=TERMS, at=now)
    assert USER not in due(ledger, now + timedelta(days=1))


def test_no_question_is_put_where_no_path_is_known(ledger: Ledger, now: datetime) -> None:
    key = Key("shop", "deposit", "6012601010000000001")
    look(ledger, key, shapes.deposit(), terms=TERMS, at=now)
    provider = Provider(now + timedelta(minutes=20))
    clients = {"shop": provider.client()}
    done = poll(ledger, clients, terms=TERMS, clock=provider.clock, chance=lambda: 0.5)
    assert done == {"unaskable": 1}
    assert provider.asked == []


def test_users_of_two_apps_with_one_id_are_two_and_do_not_contradict(
    ledger: Ledger, now: datetime
) -> None:
    one, other = (Key("shop", "user", f"{app}-cus_1") for app in ("app_1", "app_2"))
    for balance in (900, 400):
        look(ledger, one, shapes.user(app="app_1", created=1), terms=TERMS, at=now)
        shown = shapes.user(app="app_2", created=2, available_balance=balance)
        look(ledger, other, shown, terms=TERMS, at=now)
    assert states(ledger) == []
    with ledger.read() as connection:
        assert reads.find(connection, "user", "cus_1", None) == [one, other]
        assert reads.find(connection, "user", "app_2-cus_1", "shop") == [other]
        assert reads.find(connection, "user", "us_1", None) == []
        assert reads.find(connection, "user", "cus%1", None) == []
    moved = bodies.withdrawal(app="app_2", user="cus_1")
    look(ledger, WITHDRAWAL, moved, terms=TERMS, at=now)
    assert due(ledger, now + timedelta(seconds=11)) & {one, other} == {other}


def test_a_user_is_asked_for_by_its_own_id_in_its_own_app(ledger: Ledger, now: datetime) -> None:
    key = Key("shop", "user", "app_2-cus_1")
    provider = Provider(now)
    provider.show(shapes.user(app="app_2"), "/v1/apps/app_2/users/cus_1")
    with ledger.begin() as connection:
        watches.request(connection, key, now=now, place={})
    terms = Terms(accounts={"shop": AccountTerms(apps=frozenset({"app_1", "app_2"}))})
    clients = {"shop": provider.client()}
    done = poll(ledger, clients, terms=terms, clock=provider.clock, chance=lambda: 0.5)
    assert done == {"ok": 1}
    assert provider.paths() == ["/v1/apps/app_2/users/cus_1"]
    with ledger.read() as connection:
        assert reads.find(connection, "user", "cus_1", None) == [key]
