"""When did an object's money move, under which number of the channel, and for what fee?"""

from service.core.instant import MICROS
from service.core.view import View

# In these words money has moved; a reversed charge has given it back.
MOVED = ("paid", "refunded", "succeeded")
_TIMES = ("time_paid", "time_succeeded", "created")


def moved_at(known: View) -> int | None:
    """Microseconds since 1970: the provider's own time, else since when we know; None: not yet."""
    if known.status not in MOVED:
        return None
    for name in _TIMES:
        at = known.facts.get(name)
        if isinstance(at, int):
            return at * MICROS
    return known.since


def fee_of(known: View) -> int | None:
    """Minor units: what it names, or what its settled amount leaves out; None: nothing is said.

    An `amount_settle` that equals the amount says nothing: that is its default.
    """
    fee, settled = known.attrs.get("fee"), known.attrs.get("amount_settle")
    if isinstance(fee, int):
        return fee
    amount = known.facts.get("amount")
    if isinstance(settled, int) and isinstance(amount, int) and 0 < settled < amount:
        return amount - settled
    return None


def transaction_no(known: View) -> str | None:
    """The channel's own number of the payment or refund."""
    number = known.attrs.get("transaction_no")
    return number[:200] if isinstance(number, str) and number else None
