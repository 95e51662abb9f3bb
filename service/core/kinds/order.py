"""What an order is: created, paid, refunded or canceled, with its charges inside (L1094-1384)."""

from collections.abc import Iterable

from service.core.journal import ORDERS, REFUNDS, Leg, Parts, payable
from service.core.kinds.kind import (
    DAY,
    HOUR,
    MARGIN_SECONDS,
    MINUTE,
    Field,
    Fields,
    Form,
    Kind,
    List,
    Looks,
    Word,
    listed,
)

# L1161-1179: an order expires a day after its creation unless it says otherwise.
_EXPIRES_SECONDS = DAY


def due(known: Fields, since: int) -> int:
    """At expiry, plus a margin: its charge may be paid some seconds later (facts §6)."""
    expiry = known.get("time_expire")
    started = known.get("created", since)
    return (expiry if isinstance(expiry, int) else started + _EXPIRES_SECONDS) + MARGIN_SECONDS


def inside(fields: Fields) -> Iterable[Fields]:
    """The embedded charges (L1182), and the refunds that the 2017 shape carries."""
    yield from listed(fields.get("charges"))
    yield from listed(fields.get("refunds"))


def legs(known: Fields, _parts: Parts) -> Iterable[Leg]:
    """What its charges brought is owed to the receiving app, less what was given back (L1158)."""
    merchant = payable(known.get("receipt_app") or known.get("app"))
    yield Leg(ORDERS, merchant, known.get("amount_paid", 0), known.get("time_paid"))
    yield Leg(merchant, REFUNDS, known.get("amount_refunded", 0))


ORDER = Kind(
    name="order",
    wire=(("order", None), ("order", "purchase")),
    paths=("/v1/orders/{id}",),
    lists=(List("/v1/orders", "B", {"app": "{app}"}),),
    # L1146-1148. A paid order may still be refunded; a canceled one may turn out paid (facts §6).
    words={
        "created": Word(0),
        "paid": Word(2, "paid"),
        "refunded": Word(3, "paid"),
        "canceled": Word(3, "canceled"),
    },
    regressions=frozenset({("canceled", "paid"), ("canceled", "refunded")}),
    facts=(
        Field("app", Form.REF),
        Field("amount", Form.AMOUNT, required=True),
        Field("currency", Form.CURRENCY),
        Field("order_no", Form.TEXT, ("merchant_order_no",)),
        Field("user_id", Form.TEXT, ("uid",)),
        Field("receipt_app", Form.REF),
        Field("created", Form.TIME),
        Field("time_paid", Form.TIME),
    ),
    totals=(Field("amount_paid", Form.AMOUNT), Field("amount_refunded", Form.AMOUNT)),
    attrs=(
        Field("time_expire", Form.TIME),
        Field("actual_amount", Form.AMOUNT),
        Field("channel", Form.CHANNEL, ("charge_essentials.channel",)),
        Field("failure_code", Form.TEXT, ("charge_essentials.failure_code",)),
        Field("charge_id", Form.REF, ("charge",)),
        Field("refund_asked", Form.FLAG, ("refunded",)),
    ),
    inside=inside,
    legs=legs,
    looks=Looks((MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR), (HOUR, DAY, 3 * DAY, 7 * DAY, 30 * DAY)),
    due=due,
    notified=True,
    retried=True,
)
