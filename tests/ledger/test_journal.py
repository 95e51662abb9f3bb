"""Postings balance, stay as they are, and can be read as of any day and as it was then known."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from service.core.observation import Key, Source
from service.ledger import journal
from service.ledger.engine import Ledger
from service.ledger.journal import Span
from service.ledger.schema import postings
from service.pingpp.reader import read_object
from service.work.apply import apply
from service.work.rebuild import rebuild
from service.work.terms import Terms
from tests import bodies
from tests.work.stories import Fields

TERMS = Terms(epoch="e1")
ORDER = Key("shop", "order", bodies.order()["id"])
PAID_AT = 1780000050


def tell(ledger: Ledger, fields: Fields, at: datetime, said: int | None = None) -> None:
    seen = read_object(
        fields, account="shop", source=Source.WEBHOOK, seen_at=at, said_at=said
    ).observations
    apply(ledger, seen, terms=TERMS, now=at)


EVERYTHING = Span()


def balances(ledger: Ledger, span: Span = EVERYTHING) -> dict[str, int]:
    with ledger.read() as connection:
        return {each.book: each.balance for each in journal.balances(connection, span)}


def story(ledger: Ledger, now: datetime) -> None:
    """Paid, then partly refunded an hour later; the refund itself is seen a day after that."""
    order = bodies.order(time_paid=PAID_AT, receipt_app=None)
    charge = order["charges"]["data"][0]
    tell(ledger, order, now)
    charge["amount_refunded"] = 200
    back = {**order, "status": "refunded", "amount_refunded": 200}
    tell(ledger, back, now + timedelta(hours=1), said=PAID_AT + 3600)
    refund = bodies.order_refund(status="success", amount=200, channel=charge["channel"])
    tell(ledger, refund, now + timedelta(days=1), said=PAID_AT + 3700)


def test_a_paid_and_refunded_order_leaves_its_net_with_the_merchant(
    ledger: Ledger, now: datetime
) -> None:
    story(ledger, now)
    app = bodies.order()["app"]
    found = balances(ledger)
    assert found == {
        "clearing:yeepay_wx_pub": 1000,
        "orders": 0,
        f"payable:{app}": -1000,
        "refunds": 0,
    }
    assert sum(found.values()) == 0


def test_the_books_are_shown_as_they_were_known(ledger: Ledger, now: datetime) -> None:
    story(ledger, now)
    before = balances(ledger, Span(known=now + timedelta(hours=2)))
    assert (before["refunds"], before["clearing:yeepay_wx_pub"]) == (-200, 1200)
    assert balances(ledger, Span(known=now)) == {}


def test_the_books_are_shown_as_of_when_it_happened(ledger: Ledger, now: datetime) -> None:
    story(ledger, now)
    then = datetime.fromtimestamp(PAID_AT + 60, now.tzinfo)
    assert balances(ledger, Span(until=then))["clearing:yeepay_wx_pub"] == 1200


def test_the_same_again_posts_nothing(ledger: Ledger, now: datetime) -> None:
    story(ledger, now)
    before = list(journal.lines(ledger, Span()))
    story(ledger, now + timedelta(days=2))
    assert list(journal.lines(ledger, Span())) == before


def test_a_failed_withdrawal_gives_back_and_says_what_it_corrects(
    ledger: Ledger, now: datetime
) -> None:
    tell(ledger, bodies.withdrawal(status="pending", app="app_1", user="u1", amount=900), now)
    tell(ledger, bodies.withdrawal(status="failed", app="app_1", user="u1", amount=900), now)
    found = list(journal.lines(ledger, Span(), book="wallet:app_1-u1"))
    assert [(one.entry, one.debit, one.credit, one.amount, one.corrects) for one in found] == [
        (1, "wallet:app_1-u1", "transit", 900, None),
        (2, "transit", "wallet:app_1-u1", 900, 1),
    ]


def test_nothing_is_booked_while_two_ends_contradict(ledger: Ledger, now: datetime) -> None:
    tell(ledger, bodies.withdrawal(status="failed", amount=900), now)
    tell(ledger, bodies.withdrawal(status="succeeded", amount=900), now)
    assert list(journal.lines(ledger, Span())) == []
    *_, done = rebuild(ledger)
    assert done.differing == []


@pytest.mark.parametrize("statement", ["UPDATE postings SET amount = 1", "DELETE FROM postings"])
def test_what_is_booked_cannot_be_changed(ledger: Ledger, now: datetime, statement: str) -> None:
    tell(ledger, bodies.order(), now)
    with pytest.raises(DBAPIError, match="never changed"), ledger.begin() as connection:
        connection.execute(sa.text(statement))


@pytest.mark.parametrize("column", ["amount", "credit"])
def test_a_posting_that_does_not_balance_is_refused(
    ledger: Ledger, now: datetime, column: str
) -> None:
    tell(ledger, bodies.order(), now)
    one = next(journal.lines(ledger, Span(), key=ORDER))
    row = {**one._asdict(), "id": None, "entry": 9, "corrects": None}
    row |= {"amount": {"amount": 0}, "credit": {"credit": one.debit}}[column]
    del row["id"]
    with pytest.raises(DBAPIError), ledger.begin() as connection:
        connection.execute(sa.insert(postings), [row])


def test_a_posting_that_was_slipped_in_is_found(ledger: Ledger, now: datetime) -> None:
    tell(ledger, bodies.order(), now)
    one = next(journal.lines(ledger, Span(), key=ORDER))
    row = {**one._asdict(), "entry": 9, "amount": 1}
    del row["id"]
    with ledger.begin() as connection:
        connection.execute(sa.insert(postings), [row])
    *_, done = rebuild(ledger)
    assert done.differing == [ORDER]
