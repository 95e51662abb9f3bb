"""How do two sides of one number differ? Conditions over the figures that `sides` adds up."""

from typing import Any

import sqlalchemy as sa

from service.ledger.rules.sides import Scope, believed, day_of, figures, given, lines
from service.ledger.rules.words import Expression


def differing(scope: Scope) -> sa.CTE:
    """The numbers whose two sides differ, with the figures that the rules look at."""
    one = sa.union_all(lines(scope), *believed(scope)).subquery("sides")
    grouped = (one.c.what, one.c.anchor)
    found = sa.select(*grouped, *figures(one)).group_by(*grouped).subquery("figures")
    return (
        sa.select(*found.c)
        .where(
            sa.or_(
                amount_differs(found),
                _is_alone(found),
                day_differs(found),
                fee_differs(found),
                currency_differs(found),
            )
        )
        .cte("differing")
    )


def amount_differs(one: Any) -> Expression:
    """Neither the sure ones alone nor all of them add up to the lines."""
    return sa.and_(one.c.theirs != one.c.sure, one.c.theirs != one.c.sure + one.c.maybe)


def _is_alone(one: Any) -> Expression:
    here = one.c.sures + one.c.maybes
    return sa.or_(sa.and_(one.c.lines > 0, here == 0), sa.and_(one.c.lines == 0, one.c.sures > 0))


def both(one: Any) -> Expression:
    """Both sides know it."""
    return sa.and_(one.c.lines > 0, one.c.sures + one.c.maybes > 0)


def day_differs(one: Any) -> Expression:
    """A line lies on no day on which an object may be booked."""
    cut = given("cut")
    return sa.and_(
        both(one),
        sa.or_(
            one.c.their_day_low < day_of(one.c.our_at_low - cut),
            one.c.their_day_high > day_of(one.c.our_at_high + cut),
            sa.and_(
                one.c.sures + one.c.maybes == one.c.lines,
                sa.or_(
                    one.c.their_day_low > day_of(one.c.our_at_low + cut),
                    one.c.their_day_high < day_of(one.c.our_at_high - cut),
                ),
            ),
        ),
    )


def fee_differs(one: Any) -> Expression:
    """Only where each line and each object names one."""
    return sa.and_(
        both(one),
        one.c.their_fees == one.c.lines,
        one.c.our_fees == one.c.sures + one.c.maybes,
        one.c.their_fee != one.c.our_fee,
    )


def currency_differs(one: Any) -> Expression:
    """The lowest or the highest of the two sides is not the same."""
    return sa.and_(
        both(one),
        sa.or_(
            one.c.their_currency_low != one.c.our_currency_low,
            one.c.their_currency_high != one.c.our_currency_high,
        ),
    )


def is_double(one: Any) -> Expression:
    """More lines than objects, and all of them bear one number."""
    return sa.and_(
        both(one),
        one.c.lines > one.c.sures + one.c.maybes,
        one.c.identity_low == one.c.identity_high,
        amount_differs(one),
    )
