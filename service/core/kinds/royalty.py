"""What a royalty is, and its settlement: an order's money owed to others (facts §6)."""

from service.core.kinds.kind import (
    COMMON_WORDS,
    DAY,
    HOUR,
    PARTLY_WORDS,
    Field,
    Form,
    Kind,
    Looks,
    after_seconds,
)

# Royalties wait for a settlement that people start, by custom each month.
_WAITS_SECONDS = 45 * DAY
_SETTLES_SECONDS = 3 * DAY

ROYALTY = Kind(
    name="royalty",
    wire=(("royalty", None),),
    paths=("/v1/royalties/{id}",),
    words=COMMON_WORDS,
    facts=(
        Field("app", Form.REF, ("payer_app", "app")),
        Field("amount", Form.AMOUNT, required=True),
        Field("user_id", Form.REF, ("user",)),
        Field("created", Form.TIME),
        Field("time_succeeded", Form.TIME, ("time_settled", "time_succeeded")),
    ),
    looks=Looks((HOUR, 6 * HOUR, DAY)),
    due=after_seconds(_WAITS_SECONDS),
)

ROYALTY_SETTLEMENT = Kind(
    name="royalty_settlement",
    wire=(("royalty_settlement", None),),
    paths=("/v1/royalty_settlements/{id}",),
    words=PARTLY_WORDS,
    facts=(
        Field("app", Form.REF, ("payer_app", "app")),
        Field("amount", Form.AMOUNT),
        Field("created", Form.TIME),
        Field("time_succeeded", Form.TIME, ("time_finished", "time_succeeded")),
    ),
    attrs=(Field("fee", Form.AMOUNT), Field("failure_code", Form.TEXT)),
    looks=Looks((HOUR, 6 * HOUR)),
    due=after_seconds(_SETTLES_SECONDS),
)
