"""What a summary is: how much was charged in a day, week or month. It bears no id (facts §2)."""

from collections.abc import Callable

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


def span_of(owner: str) -> Callable[[Fields], object]:
    """What identifies a summary: whose it is, and its first and last second."""

    def identify(fields: Fields) -> object:
        parts = [fields.get(name) for name in (owner, "summary_from", "summary_to")]
        return None if any(part in (None, "") for part in parts) else "-".join(map(str, parts))

    return identify


def summary(name: str, owner: str) -> Kind:
    """One row; a summary is whole when it is sent, so that nobody is asked."""
    return Kind(
        name=name,
        wire=((name, None),),
        paths=(),
        words={"known": Word(0, "known")},
        status=no_status,
        identify=span_of(owner),
        facts=(
            *((Field("app", Form.REF, ("app_id",)),) if owner == "app_id" else ()),
            Field("amount", Form.AMOUNT, ("charges_amount",), required=True),
            Field("charges_count", Form.AMOUNT, required=True),
            Field("created", Form.TIME),
            Field("summary_from", Form.TIME),
            Field("summary_to", Form.TIME),
        ),
        looks=Looks((DAY,)),
        due=after_seconds(DAY),
    )


_SPANS = ("daily", "weekly", "monthly")

SUMMARIES = (
    *(summary(f"app_{span}_summary", "app_id") for span in _SPANS),
    *(summary(f"account_{span}_summary", "acct_id") for span in _SPANS),
)
