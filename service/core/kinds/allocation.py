"""What an allocation is: an order's money shared among recipients (L1528-1620)."""

from collections.abc import Iterable

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


def recipients(fields: Fields) -> Iterable[tuple[str, Fields]]:
    """Who gets how much, each with a status of its own (L1564-1570)."""
    return (("recipient", item) for item in listed(fields.get("recipients")))


def legs(known: Fields, parts: Parts) -> Iterable[Leg]:
    """Each share that arrived is owed to its recipient and no longer to the app."""
    app, at = known.get("app"), known.get("time_succeeded")
    for user, amount in shares(parts, "recipient", ended=known.get("status") == "succeeded"):
        yield Leg(payable(app), wallet(app, user), amount, at)


ALLOCATION = Kind(
    name="allocation",
    wire=(("allocation", "allocation"), ("allocation", None)),
    paths=("/v1/allocations/{id}",),
    words=COMMON_WORDS,
    facts=(
        Field("app", Form.REF),
        Field("amount", Form.AMOUNT, required=True),
        Field("order_no", Form.TEXT),
        Field("order_id", Form.REF, ("order",)),
        Field("charge_id", Form.REF, ("extra.charge",)),
        Field("created", Form.TIME),
        Field("time_succeeded", Form.TIME),
    ),
    attrs=(Field("failure_code", Form.TEXT),),
    parts=recipients,
    legs=legs,
    looks=Looks((30, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR)),
    due=after_seconds(HOUR),
    touches_user=True,
)
