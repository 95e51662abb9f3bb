"""Which parts must fit what they are of: refunds their charge, shares their allocation."""

from typing import Any

import sqlalchemy as sa

from service.core.kinds.kind import DAY
from service.ledger.columns import Instant
from service.ledger.keys import Selection
from service.ledger.rules.rule import Rule, finds
from service.ledger.rules.sources import Sources, word, words

_UNSEEN_SECONDS = 600
# What is not completed keeps the merchant's share frozen; a week is longer than any honest cycle.
_UNFINISHED_SECONDS = 7 * DAY


def _refund_over_charge(of: Sources) -> Selection:
    charge = of.charges
    return finds(charge, ours=charge.c.amount, theirs=charge.c.largest).where(
        charge.c.largest > charge.c.amount
    )


def _charge_refund_unseen(of: Sources) -> Selection:
    """Of an order's charge its order says so (`refund_unseen`)."""
    charge = of.charges
    return finds(charge, ours=word("0"), theirs=charge.c.amount_refunded).where(
        charge.c.amount_refunded > 0, charge.c.refunds == 0, charge.c.order_id.is_(None)
    )


def _recipients_sum(of: Sources) -> Selection:
    one = of.objects
    return finds(one, ours=one.c.shared, theirs=one.c.amount).where(
        one.c.kind.in_(words("allocation", "allocation_refund")),
        one.c.shared != one.c.amount,
        sa.not_(one.c.conflict),
    )


def _allocation_returned(of: Sources) -> Selection:
    share = of.shares
    return finds(share, ours=share.c.amount, theirs=share.c.given_back).where(
        share.c.given_back > share.c.amount
    )


def _allocation_unfinished(of: Sources) -> Selection:
    """An order that was given back in full has nothing left to complete."""
    order = of.orders
    before: Any = sa.bindparam("unfinished", type_=Instant())
    left = order.c.amount_paid - sa.func.coalesce(order.c.amount_refunded, 0)
    return finds(order, ours=word("completed"), theirs=word("begun")).where(
        sa.type_coerce(order.c.begun_at, Instant()) < before,
        order.c.completions == 0,
        sa.or_(order.c.amount_paid.is_(None), left > 0),
    )


PARTS = (
    Rule(
        "refund_over_charge",
        "critical",
        0,
        "One refund alone is larger than the charge it is of.",
        "单笔退款金额大于其 charge 的金额。",
        _refund_over_charge,
        kinds=("charge",),
        amounts=True,
    ),
    Rule(
        "charge_refund_unseen",
        "warning",
        _UNSEEN_SECONDS,
        "A charge without an order says that money went back, but no refund of it was ever seen.",
        "无订单的 charge 显示已有退款，但从未收到或查到任何退款。",
        _charge_refund_unseen,
        asks=True,
        kinds=("charge",),
        amounts=True,
    ),
    Rule(
        "recipients_sum",
        "critical",
        None,
        "What the recipients get, or the senders give back, does not add up to the amount.",
        "分账接收方（或退分账发送方）的金额合计与总额不一致。",
        _recipients_sum,
        asks=True,
        kinds=("allocation", "allocation_refund"),
        amounts=True,
    ),
    Rule(
        "allocation_returned",
        "critical",
        None,
        "More was taken back of the allocation than it gave.",
        "退分账合计大于原分账金额。",
        _allocation_returned,
        asks=True,
        kinds=("allocation",),
        amounts=True,
    ),
    Rule(
        "allocation_unfinished",
        "warning",
        _UNFINISHED_SECONDS,
        "The order's allocation was begun long ago and never completed.",
        "订单分账已开始很久，却一直没有完结分账。",
        _allocation_unfinished,
        kinds=("order",),
        waits=True,
        by_time=True,
    ),
)
