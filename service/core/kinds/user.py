"""What a user is: a wallet whose balances go up and down (L88-222)."""

from collections.abc import Iterable

from service.core.kinds.kind import (
    DAY,
    HOUR,
    KNOWN_WORDS,
    Field,
    Fields,
    Form,
    Kind,
    Looks,
    after_seconds,
    listed,
    no_status,
)

# A wallet is looked at for a week after it was first seen, later once for each change around it.
_FOLLOWED_SECONDS = 7 * DAY


def inside(fields: Fields) -> Iterable[Fields]:
    """The settle accounts: a list, null or nothing (facts §7 row 42)."""
    return listed(fields.get("settle_accounts"))


USER = Kind(
    name="user",
    wire=(("user", None),),
    paths=("/v1/apps/{app}/users/{id}",),
    words=KNOWN_WORDS,
    status=no_status,
    facts=(
        Field("app", Form.REF),
        Field("created", Form.TIME),
    ),
    # Balances are neither facts nor growing totals: the sighting of the provider's newest second
    # shows them. Name, mobile, address and the like are not read.
    attrs=(
        Field("available_balance", Form.AMOUNT),
        Field("withdrawable_balance", Form.AMOUNT),
        Field("user_type", Form.TEXT, ("type",)),
        Field("related_app", Form.REF),
        Field("disabled", Form.FLAG),
        Field("identified", Form.FLAG),
    ),
    inside=inside,
    looks=Looks((HOUR, 6 * HOUR, DAY)),
    due=after_seconds(_FOLLOWED_SECONDS),
    lapses=True,
)
