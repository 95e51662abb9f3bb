"""What the rules look at: the objects in scope, and the money of what has parts beside them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from service.ledger.keys import Selection
from service.ledger.rules.inside import derived
from service.ledger.rules.scopes import Rows
from service.ledger.rules.words import Expression, number, word, words
from service.ledger.schema import beliefs

__all__ = ["Expression", "Sources", "number", "sources", "word", "words"]

# A part that is under way or done; only what has failed has no claim on the money.
GOING = ("created", "pending", "succeeded")

_COLUMNS = (
    "account",
    "kind",
    "object_id",
    "status",
    "final",
    "conflict",
    "failing",
    "contested",
    "order_no",
    "order_id",
    "charge_id",
    "allocation_id",
    "app",
    "user_id",
    "currency",
    "amount",
    "amount_paid",
    "amount_refunded",
    "created_at",
    "since_at",
    "notified_at",
    "moved_at",
    "fee",
)


@dataclass(frozen=True, slots=True)
class Sources:
    """rows: of any table in scope. objects: beliefs. orders, charges, shares: beside their parts.

    shares are allocations. What contradicts itself, or one of whose parts does, is left out of the
    sums: our own questions settle the contradiction first.
    """

    dialect: str
    rows: Rows
    objects: sa.CTE
    orders: sa.CTE
    charges: sa.CTE
    shares: sa.CTE


def sources(dialect: str, rows: Rows) -> Sources:
    """Name the sources over a scope."""
    columns = (*(beliefs.c[name] for name in _COLUMNS), *derived(dialect))
    objects = rows(beliefs, *columns).cte("objects")
    return Sources(dialect, rows, objects, _orders(objects), _charges(objects), _shares(objects))


def _orders(objects: sa.CTE) -> sa.CTE:
    """Each order beside its parts: amounts of minor units; `charges`, `refunds` count the known."""
    whole, part = objects.alias("whole"), beliefs.alias("part")
    charge, refund = part.c.kind == word("charge"), part.c.kind == word("order_refund")
    share, back = part.c.kind == word("allocation"), part.c.kind == word("allocation_refund")
    paid, succeeded = _is(part, "paid"), _is(part, "succeeded")
    counted = sa.func.coalesce(part.c.currency == whole.c.currency, sa.true())
    figures = {
        "charges": _count(charge),
        "paid": _sum(part.c.amount, charge, paid, counted),
        "reversed": _sum(part.c.amount, charge, _is(part, "reversed"), counted),
        "kept": _sum(part.c.amount - part.c.amount_refunded, charge, paid),
        "charges_refunded": _sum(part.c.amount_refunded, charge),
        "charges_silent": _count(charge, part.c.amount_refunded.is_(None)),
        "refunds": _count(refund),
        "refunded": _sum(part.c.amount, refund, succeeded),
        "allocated": _sum(part.c.amount, share, succeeded),
        "given_back": _sum(part.c.amount, back, _is(part, *GOING)),
        "begun_at": _earliest(part, share, _is(part, *GOING)),
        "completions": _count(part.c.kind == word("allocation_complete"), _is(part, *GOING)),
    }
    belongs = sa.and_(part.c.account == whole.c.account, part.c.order_id == whole.c.object_id)
    return _beside(whole, "order", part, belongs, figures).cte("orders")


def _charges(objects: sa.CTE) -> sa.CTE:
    """Each charge beside its own refunds, and those of its order that name it."""
    whole, part = objects.alias("whole_charge"), beliefs.alias("charge_part")
    refund = part.c.kind == word("refund")
    figures = {
        "refunds": _count(refund),
        "refunded": _sum(part.c.amount, refund, _is(part, "succeeded")),
        "largest": sa.func.max(sa.case((_is(part, *GOING), part.c.amount), else_=0)),
    }
    belongs = sa.and_(
        part.c.account == whole.c.account,
        part.c.charge_id == whole.c.object_id,
        part.c.kind.in_(words("refund", "order_refund")),
    )
    return _beside(whole, "charge", part, belongs, figures).cte("charges")


def _shares(objects: sa.CTE) -> sa.CTE:
    """Each allocation of an order beside what was taken back of it."""
    whole, part = objects.alias("whole_share"), beliefs.alias("share_part")
    figures = {"given_back": _sum(part.c.amount, _is(part, *GOING))}
    belongs = sa.and_(
        part.c.account == whole.c.account,
        # by the order, for which there is an index
        part.c.order_id == whole.c.order_id,
        part.c.kind == word("allocation_refund"),
        part.c.allocation_id == whole.c.object_id,
    )
    return _beside(whole, "allocation", part, belongs, figures).cte("shares")


def _beside(
    whole: Any, kind: str, part: Any, belongs: Expression, figures: Mapping[str, Expression]
) -> Selection:
    """Objects of a kind with the figures of their parts, 0 without parts; none that contradict."""
    return (
        sa.select(*whole.c, *(figure.label(name) for name, figure in figures.items()))
        .select_from(whole.outerjoin(part, belongs))
        .where(whole.c.kind == word(kind), sa.not_(whole.c.conflict))
        # first what tells the objects apart: the rest is only read along
        .group_by(whole.c.object_id, *(c for c in whole.c if c.key != "object_id"))
        .having(_count(part.c.conflict) == 0)
    )


def _is(part: Any, *statuses: str) -> Expression:
    return part.c.status.in_(words(*statuses))


def _sum(amount: Expression, *conditions: Expression) -> Expression:
    return sa.func.sum(sa.case((sa.and_(*conditions), sa.func.coalesce(amount, 0)), else_=0))


def _count(*conditions: Expression) -> Expression:
    return sa.func.sum(sa.case((sa.and_(*conditions), 1), else_=0))


def _earliest(part: Any, *conditions: Expression) -> Expression:
    """When the first of the parts was made, or seen where it does not say; microseconds."""
    at = sa.type_coerce(sa.func.coalesce(part.c.created_at, part.c.since_at), sa.BigInteger())
    return sa.func.min(sa.case((sa.and_(*conditions), at)))
