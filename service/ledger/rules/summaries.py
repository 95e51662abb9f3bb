"""Does the provider's daily summary agree with the charges that we believe were paid on that day?

A day is judged when charges were seen before it began: of an earlier one the ledger may lack some.
An account's summary may count apps that are not ours, so that only too little in it is wrong.
"""

from typing import Any

import sqlalchemy as sa

from service.core.instant import MICROS
from service.core.kinds.kind import HOUR
from service.ledger.keys import Selection
from service.ledger.rules.rule import Rule, finds
from service.ledger.rules.sources import Expression, Sources, number, word, words
from service.ledger.rules.wallets import micros
from service.ledger.schema import beliefs

KINDS = ("app_daily_summary", "account_daily_summary")
# Two walks over the lists find what was never notified.
_LATE_SECONDS = 2 * HOUR
# So many of the charges before a day are looked at for one that was seen before it.
_BEFORE = 100


def _paid(of: Sources) -> Any:
    """Each summary beside count and sum of the charges paid from its first to its last second."""
    one, charge = of.objects, beliefs.alias("summed")
    at = micros(charge.c.moved_at)
    belongs = sa.and_(
        charge.c.account == one.c.account,
        charge.c.kind == word("charge"),
        at >= one.c.from_at,
        at < one.c.until_at + number(MICROS),
        charge.c.status == word("paid"),
        sa.func.coalesce(charge.c.currency, word("cny")) == word("cny"),
        sa.or_(one.c.kind == word(KINDS[1]), charge.c.app == one.c.app),
    )
    key = (one.c.account, one.c.kind, one.c.object_id, one.c.currency, one.c.amount, one.c.counted)
    return (
        sa.select(
            *key,
            sa.cast(sa.func.coalesce(sa.func.sum(charge.c.amount), 0), sa.BigInteger()).label(
                "sum"
            ),
            sa.func.count(charge.c.object_id).label("count"),
        )
        .select_from(one.outerjoin(charge, belongs))
        .where(one.c.kind.in_(words(*KINDS)), _is_covered(one))
        .group_by(*key)
        .subquery("paid_on")
    )


def _is_covered(one: Any) -> Expression:
    before = beliefs.alias("before")
    latest = (
        sa.select(micros(before.c.since_at).label("seen_at"))
        .where(
            before.c.account == one.c.account,
            before.c.kind == word("charge"),
            micros(before.c.moved_at) < one.c.from_at,
        )
        .order_by(before.c.moved_at.desc())
        .limit(_BEFORE)
        .correlate(one)
        .subquery("latest")
    )
    return sa.exists(sa.select(latest.c.seen_at).where(latest.c.seen_at < one.c.from_at))


def _differs(one: Any, ours: Expression, theirs: Expression) -> Expression:
    return sa.or_(ours > theirs, sa.and_(one.c.kind == word(KINDS[0]), ours < theirs))


def _summary_amount(of: Sources) -> Selection:
    one = _paid(of)
    return finds(one, ours=one.c.sum, theirs=one.c.amount).where(
        _differs(one, one.c.sum, one.c.amount)
    )


def _summary_count(of: Sources) -> Selection:
    one = _paid(of)
    return finds(one, ours=one.c.count, theirs=one.c.counted).where(
        _differs(one, one.c.count, one.c.counted)
    )


SUMMARIES = (
    Rule(
        "summary_amount",
        "warning",
        _LATE_SECONDS,
        "The day's summary names another total than the charges that were paid on that day.",
        "日汇总的金额与当日已付款 charge 的合计不一致。",
        _summary_amount,
        kinds=KINDS,
        amounts=True,
    ),
    Rule(
        "summary_count",
        "warning",
        _LATE_SECONDS,
        "The day's summary counts more or fewer charges than were paid on that day.",
        "日汇总的笔数与当日已付款 charge 的笔数不一致。",
        _summary_count,
        kinds=KINDS,
    ),
)
