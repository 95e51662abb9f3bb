"""What a refund of an allocation is: it calls itself one (L1622-1736, facts §7 rows 19-24)."""

from collections.abc import Iterable
from typing import Any, cast

from service.core.journal import Leg, Parts, payable, shares, wallet
from service.core.kinds.kind import (
    COMMON_WORDS,
    HOUR,
    MINUTE,
    Field,
    Fields,
    Form,
    Kind,
    Looks,
    after_seconds,
    listed,
)


def senders(fields: Fields) -> Iterable[tuple[str, Fields]]:
    """Who gives back: a list, or a single object where the table says "hash" (facts §7 row 22)."""
    given: Any = fields.get("senders")
    if isinstance(given, dict) and "user" in given:
        given = [cast("Fields", given)]
    return (("sender", item) for item in listed(given))


def legs(known: Fields, parts: Parts) -> Iterable[Leg]:
    """Each share that came back is owed to the app again."""
    app, at = known.get("app"), known.get("time_succeeded")
    for user, amount in shares(parts, "sender", ended=known.get("status") == "succeeded"):
        yield Leg(wallet(app, user), payable(app), amount, at)


ALLOCATION_REFUND = Kind(
    name="allocation_refund",
    wire=(("allocation", "allocation_refund"), ("allocation_refund", None)),
    # No GET is documented; these are the two likely ones (facts §4.6).
    paths=("/v1/allocation_refunds/{id}", "/v1/allocations/{id}"),
    words=COMMON_WORDS,
    facts=(
        Field("app", Form.REF),
        Field("amount", Form.AMOUNT, required=True),
        Field("order_no", Form.TEXT),
        Field("order_id", Form.REF, ("order",)),
        Field("allocation_id", Form.REF, ("extra.allocation",)),
        Field("charge_id", Form.REF, ("extra.charge",)),
        Field("created", Form.TIME),
        Field("time_succeeded", Form.TIME),
    ),
    attrs=(Field("failure_code", Form.TEXT),),
    parts=senders,
    legs=legs,
    looks=Looks((30, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR)),
    due=after_seconds(HOUR),
    touches_user=True,
)
