"""Which objects do rules look at: some and what they lead to, or a whole stretch of one kind?

What some lead to is the order of a charge, a refund or an allocation, the charge of a refund, the
allocation of its refund, whoever else bears the same order_no: all of it is reached through the
primary key and the indexes of `beliefs`, so that the cost follows the scope and not the ledger.
In a stretch everybody is looked at in turn, so that nobody needs to be led to.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import sqlalchemy as sa

from service.ledger.keys import Selection, listed_keys, same_object
from service.ledger.rules.words import Expression, word, words
from service.ledger.schema import beliefs

# Their order_no is one per object; a charge or a refund bears that of its order (L1153, facts §7).
NUMBERED = ("order", "withdrawal", "allocation", "allocation_refund", "allocation_complete")

Rows = Callable[..., Selection]
"""Rows(table, *columns): of those rows of a table that are of an object in the scope."""


def listed(dialect: str) -> Rows:
    """The objects of the bound parameter `keys` and what they lead to."""
    scope = listed_scope(dialect)

    def rows(table: Any, *columns: Any) -> Selection:
        return sa.select(*columns).select_from(scope.join(table, same_object(scope, table)))

    return rows


class Stretch(NamedTuple):
    """All objects of a kind whose ids come after `after`, up to `until` (None: to the last one)."""

    account: str
    kind: str
    after: str
    until: str | None

    @property
    def bounds(self) -> dict[str, str]:
        """The parameters of `stretch_of`."""
        return {name: value for name, value in self._asdict().items() if value is not None}


def stretch_of(*, is_bounded: bool) -> Rows:
    """The objects of the stretch that the parameters name."""

    def rows(table: Any, *columns: Any) -> Selection:
        found = sa.select(*columns).where(
            table.c.account == _text("account"),
            table.c.kind == _text("kind"),
            table.c.object_id > _text("after"),
        )
        return found.where(table.c.object_id <= _text("until")) if is_bounded else found

    return rows


def _text(name: str) -> Any:
    return sa.bindparam(name, type_=sa.Text())


def listed_scope(dialect: str) -> sa.CTE:
    """The keys of the bound parameter `keys`, a JSON list of [account, kind, id], and more."""
    given = listed_keys(dialect).cte("given")
    names = ("account", "kind", "object_id", "order_id", "charge_id", "allocation_id", "order_no")
    named = (
        sa.select(*(beliefs.c[name] for name in names))
        .select_from(given.join(beliefs, same_object(given, beliefs)))
        .cte("named")
    )
    # each number once: a thousand objects that share one are joined to it, not to each other
    numbers = (
        sa.select(named.c.account, named.c.kind, named.c.order_no)
        .where(named.c.kind.in_(words(*NUMBERED, "charge")), named.c.order_no.is_not(None))
        .distinct()
        .cte("numbers")
    )
    twin = beliefs.alias("twin")
    return sa.union(
        sa.select(given.c.account, given.c.kind, given.c.object_id),
        sa.select(named.c.account, word("order"), named.c.order_id).where(
            named.c.order_id.is_not(None)
        ),
        sa.select(named.c.account, word("charge"), named.c.charge_id).where(
            named.c.kind.in_(words("refund", "order_refund")), named.c.charge_id.is_not(None)
        ),
        sa.select(named.c.account, word("allocation"), named.c.allocation_id).where(
            named.c.allocation_id.is_not(None)
        ),
        sa.select(twin.c.account, twin.c.kind, twin.c.object_id).select_from(
            numbers.join(twin, same_number(numbers, twin))
        ),
    ).cte("scope")


def same_number(one: Any, other: Any) -> Expression:
    """Whether two objects of one kind bear the same order_no."""
    return sa.and_(
        other.c.account == one.c.account,
        other.c.kind == one.c.kind,
        other.c.order_no == one.c.order_no,
    )
