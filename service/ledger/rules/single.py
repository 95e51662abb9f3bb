"""What must hold for one object alone: its facts, status, time, number and currency."""

from typing import Any

import sqlalchemy as sa

from service.core.instant import MICROS
from service.core.kinds import KINDS
from service.core.kinds.kind import DAY, MINUTE, UNKNOWN
from service.ledger.columns import Instant
from service.ledger.keys import Selection, same_object
from service.ledger.rules.rule import Rule, finds
from service.ledger.rules.scopes import NUMBERED, same_number
from service.ledger.rules.sources import Expression, Sources, word, words
from service.ledger.schema import beliefs, watches

CURRENCY = "cny"
# An object that is only known by name was asked for so often in vain.
FAILURES_LIMIT = 6
# The look that is planned for the deadline itself needs a moment.
_OVERDUE_SECONDS = 2 * MINUTE
# Failure model §2.2: asked after 10 s, 60 s and 300 s; then a person decides.
_CONFLICT_SECONDS = 7 * MINUTE
# The provider repeats a notification after 5 s, 10 s, 2 min and 5 min (facts §1.3).
_NOTIFIED_SECONDS = 10 * MINUTE
# What was over long before we first saw it is history, and nobody notifies of that.
_HISTORY_MICROS = 2 * DAY * MICROS

# Ends that have an event (facts §2); no other end is ever notified.
NOTIFIED_ENDS = (
    ("order", "paid"),
    ("order", "refunded"),
    ("charge", "paid"),
    ("refund", "succeeded"),
    ("refund", "failed"),
    ("order_refund", "succeeded"),
    ("withdrawal", "succeeded"),
    ("withdrawal", "failed"),
)
# A failed attempt to pay is no failure of the order or the charge.
_FAILS = tuple(kind.name for kind in KINDS.values() if not kind.retried)


def _fact_changed(of: Sources) -> Selection:
    one = of.objects
    return finds(one, ours=word("one value"), theirs=one.c.contested).where(
        one.c.contested.not_in(words("", "status"))
    )


def _order_no_twice(of: Sources) -> Selection:
    """One finding for each object but the first; payments by their order, if they have one."""
    one, twin = of.objects, beliefs.alias("namesake")
    is_other = one.c.kind != word("charge")
    earlier = (
        # the first in the index: a minimum would read all that bear the number
        sa.select(twin.c.object_id)
        .where(
            same_number(one, twin),
            twin.c.object_id < one.c.object_id,
            sa.or_(is_other, _is_bare_payment(twin)),
        )
        .order_by(twin.c.object_id)
        .limit(1)
        .scalar_subquery()
    )
    return finds(one, ours=one.c.object_id, theirs=earlier).where(
        one.c.order_no.is_not(None),
        one.c.kind.in_(words(*NUMBERED, "charge")),
        sa.or_(is_other, _is_bare_payment(one)),
        earlier.is_not(None),
    )


def _is_bare_payment(charge: Any) -> Expression:
    return sa.and_(charge.c.order_id.is_(None), charge.c.status == word("paid"))


def is_overdue(watch: Any, belief: Any) -> Expression:
    """Whether a watched object (outer-joined to its belief) should have ended by `now`."""
    late = watch.c.deadline_at < sa.bindparam("now", type_=Instant())
    never_seen = sa.and_(belief.c.account.is_(None), watch.c.failures >= FAILURES_LIMIT)
    going = sa.and_(sa.not_(belief.c.final), sa.not_(belief.c.conflict))
    return sa.and_(
        watch.c.state == word("active"),
        sa.or_(late, never_seen),
        sa.or_(belief.c.account.is_(None), going),
    )


def _overdue(of: Sources) -> Selection:
    due = watches.alias("due")
    names = ("account", "kind", "object_id", "state", "deadline_at", "failures")
    watch, one = (
        of.rows(due, *(due.c[name] for name in names)).cte("watch"),
        beliefs.alias("watched"),
    )
    return (
        sa.select(
            watch.c.account,
            watch.c.kind,
            watch.c.object_id,
            word("final").label("ours"),
            sa.func.coalesce(one.c.status, word("never seen")).label("theirs"),
            one.c.currency,
        )
        .select_from(watch.outerjoin(one, same_object(watch, one)))
        .where(is_overdue(watch, one))
    )


def _pending_with_failure(of: Sources) -> Selection:
    one = of.objects
    return finds(one, ours=word("no failure"), theirs=one.c.status).where(
        one.c.failing,
        one.c.kind.in_(words(*_FAILS)),
        one.c.status.in_(words("created", "pending")),
        sa.not_(one.c.conflict),
    )


def _conflict(of: Sources) -> Selection:
    one = of.objects
    return finds(one, ours=word("one end"), theirs=one.c.status).where(one.c.conflict)


def is_notified_end(one: Any) -> Expression:
    """Whether an object is in an end that a notification should have told of."""
    ends = (
        sa.and_(one.c.kind == word(kind), one.c.status == word(end)) for kind, end in NOTIFIED_ENDS
    )
    return sa.and_(
        sa.or_(*ends),
        # a charge of an order is told of with its order
        sa.or_(one.c.kind != word("charge"), one.c.order_id.is_(None)),
    )


def _learned_by_polling(of: Sources) -> Selection:
    one = of.objects
    created = sa.type_coerce(one.c.created_at, sa.BigInteger())
    recent = sa.type_coerce(one.c.since_at, sa.BigInteger()) <= created + _HISTORY_MICROS
    return finds(one, ours=word("notified"), theirs=one.c.status).where(
        one.c.notified_at.is_(None),
        is_notified_end(one),
        sa.not_(one.c.conflict),
        sa.or_(one.c.created_at.is_(None), recent),
    )


def _unknown_status(of: Sources) -> Selection:
    one = of.objects
    return finds(one, ours=word("a known word"), theirs=one.c.status).where(
        sa.func.substr(one.c.status, 1, len(UNKNOWN)) == word(UNKNOWN)
    )


def _other_currency(of: Sources) -> Selection:
    one = of.objects
    return finds(one, ours=word(CURRENCY), theirs=one.c.currency).where(
        one.c.currency != word(CURRENCY)
    )


SINGLE = (
    Rule(
        "fact_changed",
        "critical",
        0,
        "A fact that never changes was seen with two values, or a total has shrunk.",
        "不应变化的字段出现了不同的值，或累计金额变小。",
        _fact_changed,
    ),
    Rule(
        "order_no_twice",
        "warning",
        0,
        "Two objects of one kind bear the same order_no.",
        "同一商户订单号出现在两个对象上。",
        _order_no_twice,
        kinds=(*NUMBERED, "charge"),
    ),
    Rule(
        "overdue",
        "warning",
        _OVERDUE_SECONDS,
        "The object should have ended by now, or was asked for in vain.",
        "对象已过期限仍未到终态，或多次查询均未查到。",
        _overdue,
        by_time=True,
    ),
    Rule(
        "pending_with_failure",
        "warning",
        0,
        "The object is still under way although the provider already names a failure.",
        "对象仍在处理中，但渠道已返回失败信息。",
        _pending_with_failure,
        kinds=_FAILS,
    ),
    Rule(
        "conflict",
        "critical",
        _CONFLICT_SECONDS,
        "The object was seen with two ends, and our own questions did not settle which is true.",
        "对象出现相互矛盾的终态，主动查询后仍无法确定。",
        _conflict,
    ),
    Rule(
        "learned_by_polling",
        "info",
        _NOTIFIED_SECONDS,
        "The end was learned by our own questions only: no notification ever said so.",
        "终态仅由主动查询得知，从未收到通知。",
        _learned_by_polling,
        kinds=tuple(dict.fromkeys(kind for kind, _ in NOTIFIED_ENDS)),
    ),
    Rule(
        "unknown_status",
        "warning",
        0,
        "The status is a word that nobody knows; it is kept raw and never taken for an end.",
        "状态值未知；按原样保留，不视为终态。",
        _unknown_status,
    ),
    Rule(
        "other_currency",
        "info",
        0,
        "The currency is not cny; the amount is added to no cny sum.",
        "币种不是 cny；该金额不计入人民币合计。",
        _other_currency,
    ),
)
