"""Which columns of a belief follow from its state, for rules and questions to read?"""

from typing import Any

from service.core import belief
from service.core.belief import State
from service.core.instant import MICROS
from service.core.moved import fee_of, moved_at, transaction_no
from service.core.view import View

# Facts and totals that have a column of their own.
_FACTS = (
    "app",
    "order_no",
    "order_id",
    "charge_id",
    "allocation_id",
    "user_id",
    "channel",
    "currency",
    "amount",
)
_TOTALS = ("amount_paid", "amount_refunded")
DERIVED: tuple[str, ...] = (
    "state",
    "status",
    "final",
    "conflict",
    "failing",
    "contested",
    "created_at",
    "since_at",
    "notified_at",
    "heard_at",
    "transaction_no",
    "moved_at",
    "fee",
    *_FACTS,
    *_TOTALS,
)


def derived(state: State, known: View) -> dict[str, Any]:
    """The columns named in DERIVED, instants in µs; known: what the state says."""
    created = known.facts.get("created")
    return {
        "state": belief.encode(state),
        "status": known.status[:64],
        "final": known.final,
        "conflict": known.conflict,
        "failing": known.failing,
        "contested": ",".join(_contested(known))[:200],
        "created_at": created * MICROS if isinstance(created, int) else None,
        "since_at": known.since,
        "notified_at": known.notified or None,
        "heard_at": belief.heard(state) or None,
        "transaction_no": transaction_no(known),
        "moved_at": moved_at(known),
        "fee": fee_of(known),
        **{name: known.facts.get(name) for name in _FACTS},
        **{name: known.totals.get(name) for name in _TOTALS},
    }


def _contested(known: View) -> tuple[str, ...]:
    """What of it is seen in two ways: an end that our newest question did not show, too."""
    return ("status", *known.contested) if known.denied else known.contested
