"""Which flags, times and answers must fit the status of an object."""

import sqlalchemy as sa

from service.core.instant import MICROS
from service.core.kinds.kind import MINUTE
from service.ledger.keys import Selection
from service.ledger.rules.rule import Rule, finds
from service.ledger.rules.sources import Sources, word, words

# Ends that the document gives a time; an order_refund has none (facts §7 row 18).
_TIMED_ENDS = (
    ("order", "paid"),
    ("charge", "paid"),
    ("refund", "succeeded"),
    ("withdrawal", "succeeded"),
    ("deposit", "succeeded"),
    ("allocation", "succeeded"),
    ("allocation_refund", "succeeded"),
    ("allocation_complete", "succeeded"),
)
# An order's time_paid is that of its first payment, which need not be the whole.
_TIMED = tuple(kind for kind, end in _TIMED_ENDS if end == "succeeded")
# The channel's clock and the provider's may differ by so much.
_SKEW_MICROS = 5 * MINUTE * MICROS
# Failure model §2.2: asked after 10 s, 60 s and 300 s.
_ANSWER_SECONDS = 7 * MINUTE


def _end_without_time(of: Sources) -> Selection:
    one = of.objects
    ends = (
        sa.and_(one.c.kind == word(kind), one.c.status == word(end)) for kind, end in _TIMED_ENDS
    )
    return finds(one, ours=word("a time"), theirs=one.c.status).where(
        sa.or_(*ends), sa.not_(one.c.timed), sa.not_(one.c.conflict)
    )


def _time_without_end(of: Sources) -> Selection:
    one = of.objects
    return finds(one, ours=word("succeeded"), theirs=one.c.status).where(
        one.c.kind.in_(words(*_TIMED)),
        one.c.status.in_(words("created", "pending", "failed", "canceled")),
        one.c.timed,
        sa.not_(one.c.conflict),
    )


def _time_before_created(of: Sources) -> Selection:
    """Both sides in whole seconds since 1970."""
    one = of.objects
    moved = sa.type_coerce(one.c.moved_at, sa.BigInteger())
    created = sa.type_coerce(one.c.created_at, sa.BigInteger())
    return finds(one, ours=created // MICROS, theirs=moved // MICROS).where(
        moved < created - _SKEW_MICROS
    )


def _paid_short(of: Sources) -> Selection:
    one = of.objects
    return finds(one, ours=one.c.asked, theirs=one.c.amount_paid).where(
        one.c.kind == word("order"),
        one.c.status.in_(words("paid", "refunded")),
        one.c.amount_paid < one.c.asked,
        sa.not_(one.c.conflict),
    )


def _paid_unsaid(of: Sources) -> Selection:
    one = of.objects
    return finds(one, ours=word("paid"), theirs=one.c.status).where(
        one.c.kind == word("order"),
        one.c.status == word("created"),
        one.c.amount > 0,
        one.c.amount_paid >= one.c.amount,
        sa.not_(one.c.conflict),
    )


def _refund_flag(of: Sources) -> Selection:
    """The flag says that a refund was asked for (L1152): without one no money went back."""
    one = of.objects
    return finds(one, ours=word("true"), theirs=one.c.flagged).where(
        one.c.kind.in_(words("order", "charge")),
        one.c.amount_refunded > 0,
        one.c.flagged == word("false"),
        sa.not_(one.c.conflict),
    )


def _answer_differs(of: Sources) -> Selection:
    one = of.objects
    return finds(one, ours=one.c.status, theirs=word("not ended")).where(
        # it stands first (`ledger.objects`)
        sa.func.substr(one.c.contested, 1, 6) == word("status"),
        sa.not_(one.c.conflict),
    )


STATES = (
    Rule(
        "end_without_time",
        "warning",
        None,
        "The object has ended well, and names no time at which it did.",
        "对象已成功，却没有成功时间。",
        _end_without_time,
        asks=True,
        kinds=tuple(kind for kind, _ in _TIMED_ENDS),
    ),
    Rule(
        "time_without_end",
        "warning",
        None,
        "The object names the time of its success, and its status is no success.",
        "对象带有成功时间，状态却不是成功。",
        _time_without_end,
        asks=True,
        kinds=_TIMED,
    ),
    Rule(
        "time_before_created",
        "warning",
        0,
        "The money moved more than five minutes before the object was created.",
        "资金变动时间早于对象创建时间五分钟以上。",
        _time_before_created,
    ),
    Rule(
        "paid_short",
        "critical",
        None,
        "The order calls itself paid, and less was paid than it asks for.",
        "订单状态为已付款，已付金额却小于应付金额。",
        _paid_short,
        asks=True,
        kinds=("order",),
        amounts=True,
    ),
    Rule(
        "paid_unsaid",
        "warning",
        None,
        "All that the order asks for was paid, and it still calls itself unpaid.",
        "订单款项已付清，状态却仍为待支付。",
        _paid_unsaid,
        asks=True,
        kinds=("order",),
    ),
    Rule(
        "refund_flag",
        "warning",
        None,
        "Money was refunded, and the flag `refunded` says that no refund exists.",
        "已有退款金额，refunded 标识却为 false。",
        _refund_flag,
        asks=True,
        kinds=("order", "charge"),
    ),
    Rule(
        "answer_differs",
        "warning",
        _ANSWER_SECONDS,
        "The object was seen at its end, and an answer of a later question says that it goes on.",
        "对象已到终态，之后的查询却显示仍在处理中。",
        _answer_differs,
        asks=True,
    ),
)
