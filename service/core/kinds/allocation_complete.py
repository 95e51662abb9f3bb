"""What the completion of an order's allocations is (L1738-1814)."""

from service.core.kinds.kind import (
    COMMON_WORDS,
    HOUR,
    MINUTE,
    Field,
    Form,
    Kind,
    Looks,
    after_seconds,
)

ALLOCATION_COMPLETE = Kind(
    name="allocation_complete",
    wire=(("allocation_complete", None),),
    paths=("/v1/allocation_completes/{id}",),
    words=COMMON_WORDS,
    facts=(
        Field("app", Form.REF),
        Field("order_no", Form.TEXT),
        Field("order_id", Form.REF, ("order",)),
        Field("created", Form.TIME),
        Field("time_succeeded", Form.TIME),
    ),
    attrs=(Field("failure_code", Form.TEXT),),
    looks=Looks((30, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR)),
    due=after_seconds(HOUR),
)
