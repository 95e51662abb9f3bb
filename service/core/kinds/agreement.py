"""What an agreement is: a payer lets the merchant collect by contract, until it ends (facts §6)."""

from service.core.kinds.kind import (
    DAY,
    HOUR,
    MINUTE,
    Field,
    Form,
    Kind,
    Looks,
    Word,
    after_seconds,
)

AGREEMENT = Kind(
    name="agreement",
    wire=(("agreement", None),),
    paths=("/v1/agreements/{id}",),
    # One that was signed may be canceled years later: the one end follows the other.
    words={
        "created": Word(0),
        "pending": Word(1),
        "succeeded": Word(2, "signed"),
        "canceled": Word(3, "signed"),
        "failed": Word(3, "failed"),
    },
    facts=(
        Field("app", Form.REF),
        Field("order_no", Form.TEXT, ("contract_no",)),
        Field("created", Form.TIME),
        Field("time_succeeded", Form.TIME),
        Field("time_canceled", Form.TIME),
    ),
    attrs=(Field("channel", Form.CHANNEL), Field("failure_code", Form.TEXT)),
    looks=Looks((10 * MINUTE, HOUR, 6 * HOUR)),
    due=after_seconds(DAY),
)
