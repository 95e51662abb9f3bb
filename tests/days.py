"""Business days with money moving on them, for tests of closings."""

from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from typing import Any

from service.core.observation import Source
from service.ledger.closings import Closed
from service.ledger.engine import Ledger
from service.ledger.intake import Intake, seal
from service.pingpp.reader import read_object
from service.pingpp.signature import load_public_key, sign_body
from service.work.accept import name
from service.work.apply import apply
from service.work.close import ClosingTerms, close
from service.work.drain import drain
from service.work.terms import AccountTerms, Terms
from tests import bodies
from tests.conftest import KeyPair
from tests.work.stories import Fields, wire

FIRST_DAY = date(2026, 11, 20)
# midnight in Shanghai
DAWN = datetime(2026, 11, 19, 16, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
TERMS = Terms(epoch="e1", sinks=("books",), accounts={"shop": AccountTerms()})
RULES = ClosingTerms("Asia/Shanghai")


def tell(ledger: Ledger, fields: Fields, at: datetime, source: Source = Source.WEBHOOK) -> None:
    seen = read_object(fields, account="shop", source=source, seen_at=at)
    apply(ledger, seen.observations, terms=TERMS, now=at)


def paid(number: int, happened: datetime, **changed: Any) -> Fields:
    """An order that was paid at that time, 12.00 yuan by YeePay's WeChat."""
    at = int(happened.timestamp())
    charge = bodies.charge(
        id=f"ch_{number}", created=at, time_paid=at, paid=True, order_no=f"M{number}"
    )
    return bodies.order(
        id=f"201{number}",
        status="paid",
        paid=True,
        amount_paid=1200,
        created=at,
        time_paid=at,
        merchant_order_no=f"M{number}",
        charges={"object": "list", "has_more": False, "data": [charge]},
        **changed,
    )


def pay(ledger: Ledger, number: int, happened: datetime, known: datetime | None = None) -> None:
    """Such an order, told of at once or when it came to be known."""
    tell(ledger, paid(number, happened), known or happened + timedelta(minutes=1))


def deliver_paid(
    ledger: Ledger,
    pair: KeyPair,
    number: int,
    happened: datetime,
    known: datetime,
    account: str = "shop",
) -> None:
    """A signed event of such an order comes in, and is read."""
    made = int(happened.timestamp()) + 1
    body = wire(bodies.event(paid(number, happened), id=f"evt_{number}", created=made))
    fingerprint = load_public_key(pair.public_pem).fingerprint
    arrival = name(account, body, sign_body(pair.private_key, body), fingerprint, known)
    with closing(Intake(ledger)) as intake:
        intake.insert([seal(ledger.vault, arrival)])
    drain(ledger, terms=TERMS, clock=lambda: known)


def shut(ledger: Ledger, day: date = FIRST_DAY, **how: Any) -> Closed:
    """Close a day at seven in the morning of the next."""
    given: dict[str, Any] = {"terms": TERMS, "now": morning(day)} | how
    rules = given.pop("rules", RULES)
    return close(ledger, day, rules, **given)[0]


def morning(day: date) -> datetime:
    """When a day may close."""
    return DAWN + (day - FIRST_DAY + DAY) + 7 * HOUR
