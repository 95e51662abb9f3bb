"""What a refund of an order is (L1386-1526, facts §7 rows 14-18)."""

from collections.abc import Iterable

from service.core.journal import REFUNDS, Leg, Parts, clearing
from service.core.kinds.kind import (
    COMMON_WORDS,
    DAY,
    HOUR,
    MINUTE,
    Field,
    Fields,
    Form,
    Kind,
    Looks,
    after_seconds,
)

_EXPECTED_SECONDS = 3 * DAY


def legs(known: Fields, _parts: Parts) -> Iterable[Leg]:
    """The channel has given it back: what the order's amount_refunded waits for (L1159)."""
    if known.get("status") == "succeeded":
        held = clearing(known.get("channel"))
        yield Leg(REFUNDS, held, known.get("amount", 0), known.get("time_succeeded"))


ORDER_REFUND = Kind(
    name="order_refund",
    wire=(("order_refund", None),),
    # L1463 against every SDK (facts §7 row 14): the second is asked when the first is not there.
    paths=("/v1/orders/{order_id}/refunds/{id}", "/v1/orders/{order_id}/order_refunds/{id}"),
    words=COMMON_WORDS,
    id_form=Form.LOOSE_ID,
    facts=(
        Field("app", Form.REF),
        Field("amount", Form.DIGITS, required=True),
        Field("order_no", Form.TEXT, ("order_no", "merchant_order_no")),
        Field("order_id", Form.REF, ("order",)),
        Field("charge_id", Form.REF, ("charge",)),
        Field("user_id", Form.TEXT, ("uid",)),
        Field("created", Form.TIME),
        Field("time_succeeded", Form.TIME, ("time_succeeded", "time_succeed")),
    ),
    attrs=(
        Field("channel", Form.CHANNEL),
        Field("transaction_no", Form.TEXT),
        Field("refund_id", Form.REF, ("refund",)),
        Field("failure_code", Form.TEXT, ("failure_code", "extra.failure_code")),
    ),
    looks=Looks((MINUTE, 10 * MINUTE, HOUR, 6 * HOUR)),
    due=after_seconds(_EXPECTED_SECONDS),
    legs=legs,
    notified=True,
)
