"""What a wallet's changes lead to, and what nobody can be asked about, over the real ledger."""

from datetime import datetime, timedelta

from service.core.observation import Key
from service.ledger import watches
from service.ledger.engine import Ledger
from service.work.poll import poll
from service.work.terms import AccountTerms, Terms
from tests import bodies, shapes
from tests.provider import Provider
from tests.work.stories import look

TERMS = Terms(accounts={"shop": AccountTerms(paths={"deposit": ()})})
USER = Key("shop", "user", "cus_1")
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
