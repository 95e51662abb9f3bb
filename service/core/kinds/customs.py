"""What a customs declaration is: a paid charge reported to a customs office (facts §2)."""

from service.core.kinds.kind import (
    COMMON_WORDS,
    DAY,
    HOUR,
    MINUTE,
    Field,
    Form,
    Kind,
    Looks,
    after_seconds,
)

_EXPECTED_SECONDS = 3 * DAY

CUSTOMS = Kind(
    name="customs",
    wire=(("customs", None),),
    paths=("/v1/customs/{id}",),
    words=COMMON_WORDS,
    facts=(
        Field("app", Form.REF),
        Field("amount", Form.DIGITS, ("amount", "pay_amount")),
        Field("charge_id", Form.REF, ("charge",)),
        Field("order_no", Form.TEXT, ("trade_no",)),
        Field("created", Form.TIME),
        Field("time_succeeded", Form.TIME),
    ),
    attrs=(Field("channel", Form.CHANNEL), Field("failure_code", Form.TEXT)),
    looks=Looks((10 * MINUTE, HOUR, 6 * HOUR)),
    due=after_seconds(_EXPECTED_SECONDS),
)
