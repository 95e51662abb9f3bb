"""What the rules look at: the objects in scope, and the money of orders and charges by its parts.

The scope is a list of keys and what they lead to: the order of a charge, a refund or an allocation,
the charge of a refund, whoever else bears the same order_no. All of it is reached through the
primary key and the indexes of `beliefs`, so that the cost follows the scope and not the ledger.
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from service.ledger.rules.keys import Selection, listed_keys
from service.ledger.schema import beliefs

Expression = sa.ColumnElement[Any]

# Their order_no is one per object; a charge or a refund bears that of its order (L1153, facts §7).
NUMBERED = ("order", "withdrawal", "allocation", "allocation_refund", "allocation_complete")
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
    "currency",
    "amount",
    "amount_paid",
    "amount_refunded",
    "created_at",
    "since_at",
    "notified_at",
)


@dataclass(frozen=True, slots=True)
class Sources:
    """scope: keys. objects: their beliefs. orders, charges: those with the sums of their parts.

    Orders and charges that contradict themselves, or one of whose parts does, are left out of the
    sums: our own questions settle the contradiction first.
    """

    scope: sa.CTE
    objects: sa.CTE
    orders: sa.CTE
    charges: sa.CTE


def word(text: str) -> Expression:
    """A constant that stands in the SQL itself, for the planner to see."""
    return sa.literal_column(f"'{text}'", sa.Text())


def words(*texts: str) -> tuple[Expression, ...]:
    """Constants for an IN."""
    return tuple(word(text) for text in texts)


def same_object(one: Any, other: Any) -> Expression:
    """Whether two rows are of the same object."""
    return sa.and_(
        one.c.account == other.c.account,
        one.c.kind == other.c.kind,
        one.c.object_id == other.c.object_id,
    )


def sources(dialect: str) -> Sources:
    """Name the sources over the bound parameter `keys`: a JSON list of [account, kind, id]."""
    scope = _scope(dialect)
    objects = (
        sa.select(*(beliefs.c[name] for name in _COLUMNS))
        .select_from(scope.join(beliefs, same_object(scope, beliefs)))
        .cte("objects")
    )
    return Sources(scope, objects, _orders(objects), _charges(objects))


def _scope(dialect: str) -> sa.CTE:
    given = listed_keys(dialect, sa.bindparam("keys", type_=sa.Text())).cte("given")
    names = ("account", "kind", "object_id", "order_id", "charge_id", "order_no")
    named = (
        sa.select(*(beliefs.c[name] for name in names))
        .select_from(given.join(beliefs, same_object(given, beliefs)))
        .cte("named")
    )
    twin = beliefs.alias("twin")
    return sa.union(
        sa.select(given.c.account, given.c.kind, given.c.object_id),
        sa.select(named.c.account, word("order"), named.c.order_id).where(
            named.c.order_id.is_not(None)
        ),
        sa.select(named.c.account, word("charge"), named.c.charge_id).where(
            named.c.kind == word("refund"), named.c.charge_id.is_not(None)
        ),
        sa.select(twin.c.account, twin.c.kind, twin.c.object_id)
        .select_from(named.join(twin, same_number(named, twin)))
        .where(named.c.kind.in_(words(*NUMBERED, "charge"))),
    ).cte("scope")


def same_number(one: Any, other: Any) -> Expression:
    """Whether two objects of one kind bear the same order_no."""
    return sa.and_(
        other.c.account == one.c.account,
        other.c.kind == one.c.kind,
        other.c.order_no == one.c.order_no,
    )


def _orders(objects: sa.CTE) -> sa.CTE:
    """Each order beside its parts: amounts of minor units; `charges`, `refunds` count the known."""
    whole, part = objects.alias("whole"), beliefs.alias("part")
    charge = part.c.kind == word("charge")
    counted = sa.func.coalesce(part.c.currency == whole.c.currency, sa.true())
    sums = (
        sa.select(
            whole.c.account,
            whole.c.object_id,
            _count(part.c.conflict).label("conflicts"),
            _count(charge).label("charges"),
            _sum(part.c.amount, charge, _is(part, "paid"), counted).label("paid"),
            _sum(part.c.amount, charge, _is(part, "reversed"), counted).label("reversed"),
            _sum(part.c.amount - part.c.amount_refunded, charge, _is(part, "paid")).label("kept"),
            _sum(part.c.amount_refunded, charge).label("charges_refunded"),
            _count(charge, part.c.amount_refunded.is_(None)).label("charges_silent"),
            _count(part.c.kind == word("order_refund")).label("refunds"),
            _sum(part.c.amount, part.c.kind == word("order_refund"), _is(part, "succeeded")).label(
                "refunded"
            ),
            _sum(part.c.amount, part.c.kind == word("allocation"), _is(part, "succeeded")).label(
                "allocated"
            ),
            _sum(part.c.amount, part.c.kind == word("allocation_refund"), _is(part, *GOING)).label(
                "given_back"
            ),
        )
        .select_from(
            whole.join(
                part,
                sa.and_(part.c.account == whole.c.account, part.c.order_id == whole.c.object_id),
            )
        )
        .where(whole.c.kind == word("order"))
        .group_by(whole.c.account, whole.c.object_id)
        .subquery("order_sums")
    )
    return _beside(objects, sums, "order").cte("orders")


def _charges(objects: sa.CTE) -> sa.CTE:
    """Each charge beside its own refunds."""
    whole, part = objects.alias("whole_charge"), beliefs.alias("charge_part")
    sums = (
        sa.select(
            whole.c.account,
            whole.c.object_id,
            _count(part.c.conflict).label("conflicts"),
            sa.func.count().label("refunds"),
            _sum(part.c.amount, _is(part, "succeeded")).label("refunded"),
        )
        .select_from(
            whole.join(
                part,
                sa.and_(
                    part.c.account == whole.c.account,
                    part.c.charge_id == whole.c.object_id,
                    part.c.kind == word("refund"),
                ),
            )
        )
        .where(whole.c.kind == word("charge"))
        .group_by(whole.c.account, whole.c.object_id)
        .subquery("charge_sums")
    )
    return _beside(objects, sums, "charge").cte("charges")


def _beside(objects: sa.CTE, sums: sa.Subquery, kind: str) -> Selection:
    """Objects of a kind and their sums, 0 where they have no parts; none that contradict."""
    figures = [
        sa.func.coalesce(column, 0).label(column.key)
        for column in sums.c
        if column.key not in ("account", "object_id", "conflicts")
    ]
    together = sa.and_(sums.c.account == objects.c.account, sums.c.object_id == objects.c.object_id)
    return (
        sa.select(*objects.c, *figures)
        .select_from(objects.outerjoin(sums, together))
        .where(
            objects.c.kind == word(kind),
            sa.not_(objects.c.conflict),
            sa.func.coalesce(sums.c.conflicts, 0) == 0,
        )
    )


def _is(part: Any, *statuses: str) -> Expression:
    return part.c.status.in_(words(*statuses))


def _sum(amount: Expression, *conditions: Expression) -> Expression:
    return sa.func.sum(sa.case((sa.and_(*conditions), amount), else_=0))


def _count(*conditions: Expression) -> Expression:
    return sa.func.sum(sa.case((sa.and_(*conditions), 1), else_=0))
