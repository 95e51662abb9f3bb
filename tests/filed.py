"""A shop's few days, told through the one door: what every report has something to show of."""

from datetime import UTC, datetime, timedelta
from typing import Any

from service.core.observation import Source
from service.ledger.engine import Ledger
from service.pingpp.reader import read_object
from service.work.apply import apply
from service.work.report.ask import Ask
from service.work.terms import Terms
from tests import bodies

TERMS = Terms(epoch="e1", grace_seconds=0)
ZONE = "Asia/Shanghai"
# 2026-11-22 00:00 of the business zone
MIDNIGHT = datetime(2026, 11, 21, 16, tzinfo=UTC)
NOW = MIDNIGHT + timedelta(days=2, hours=9)
# what a program would run, and what it would mangle
NASTY = ("=1+1", "@SUM(A1)", "+8613800", "-2", "\t=cmd", "＝1", "002", "1e5", "<b>&\u202e", 'a"b,c')


def at(day: int, hour: float = 12) -> int:
    """Seconds since 1970 of an hour of a day: 0 is 2026-11-22 in the business zone."""
    return int((MIDNIGHT + timedelta(days=day, hours=hour)).timestamp())


def tell(
    ledger: Ledger, fields: dict[str, Any], seen: datetime = NOW, account: str = "shop"
) -> None:
    """Let the ledger see an object."""
    found = read_object(fields, account=account, source=Source.WEBHOOK, seen_at=seen, said_at=None)
    apply(ledger, found.observations, terms=TERMS, now=seen)


def order(number: int, day: int, **changed: Any) -> dict[str, Any]:
    """A paid order of 10.00 yuan and its number in fen, with its charge."""
    amount, when = 1000 + number, at(day, 10 + number / 100)
    charge = bodies.charge(
        id=f"ch_{number:024}",
        order_no=f"M{number:04}",
        created=when,
        time_paid=when + 5,
        time_expire=when + 3600,
        amount=amount,
        amount_settle=amount - 6,
        transaction_no=f"42000{number:020}",
        channel="yepay_wx_pub" if number % 2 else "alipay_qr",
    )
    return bodies.order(
        id=f"20126010100{number:08}",
        created=when,
        time_paid=when + 5,
        time_expire=when + 3600,
        merchant_order_no=charge["order_no"],
        amount=amount,
        amount_paid=amount,
        charge=charge["id"],
        charges=bodies.page(charge),
        receipt_app=None,
        **changed,
    )


def shop(ledger: Ledger) -> None:
    """Twelve orders over two days, with nasty numbers; refunds, shares, withdrawals, a deposit."""
    for number in range(12):
        nasty = {"merchant_order_no": NASTY[number]} if number < len(NASTY) else {}
        tell(ledger, order(number, number % 2) | nasty)


def ask(**changed: Any) -> Ask:
    """About everything, in Chinese."""
    given: dict[str, Any] = {"now": NOW, "zone": ZONE}
    return Ask(**given | changed)
