"""What a settle account is: where a user's money goes, once the bank has checked it (L622-680)."""

from typing import Any, cast

from service.core.kinds.kind import (
    COMMON_WORDS,
    DAY,
    Field,
    Fields,
    Form,
    Kind,
    Looks,
    after_seconds,
)


def status(fields: Fields) -> object:
    """The bank's word on the card, deep inside (facts §6); none yet means created."""
    inner: Any = fields
    for step in ("recipient", "extra", "bank_card_status"):
        inner = cast("Fields", inner).get(step) if isinstance(inner, dict) else None
    return "created" if inner is None or inner == "" else inner


SETTLE_ACCOUNT = Kind(
    name="settle_account",
    wire=(("settle_account", None),),
    # No GET of its own is documented: its user's looks show it.
    paths=(),
    words=COMMON_WORDS,
    status=status,
    facts=(
        Field("user_id", Form.REF, ("user",)),
        Field("created", Form.TIME),
    ),
    attrs=(
        Field("channel", Form.CHANNEL),
        Field("recipient_type", Form.TEXT, ("recipient.type",)),
    ),
    looks=Looks((DAY,)),
    due=after_seconds(DAY),
)
