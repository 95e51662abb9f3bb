"""What a refund of a charge is: pending, succeeded or failed (facts §6)."""

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

# Facts §8: a refund to a bank card takes days.
_EXPECTED_SECONDS = 3 * DAY


def status(fields: Fields) -> object:
    """Its word; older objects have only the flag `succeed`, whose false is no end."""
    word = fields.get("status")
    if word is not None:
        return word
    succeed = fields.get("succeed")
    return ("succeeded" if succeed else "pending") if isinstance(succeed, bool) else None


REFUND = Kind(
    name="refund",
    wire=(("refund", None),),
    paths=("/v1/charges/{charge_id}/refunds/{id}",),
    words=COMMON_WORDS,
    facts=(
        Field("app", Form.REF),
        Field("amount", Form.AMOUNT, required=True),
        Field("order_no", Form.TEXT),
        Field("charge_id", Form.REF, ("charge",)),
        Field("order_id", Form.REF, ("order",)),
        Field("created", Form.TIME),
        Field("time_succeeded", Form.TIME, ("time_succeed", "time_succeeded")),
    ),
    attrs=(
        Field("transaction_no", Form.TEXT),
        Field("failure_code", Form.TEXT),
    ),
    status=status,
    looks=Looks((MINUTE, 10 * MINUTE, HOUR, 6 * HOUR)),
    due=after_seconds(_EXPECTED_SECONDS),
    notified=True,
)
