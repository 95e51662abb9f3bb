"""What a user is: a wallet whose balances go up and down (L88-222)."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

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
from service.core.observation import user_of

# A wallet is looked at for a week after it was first seen, later once for each change around it.
_FOLLOWED_SECONDS = 7 * DAY


def identify(fields: Fields) -> object:
    """By app and id: two apps of one account may both have a user of this id."""
    app: Any = fields.get("app")
    app = cast("Fields", app).get("id") if isinstance(app, dict) else app
    user = fields.get("id")
    if not isinstance(app, str) or not app or "-" in app or not isinstance(user, str) or not user:
        return None
    return user_of(app, user)


def place(object_id: str) -> Mapping[str, str]:
    """Its app, and its id there."""
    app, _, user = object_id.partition("-")
    return {"app": app, "id": user} if user else {}


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
    identify=identify,
    place=place,
    inside=inside,
    looks=Looks((HOUR, 6 * HOUR, DAY)),
    due=after_seconds(_FOLLOWED_SECONDS),
    lapses=True,
)
