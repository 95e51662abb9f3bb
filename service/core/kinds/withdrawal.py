"""What a withdrawal is, of a person's wallet or an enterprise's account (L752-1092)."""

from collections.abc import Iterable

from service.core.journal import BANK, FEES, TRANSIT, Leg, Parts, clearing, wallet
from service.core.kinds.kind import (
    COMMON_WORDS,
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
)

# L841: the page where the user confirms lives fifteen minutes.
CONFIRM_SECONDS = 15 * MINUTE


def due(known: Fields, since: int) -> int:
    """A confirmed personal withdrawal has its page's fifteen minutes; everything else a day."""
    confirming = known.get("status") == "pending" and known.get("confirming") is True
    return since + (CONFIRM_SECONDS + MARGIN_SECONDS if confirming else DAY)


def legs(known: Fields, _parts: Parts) -> Iterable[Leg]:
    """On its way once confirmed, then in the bank with its fees; what failed is back (L799)."""
    if known.get("status") not in ("pending", "succeeded"):
        return
    user, at = wallet(known.get("app"), known.get("user_id")), known.get("time_succeeded")
    yield Leg(user, TRANSIT, known.get("amount", 0))
    if known["status"] == "succeeded":
        yield Leg(TRANSIT, BANK, known.get("amount", 0), at)
        yield Leg(FEES, clearing(known.get("channel")), known.get("fee", 0), at)
        yield Leg(user, FEES, known.get("user_fee", 0), at)


WITHDRAWAL = Kind(
    name="withdrawal",
    wire=(("withdrawal", None),),
    paths=("/v1/apps/{app}/withdrawals/{id}",),
    lists=(List("/v1/apps/{app}/withdrawals", "B", {}),),
    words=COMMON_WORDS,
    # Documented by the provider: it goes back when the merchant's balance is short (facts §6).
    regressions=frozenset({("pending", "created")}),
    facts=(
        Field("app", Form.REF),
        Field("amount", Form.AMOUNT, required=True),
        Field("order_no", Form.TEXT),
        Field("user_id", Form.REF, ("user",)),
        Field("created", Form.TIME),
        Field("time_succeeded", Form.TIME),
        Field("time_canceled", Form.TIME, ("time_canceled", "time_cancelled")),
    ),
    attrs=(
        Field("channel", Form.CHANNEL),
        Field("fee", Form.AMOUNT),
        Field("user_fee", Form.AMOUNT),
        Field("settle_account", Form.REF),
        # The page's address is a bearer token: only that there is one is kept.
        Field("confirming", Form.FLAG, ("operation_url",)),
        Field("failure_code", Form.TEXT),
    ),
    looks=Looks((MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR)),
    due=due,
    legs=legs,
    notified=True,
    touches_user=True,
)
