"""What do rules read of a belief that has no column? It is taken out of the kept state's JSON.

Reading JSON costs more than all else that a rule does for a row: each value is only taken out of
the few rows whose columns leave the question open. `core.belief.State` says what stands where.
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from service.ledger.rules.words import Expression, word, words
from service.ledger.schema import beliefs

# As `core.kinds` calls them; an object's own name for them is mapped there.
_TIMES = ("time_paid", "time_succeeded")
_SUMMARIES = ("app_daily_summary", "account_daily_summary")


def derived(dialect: str) -> Iterator[sa.Label[Any]]:
    """Columns of `objects`; null where the rules ask nothing.

    timed: whether the object names the time of its end. asked: what an order asks for at last.
    flagged: "true" or "false", whether what was refunded in part says so. shared: sum of the
    recipients or senders. user_fee, level: minor units. level: a user's available balance.
    """
    one, kind = beliefs, beliefs.c.kind
    yield sa.or_(*(_holds(dialect, f'"{name}":') for name in _TIMES)).label("timed")
    short = sa.and_(
        kind == word("order"),
        one.c.status.in_(words("paid", "refunded")),
        one.c.amount_paid < one.c.amount,
    )
    actual = _attribute(dialect, "actual_amount")
    asked = sa.func.coalesce(sa.cast(actual, sa.BigInteger()), one.c.amount)
    yield sa.case((short, asked), else_=one.c.amount).label("asked")
    refunded = sa.and_(kind.in_(words("order", "charge")), one.c.amount_refunded > 0)
    yield sa.case((refunded, _flag(dialect, "refund_asked"))).label("flagged")
    split = kind.in_(words("allocation", "allocation_refund"))
    yield sa.case((split, _sum_of_parts(dialect))).label("shared")
    paid_out = kind == word("withdrawal")
    user_fee = sa.cast(_attribute(dialect, "user_fee"), sa.BigInteger())
    yield sa.case((paid_out, user_fee)).label("user_fee")


def _holds(dialect: str, text: str) -> Expression:
    """Whether the state holds a name: a search is ten times as fast as reading the JSON."""
    if dialect == "postgresql":
        return sa.func.strpos(beliefs.c.state, word(text)) > sa.literal_column("0")
    return sa.func.instr(beliefs.c.state, word(text)) > sa.literal_column("0")


def _attribute(dialect: str, name: str) -> Expression:
    """An attribute of the sighting that is shown, as text or null."""
    return value(dialect, "shown", 3, name)


def value(dialect: str, *path: str | int) -> Expression:
    """What stands at a path of the state, as text on PostgreSQL and as itself on SQLite."""
    if dialect == "postgresql":
        steps = word("{" + ",".join(map(str, path)) + "}")
        state = sa.cast(beliefs.c.state, postgresql.JSONB)
        return state.op("#>>", return_type=sa.Text())(steps)
    steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return sa.func.json_extract(beliefs.c.state, word(f"${steps}"), type_=sa.Text())


def _flag(dialect: str, name: str) -> Expression:
    """SQLite reads a JSON true as 1."""
    if dialect == "postgresql":
        return _attribute(dialect, name)
    flag = sa.cast(_attribute(dialect, name), sa.Text())
    return sa.case((flag == word("1"), word("true")), (flag == word("0"), word("false")))


def _sum_of_parts(dialect: str) -> Expression:
    """Minor units; null of an object without parts."""
    if dialect == "postgresql":
        parts = sa.cast(beliefs.c.state, postgresql.JSONB).op("->")(word("parts"))
        each = sa.func.jsonb_each(sa.type_coerce(parts, postgresql.JSONB)).table_valued("value")
        amount = sa.cast(
            sa.type_coerce(each.c.value, postgresql.JSONB).op("->>", return_type=sa.Text())(
                sa.literal_column("2")
            ),
            sa.BigInteger(),
        )
    else:
        each = sa.func.json_each(beliefs.c.state, word("$.parts")).table_valued("value")
        amount = sa.func.json_extract(each.c.value, word("$[2]"), type_=sa.BigInteger())
    total = sa.cast(sa.func.sum(amount), sa.BigInteger())
    return sa.select(total).select_from(each).correlate(beliefs).scalar_subquery()
