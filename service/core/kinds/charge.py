"""What a charge is: one attempt to pay, with or without an order (L1347-1384, facts §6)."""

from collections.abc import Iterable

from service.core.journal import ORDERS, Leg, Parts, clearing, payable, wallet
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


def status(fields: Fields) -> object:
    """A charge has flags instead of a status; a failure code alone ends nothing (facts §6)."""
    if fields.get("reversed") is True:
        return "reversed"
    paid = fields.get("paid")
    if paid is True or fields.get("time_paid"):
        return "paid"
    return "created" if paid is False else paid


def inside(fields: Fields) -> Iterable[Fields]:
    """The refunds of this charge: null, an empty list or a list object (facts §7 row 38)."""
    return listed(fields.get("refunds"))


def due(known: Fields, since: int) -> int:
    """At its own expiry, plus a margin; a day when it names none."""
    expiry = known.get("time_expire")
    return (expiry if isinstance(expiry, int) else since + DAY) + MARGIN_SECONDS


def legs(known: Fields, _parts: Parts) -> Iterable[Leg]:
    """What it brought to its channel, for its order, or without one for its app.

    An order's refunds speak for themselves; a charge without an order says itself what went back.
    A balance is a channel whose money comes out of the payer's wallet, and returns there.
    """
    if known.get("status") != "paid":
        return
    channel, amount, at = known.get("channel"), known.get("amount", 0), known.get("time_paid")
    back = known.get("amount_refunded", 0)
    held, merchant = clearing(channel), payable(known.get("app"))
    if channel == "balance":
        payer = wallet(known.get("app"), known.get("user_id"))
        yield Leg(payer, held, amount, at)
        yield Leg(held, payer, back)
    if "order_id" in known:
        yield Leg(held, ORDERS, amount, at)
    else:
        yield Leg(held, merchant, amount, at)
        yield Leg(merchant, held, back)


CHARGE = Kind(
    name="charge",
    wire=(("charge", None),),
    paths=("/v1/charges/{id}",),
    lists=(List("/v1/charges", "A", {"app[id]": "{app}"}),),
    words={"created": Word(0), "paid": Word(2, "paid"), "reversed": Word(3, "paid")},
    facts=(
        Field("app", Form.REF),
        Field("amount", Form.AMOUNT, required=True),
        Field("currency", Form.CURRENCY),
        Field("order_no", Form.TEXT),
        Field("channel", Form.CHANNEL),
        Field("order_id", Form.REF, ("order",)),
        # L1365: a balance names its payer
        Field("user_id", Form.TEXT, ("extra.user",)),
        Field("created", Form.TIME),
        Field("time_paid", Form.TIME),
    ),
    totals=(Field("amount_refunded", Form.AMOUNT),),
    attrs=(
        Field("amount_settle", Form.AMOUNT),
        Field("transaction_no", Form.TEXT),
        Field("time_expire", Form.TIME),
        Field("time_settle", Form.TIME),
        Field("failure_code", Form.TEXT),
        Field("refund_asked", Form.FLAG, ("refunded",)),
    ),
    status=status,
    inside=inside,
    legs=legs,
    looks=Looks((MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR), (HOUR, DAY, 7 * DAY, 30 * DAY)),
    due=due,
    lapses=True,
    follows="order_id",
    notified=True,
    retried=True,
)
