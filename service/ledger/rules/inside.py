"""What do rules read of a belief that has no column? It is taken out of the kept state's JSON.

Reading JSON costs more than all else that a rule does for a row: each value is only taken out of
the few rows whose columns leave the question open. `core.belief.State` says what stands where.
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from service.core.instant import MICROS
from service.ledger.rules.words import Expression, number, word, words
from service.ledger.schema import beliefs

# As `core.kinds` calls them; an object's own name for them is mapped there.
_TIMES = ("time_paid", "time_succeeded")
_DAILY = ("app_daily_summary", "account_daily_summary")


def derived(dialect: str) -> Iterator[sa.Label[Any]]:
    """Columns of `objects`; null where the rules ask nothing.

    timed: whether the object names the time of its end. asked: what an order asks for at last.
    flagged: "true" or "false", whether what was refunded in part says so. shared: sum of the
    recipients or senders. user_fee: minor units. level, stated_at: a person's available balance,
    and when the provider said so. counted, from_at, until_at: a daily summary's charges, and its
    first and last second. Times are in microseconds since 1970.
    """
    one, kind = beliefs, beliefs.c.kind
    yield sa.or_(*(holds(dialect, one.c.state, name) for name in _TIMES)).label("timed")
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
    yield from _of_users(dialect)
    yield from _of_summaries(dialect)


def _of_users(dialect: str) -> Iterator[sa.Label[Any]]:
    """A merchant's own user also holds what the journal owes to its app: only persons are read."""
    is_user = beliefs.c.kind == word("user")
    is_person = _attribute(dialect, "user_type") == word("customer")
    level = sa.cast(_attribute(dialect, "available_balance"), sa.BigInteger())
    said = sa.cast(value(dialect, beliefs.c.state, "shown", 2), sa.BigInteger())
    yield sa.case((is_user, sa.case((is_person, level)))).label("level")
    yield sa.case((is_user, said * number(MICROS))).label("stated_at")


def _of_summaries(dialect: str) -> Iterator[sa.Label[Any]]:
    daily = beliefs.c.kind.in_(words(*_DAILY))
    names = {"counted": ("charges_count", 1), "from_at": ("summary_from", MICROS)}
    names["until_at"] = ("summary_to", MICROS)
    for label, (name, factor) in names.items():
        found = sa.cast(value(dialect, beliefs.c.state, "facts", name, 0, 1), sa.BigInteger())
        yield sa.case((daily, found * number(factor))).label(label)


def holds(dialect: str, column: Any, name: str) -> Expression:
    """Whether a JSON names something: a search is ten times as fast as reading it."""
    text = word(f'"{name}":')
    place = sa.func.strpos if dialect == "postgresql" else sa.func.instr
    return place(column, text) > number(0)


def _attribute(dialect: str, name: str) -> Expression:
    """An attribute of the sighting that is shown, as text or null."""
    return value(dialect, beliefs.c.state, "shown", 3, name)


def value(dialect: str, column: Any, *path: str | int) -> Expression:
    """What stands at a path of a JSON, as text on PostgreSQL and as itself on SQLite."""
    if dialect == "postgresql":
        steps = word("{" + ",".join(map(str, path)) + "}")
        state = sa.cast(column, postgresql.JSONB)
        return state.op("#>>", return_type=sa.Text())(steps)
    steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return sa.func.json_extract(column, word(f"${steps}"), type_=sa.Text())


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
