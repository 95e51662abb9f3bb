"""What a recharge is: a charge that fills a user's balance (facts §2, §6)."""

from collections.abc import Iterable
from typing import Any, cast

from service.core.journal import Leg, Parts, payable, wallet
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


def status(fields: Fields) -> object:
    """It has a flag instead of a word, and false ends nothing (facts §6)."""
    succeeded = fields.get("succeeded")
    return ("succeeded" if succeeded else "created") if isinstance(succeeded, bool) else None


def inside(fields: Fields) -> Iterable[Fields]:
    """The charge that pays it, where it stands in full."""
    charge: Any = fields.get("charge")
    return (cast("Fields", charge),) if isinstance(charge, dict) and "object" in charge else ()


def legs(known: Fields, _parts: Parts) -> Iterable[Leg]:
    """From the app, to which its charge brought the money, on to the wallet; what was given back
    leaves the wallet again, and the charge says that it left the app (see charge.legs).
    """
    if known.get("status") == "succeeded":
        app = known.get("app")
        merchant, user = payable(app), wallet(app, known.get("user_id"))
        yield Leg(merchant, user, known.get("amount", 0), known.get("time_succeeded"))
        yield Leg(user, merchant, known.get("amount_refunded", 0))


RECHARGE = Kind(
    name="recharge",
    wire=(("recharge", None),),
    paths=("/v1/apps/{app}/recharges/{id}",),
    words=COMMON_WORDS,
    status=status,
    facts=(
        Field("app", Form.REF),
        Field("amount", Form.AMOUNT, required=True),
        Field("charge_id", Form.REF, ("charge",)),
        Field("user_id", Form.REF, ("user",)),
        Field("created", Form.TIME),
        Field("time_succeeded", Form.TIME),
    ),
    totals=(Field("amount_refunded", Form.AMOUNT),),
    attrs=(Field("user_fee", Form.AMOUNT),),
    inside=inside,
    looks=Looks((MINUTE, 10 * MINUTE, HOUR, 6 * HOUR)),
    due=after_seconds(DAY),
    legs=legs,
    touches_user=True,
)
