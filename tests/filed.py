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
APP = bodies.APP
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
    order_no = NASTY[number] if number < len(NASTY) else f"M{number:04}"
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
        merchant_order_no=order_no,
        amount=amount,
        amount_paid=amount,
        charge=charge["id"],
        charges=bodies.page(charge),
        receipt_app=None,
        **changed,
    )


def refund(number: int, day: int, amount: int, **changed: Any) -> dict[str, Any]:
    """A refund of an order that the channel has given back."""
    return bodies.order_refund(
        id=f"2112601010000000{number:08}",
        order=order(number, day)["id"],
        charge=order(number, day)["charge"],
        order_no=f"TK{number:04}",
        amount=amount,
        created=at(day, 15),
        time_succeeded=at(day, 16),
        status="succeeded",
        channel=order(number, day)["charges"]["data"][0]["channel"],
        **changed,
    )


def shop(ledger: Ledger) -> None:
    """Twelve orders over two days, with nasty numbers; refunds, shares, withdrawals, a deposit."""
    for number in range(12):
        tell(ledger, order(number, number % 2))


def busy_shop(ledger: Ledger) -> None:
    """The same with all else that moves money, and with what is pending."""
    shop(ledger)
    for number in (0, 1):
        given = order(number, number)
        given["charges"]["data"][0]["amount_refunded"] = 200
        tell(ledger, given | {"status": "refunded", "amount_refunded": 200})
        tell(ledger, refund(number, number, 200))
    tell(ledger, refund(2, 0, 300) | {"status": "pending", "time_succeeded": None})
    bare = bodies.charge(id="ch_bare", order_no="B1", created=at(0), time_paid=at(0), amount=700)
    tell(ledger, bare | {"amount_refunded": 100})
    tell(
        ledger,
        bodies.refund(
            id="re_bare", charge="ch_bare", amount=100, created=at(0, 13), time_succeed=at(0, 14)
        ),
    )
    share = bodies.allocation(order=order(3, 1)["id"], created=at(1), time_succeeded=at(1, 13))
    tell(ledger, share)
    back = bodies.allocation_refund(created=at(1, 14), time_succeeded=at(1, 15), status="succeed")
    tell(ledger, back)
    done = bodies.withdrawal(status="succeeded", created=at(1), time_succeeded=at(1, 18))
    tell(ledger, done)
    tell(
        ledger,
        bodies.withdrawal(id="1712601010000000002", order_no="TX2", created=at(-40), amount=800),
    )
    tell(
        ledger,
        bodies.withdrawal(id="1712601010000000003", order_no="TX3", created=at(1, 20), amount=50),
    )
    unpaid = {"status": "created", "paid": False, "amount_paid": 0, "time_paid": None}
    tell(ledger, order(20, -5) | unpaid | {"charges": bodies.page(), "charge": None})


def ask(**changed: Any) -> Ask:
    """About everything, in Chinese."""
    given: dict[str, Any] = {"now": NOW, "zone": ZONE}
    return Ask(**given | changed)
