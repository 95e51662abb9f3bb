"""What a deposit is: a person fills the own wallet by a link that soon dies (L682-750)."""

from collections.abc import Iterable

from service.core.journal import DEPOSITS, Leg, Parts, wallet
from service.core.kinds.kind import (
    COMMON_WORDS,
    HOUR,
    MARGIN_SECONDS,
    MINUTE,
    Field,
    Fields,
    Form,
    Kind,
    Looks,
    after_seconds,
)

# L684: the link lives fifteen minutes; that it died shows in no documented state.
LINK_SECONDS = 15 * MINUTE


def legs(known: Fields, _parts: Parts) -> Iterable[Leg]:
    """What the person put in is owed to the wallet once it arrived."""
    if known.get("status") == "succeeded":
        to = wallet(known.get("app"), known.get("user_id"))
        yield Leg(DEPOSITS, to, known.get("amount", 0), known.get("time_succeeded"))


DEPOSIT = Kind(
    name="deposit",
    wire=(("deposit", None),),
    # No GET is documented (facts §7 row 25); an account's setting may name another path, or none.
    paths=("/v1/apps/{app}/deposits/{id}",),
    words=COMMON_WORDS,
    facts=(
        Field("app", Form.REF),
        Field("amount", Form.AMOUNT, required=True),
        Field("order_no", Form.TEXT),
        Field("user_id", Form.REF, ("user",)),
        Field("created", Form.TIME),
        Field("time_succeeded", Form.TIME),
    ),
    attrs=(
        # The page's address is a bearer token: only that there is one is kept.
        Field("confirming", Form.FLAG, ("extra.credential",)),
        Field("failure_code", Form.TEXT),
    ),
    looks=Looks((MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR)),
    due=after_seconds(LINK_SECONDS + MARGIN_SECONDS),
    legs=legs,
    touches_user=True,
)
