"""What pays out without an order: a transfer, a red envelope, and batches (facts §6)."""

from collections.abc import Iterable

from service.core.journal import Leg, Parts, clearing, payable
from service.core.kinds.kind import (
    COMMON_WORDS,
    DAY,
    HOUR,
    MINUTE,
    PARTLY_WORDS,
    Field,
    Fields,
    Form,
    Kind,
    Looks,
    Word,
    after_seconds,
)

_EXPECTED_SECONDS = 3 * DAY
_LOOKS = Looks((MINUTE, 10 * MINUTE, HOUR, 6 * HOUR))

# The recipients, their accounts and their names are not read.
_FACTS = (
    Field("app", Form.REF),
    Field("amount", Form.DIGITS, required=True),
    Field("currency", Form.CURRENCY),
    Field("order_no", Form.TEXT, ("order_no", "batch_no")),
    # a batch's time was seen as text (facts §6, type looseness)
    Field("created", Form.LOOSE_TIME),
    Field("time_succeeded", Form.LOOSE_TIME, ("time_succeeded", "time_transferred")),
)
_ATTRS = (
    Field("channel", Form.CHANNEL),
    Field("fee", Form.DIGITS),
    Field("failure_code", Form.TEXT),
)


def transfer_status(fields: Fields) -> object:
    """Paid is how a transfer says that it succeeded (facts §7, global status map)."""
    word = fields.get("status")
    return "succeeded" if word == "paid" else word


def legs(known: Fields, _parts: Parts) -> Iterable[Leg]:
    """A paid transfer left the app's money by its channel; its fee is not booked: whose it is,
    and whether it is in the amount, the provider does not say.
    """
    if known.get("status") == "succeeded":
        app, held = payable(known.get("app")), clearing(known.get("channel"))
        yield Leg(app, held, known.get("amount", 0), known.get("time_succeeded"))


TRANSFER = Kind(
    name="transfer",
    wire=(("transfer", None),),
    paths=("/v1/transfers/{id}",),
    words=COMMON_WORDS,
    status=transfer_status,
    facts=_FACTS,
    attrs=_ATTRS,
    looks=_LOOKS,
    due=after_seconds(_EXPECTED_SECONDS),
    legs=legs,
)

RED_ENVELOPE = Kind(
    name="red_envelope",
    wire=(("red_envelope", None),),
    paths=("/v1/red_envelopes/{id}",),
    # "sending" is read as pending; the provider's list is not complete (facts §6).
    words={
        "pending": Word(1),
        "sent": Word(2),
        "received": Word(3, "received"),
        "failed": Word(3, "failed"),
    },
    facts=_FACTS,
    attrs=_ATTRS,
    looks=_LOOKS,
    due=after_seconds(_EXPECTED_SECONDS),
)


def batch(name: str, path: str) -> Kind:
    """One row for what is sent in batches: it may succeed in parts."""
    return Kind(
        name=name,
        wire=((name, None),),
        paths=(path,),
        words=PARTLY_WORDS,
        facts=_FACTS,
        attrs=_ATTRS,
        looks=_LOOKS,
        due=after_seconds(_EXPECTED_SECONDS),
    )


BATCH_TRANSFER = batch("batch_transfer", "/v1/batch_transfers/{id}")
BATCH_REFUND = batch("batch_refund", "/v1/batch_refunds/{id}")
BATCH_WITHDRAWAL = batch("batch_withdrawal", "/v1/apps/{app}/batch_withdrawals/{id}")
