"""What must hold between a statement and what we believe: SELECTs over the numbers that differ."""

from typing import Any

import sqlalchemy as sa

from service.ledger.keys import Selection
from service.ledger.rules.differing import (
    amount_differs,
    both,
    currency_differs,
    day_differs,
    differing,
    fee_differs,
    is_double,
)
from service.ledger.rules.rule import Rule, finds
from service.ledger.rules.sides import REFUNDS, Scope, day_of, given, micros, text_of
from service.ledger.rules.sources import Expression, Sources, number, word, words
from service.ledger.schema import beliefs

KIND = "statement"
# The backfill walks once an hour: what was never notified is believed by then.
_LATE_SECONDS = 3_600


def _elsewhere(one: Any, moved: bool) -> Any:
    """An object of this number that was not laid beside the lines, as the rules look for it.

    moved: its money moved on other days; what moved on these and still does not count is of a
    channel that the source does not speak for. Else it has not moved.
    """
    other = beliefs.alias("moved_elsewhere" if moved else "not_moved")
    kinds = sa.case(
        (one.c.what == word("withdrawal"), other.c.kind == word("withdrawal")),
        (one.c.what == word("refund"), other.c.kind.in_(words(*REFUNDS))),
        else_=other.c.kind.in_(words("order", "charge")),
    )
    # as a sum: SQLite would else walk over all that has moved, for each number
    at = micros(other.c.moved_at) + number(0)
    low, high, cut = given("low"), given("high"), given("cut")
    found = sa.or_(at < low - cut, at >= high + cut) if moved else at.is_(None)
    condition = sa.and_(
        other.c.account == text_of("account"),
        # spelt out for the index, which goes by kind
        other.c.kind.in_(words("order", "charge", "withdrawal", *REFUNDS)),
        kinds,
        other.c.order_no == one.c.anchor,
        found,
    )
    return other, condition


def _sides(one: Any, ours: Expression, theirs: Expression) -> Selection:
    source = text_of("source")
    return sa.select(
        text_of("account").label("account"),
        word(KIND).label("kind"),
        (source + word("/") + one.c.what + word("/") + one.c.anchor).label("object_id"),
        sa.func.substr(sa.cast(ours, sa.Text()), 1, 200).label("ours"),
        sa.func.substr(sa.cast(theirs, sa.Text()), 1, 200).label("theirs"),
        sa.func.coalesce(one.c.our_currency_low, one.c.their_currency_low).label("currency"),
    )


def _here(one: Any) -> Expression:
    """What we believe, as it comes nearest to the lines."""
    return sa.case((sa.and_(one.c.sures == 0, one.c.maybes > 0), one.c.maybe), else_=one.c.sure)


def _missing_here(one: Any) -> Selection:
    moved, has_moved = _elsewhere(one, True)
    still, has_not = _elsewhere(one, False)
    return _sides(one, word("nothing"), one.c.theirs).where(
        one.c.lines > 0,
        one.c.sures + one.c.maybes == 0,
        sa.not_(sa.exists(sa.select(moved.c.kind).where(has_moved).correlate(one))),
        sa.not_(sa.exists(sa.select(still.c.kind).where(has_not).correlate(one))),
    )


def _missing_there(one: Any) -> Selection:
    return _sides(one, one.c.sure, word("nothing")).where(
        one.c.lines == 0, one.c.others == 0, one.c.sures > 0
    )


def _amount(one: Any) -> Selection:
    return _sides(one, _here(one), one.c.theirs).where(
        both(one), amount_differs(one), sa.func.coalesce(sa.not_(is_double(one)), sa.true())
    )


def _double(one: Any) -> Selection:
    return _sides(one, one.c.sures + one.c.maybes, one.c.lines).where(is_double(one))


def _fee(one: Any) -> Selection:
    return _sides(one, one.c.our_fee, one.c.their_fee).where(
        fee_differs(one), sa.not_(amount_differs(one))
    )


def _currency(one: Any) -> Selection:
    return _sides(one, one.c.our_currency_low, one.c.their_currency_low).where(
        currency_differs(one)
    )


def _status(one: Any) -> Selection:
    """They say that money has moved and we do not, or the other way round."""
    still, has_not = _elsewhere(one, False)
    moved, has_moved = _elsewhere(one, True)
    said = sa.select(sa.func.min(still.c.status)).where(has_not).correlate(one).scalar_subquery()
    elsewhere = sa.exists(sa.select(moved.c.kind).where(has_moved).correlate(one))
    ours = sa.case((one.c.sures > 0, word("done")), else_=said)
    theirs = sa.case((one.c.lines > 0, word("done")), else_=one.c.status_low)
    they_say = sa.and_(
        one.c.lines > 0, one.c.sures + one.c.maybes == 0, said.is_not(None), sa.not_(elsewhere)
    )
    we_say = sa.and_(one.c.lines == 0, one.c.others > 0, one.c.sures > 0)
    return _sides(one, ours, theirs).where(sa.or_(they_say, we_say))


def _date(one: Any) -> Selection:
    """Business days, as days since 1970: ours lies elsewhere."""
    moved, has_moved = _elsewhere(one, True)
    when = (
        sa.select(sa.func.min(micros(moved.c.moved_at)))
        .where(has_moved)
        .correlate(one)
        .scalar_subquery()
    )
    ours = day_of(sa.func.coalesce(one.c.our_at_low, when))
    away = sa.and_(one.c.lines > 0, one.c.sures + one.c.maybes == 0, when.is_not(None))
    return _sides(one, ours, one.c.their_day_low).where(sa.or_(day_differs(one), away))


def no_objects(of: Sources) -> Selection:
    """These rules look at statements: over objects alone they find nothing."""
    one = of.objects
    return finds(one, ours=word(""), theirs=word("")).where(sa.false())


def select_all(scope: Scope) -> Any:
    """Every finding of every rule, by number; the rule's code stands in the last column."""
    one = differing(scope)
    return sa.union_all(
        *(
            _SELECTS[rule.code](one).add_columns(word(rule.code).label("rule"))
            for rule in STATEMENTS
        )
    ).order_by(sa.text("object_id"), sa.text("rule"))


STATEMENTS = (
    Rule(
        "statement_missing_here",
        "critical",
        _LATE_SECONDS,
        "The statement has it, and no object here bears its number.",
        "对账单有此笔，本地没有对应的对象。",
        no_objects,
        kinds=(KIND,),
    ),
    Rule(
        "statement_missing_there",
        "critical",
        0,
        "Money has moved here on a day that the statement covers, and the statement lacks it.",
        "本地已入账且在对账单日期范围内，对账单却没有此笔。",
        no_objects,
        kinds=(KIND,),
    ),
    Rule(
        "statement_amount",
        "critical",
        0,
        "The statement's lines of this number add up to another amount.",
        "同一单号在对账单中的金额合计与本地不一致。",
        no_objects,
        kinds=(KIND,),
        amounts=True,
    ),
    Rule(
        "statement_duplicate",
        "critical",
        0,
        "The statement has more lines of this number than there are objects.",
        "对账单中同一单号重复出现。",
        no_objects,
        kinds=(KIND,),
    ),
    Rule(
        "statement_fee",
        "warning",
        0,
        "Both sides name a fee, and not the same.",
        "对账单的手续费与本地不一致。",
        no_objects,
        kinds=(KIND,),
        amounts=True,
    ),
    Rule(
        "statement_currency",
        "critical",
        0,
        "The statement names another currency.",
        "对账单的币种与本地不一致。",
        no_objects,
        kinds=(KIND,),
    ),
    Rule(
        "statement_status",
        "critical",
        _LATE_SECONDS,
        "One side says that the money has moved, and the other does not.",
        "一方显示资金已变动，另一方未显示。",
        no_objects,
        kinds=(KIND,),
    ),
    Rule(
        "statement_date",
        "warning",
        0,
        "The statement has it on another business day, and not for the cut of the day.",
        "对账单的业务日期与本地不同，且不属于日切误差。",
        no_objects,
        kinds=(KIND,),
    ),
)
_SELECTS = {
    "statement_missing_here": _missing_here,
    "statement_missing_there": _missing_there,
    "statement_amount": _amount,
    "statement_duplicate": _double,
    "statement_fee": _fee,
    "statement_currency": _currency,
    "statement_status": _status,
    "statement_date": _date,
}
