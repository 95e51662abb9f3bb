"""What a sub app is: a merchant below the platform, without states of its own (L322-431)."""

from collections.abc import Iterable
from typing import Any, cast

from service.core.kinds.kind import (
    DAY,
    Field,
    Fields,
    Form,
    Kind,
    Looks,
    Word,
    after_seconds,
    no_status,
)


def inside(fields: Fields) -> Iterable[Fields]:
    """The user it belongs to, where it stands in full and not by its id (facts §7 row 44)."""
    user: Any = fields.get("user")
    return (cast("Fields", user),) if isinstance(user, dict) and "object" in user else ()


SUB_APP = Kind(
    name="sub_app",
    wire=(("sub_app", None),),
    paths=("/v1/apps/{app}/sub_apps/{id}",),
    # It has no states: seen once, there is nothing to wait for.
    words={"known": Word(0, "known")},
    status=no_status,
    facts=(
        # it is asked for below the platform's app; its id is an app itself (facts §7 row 43)
        Field("app", Form.REF, ("parent_app",)),
        Field("user_id", Form.REF, ("user",)),
        Field("created", Form.TIME),
    ),
    inside=inside,
    looks=Looks((DAY,)),
    due=after_seconds(DAY),
)
