"""Does each person's wallet hold what it was opened with and what has moved since?

The first balance that the provider stated opens a wallet: before that nothing is judged. From there
the journal says what it should hold at the second of the newest statement. What may or may not be
in one of the two statements already counts either way: what moved within seconds of the opening,
withdrawals under way, and those that were asked for before the opening and had not ended by then.
"""

from typing import Any

import sqlalchemy as sa

from service.core.instant import MICROS
from service.core.journal import WALLET
from service.core.kinds.kind import MINUTE
from service.ledger.keys import Selection, same_object
from service.ledger.rules.inside import holds, value
from service.ledger.rules.rule import Rule, finds
from service.ledger.rules.sources import Expression, Sources, number, word
from service.ledger.schema import beliefs, changes, postings

_BALANCE = "available_balance"
# A posting this near to a statement may be in it or not. The newest one is not judged then.
_NEAR_MICROS = 5 * MICROS
# A balance that was not in the first answer is dated by when we wrote it down only.
_DATED_MICROS = MINUTE * MICROS
_FIRST = 1
_WITHDRAWAL = "withdrawal"
_UNSETTLED_SECONDS = 10 * MINUTE


def micros(column: Any) -> Expression:
    """An instant as the integer that it is kept as."""
    return sa.type_coerce(column, sa.BigInteger())


def _opened(of: Sources) -> Any:
    """Each person's stated balance beside the one that opened the wallet.

    The opening was said between opened_from and opened_until, in microseconds: what moved earlier
    is in it, what moved later is not. `held` is what it said.
    """
    user, opening, said = of.objects, changes.alias("opening"), changes.alias("said")
    first = (
        sa.select(said.c.seq)
        .where(same_object(said, user), holds(of.dialect, said.c.after, _BALANCE))
        .order_by(said.c.seq)
        .limit(1)
        .scalar_subquery()
    )
    told_at, near = micros(opening.c.at), number(_NEAR_MICROS)
    asked_at = sa.case(
        (opening.c.seq == number(_FIRST), micros(user.c.since_at) - near),
        else_=told_at - number(_DATED_MICROS),
    )
    return (
        sa.select(
            user.c.account,
            user.c.kind,
            user.c.object_id,
            user.c.currency,
            user.c.app,
            user.c.level,
            user.c.stated_at,
            asked_at.label("opened_from"),
            (told_at + near).label("opened_until"),
            sa.cast(value(of.dialect, opening.c.after, _BALANCE), sa.BigInteger()).label("held"),
        )
        .select_from(user.join(opening, same_object(user, opening)))
        .where(user.c.kind == word("user"), user.c.level.is_not(None), opening.c.seq == first)
        .cte("opened")
    )


def _posted(opened: Any, side: str) -> Selection:
    """What the journal moved into (credit) or out of (debit) each wallet until it was stated."""
    one, source = postings.alias(f"posted_{side}"), beliefs.alias(f"source_{side}")
    book, at = one.c[side], micros(one.c.happened_at)
    signed = one.c.amount if side == "credit" else -one.c.amount
    joined = opened.join(
        one,
        sa.and_(
            one.c.account == opened.c.account,
            book == word(WALLET) + opened.c.object_id,
            # spelt as in the partial index
            sa.func.substr(book, 1, len(WALLET)) == word(WALLET),
        ),
    ).outerjoin(source, same_object(one, source))
    sure = sa.and_(at > opened.c.opened_until, _is_later(opened, one, source))
    near = at > opened.c.stated_at - number(_NEAR_MICROS)
    return _moves(opened, signed, sa.func.coalesce(sure, sa.false()), near, joined).where(
        at > opened.c.opened_from,
        at <= opened.c.stated_at + number(_NEAR_MICROS),
        sa.func.coalesce(sa.not_(_was_out(opened, source)), sa.true()),
    )


def _is_later(opened: Any, posting: Any, source: Any) -> Expression:
    """Whether what a later posting says cannot have happened before the opening.

    Its object is newer, or the provider dates it. Of a withdrawal only the end is dated: the money
    was set aside at some time before.
    """
    dated = sa.and_(
        source.c.kind != word(_WITHDRAWAL),
        micros(source.c.moved_at) == micros(posting.c.happened_at),
    )
    return sa.or_(micros(source.c.created_at) > opened.c.opened_until, dated)


def _was_out(opened: Any, source: Any) -> Expression:
    """Whether a withdrawal had ended before the opening, however late we heard of it."""
    ended = micros(source.c.moved_at) < opened.c.opened_from
    return sa.and_(source.c.kind == word(_WITHDRAWAL), ended)


def _asked(of: Sources, opened: Any, *, old: bool) -> Selection:
    """Withdrawals: set aside when asked for or not, and back when they fail; no time says which."""
    one = beliefs.alias("asked_before" if old else "asked_now")
    fee = sa.cast(value(of.dialect, one.c.state, "shown", 3, "user_fee"), sa.BigInteger())
    cost = sa.func.coalesce(fee, number(0))
    whole = one.c.amount + cost
    signed = whole if old else -sa.case((one.c.status == word("created"), whole), else_=cost)
    joined = opened.join(
        one,
        sa.and_(
            one.c.account == opened.c.account,
            one.c.app == opened.c.app,
            one.c.user_id == sa.func.substr(opened.c.object_id, sa.func.length(opened.c.app) + 2),
        ),
    )
    going = one.c.status.in_((word("created"), word("pending")))
    found = _moves(opened, signed, sa.false(), sa.false(), joined).where(
        one.c.kind == word(_WITHDRAWAL)
    )
    return found.where(*_came_back(opened, one, going)) if old else found.where(going)


def _came_back(opened: Any, one: Any, going: Expression) -> tuple[Expression, ...]:
    """Withdrawals that may have been set aside at the opening, and put back since or still to be.

    A paid one does not come back, and one that was seen to have failed by then had come back.
    """
    born = micros(one.c.created_at) <= opened.c.opened_until
    ended = micros(one.c.since_at) > opened.c.opened_from
    unpaid = one.c.status != word("succeeded")
    return sa.func.coalesce(born, sa.true()), unpaid, sa.or_(going, ended)


def _moves(
    opened: Any, signed: Expression, sure: Expression, near: Expression, joined: Any
) -> Selection:
    none = number(0)
    return sa.select(
        opened.c.account,
        opened.c.object_id,
        sa.case((sure, signed), else_=none).label("sure"),
        sa.case((sa.and_(sa.not_(sure), signed > 0), signed), else_=none).label("up"),
        sa.case((sa.and_(sa.not_(sure), signed < 0), signed), else_=none).label("down"),
        sa.case((near, number(1)), else_=none).label("near"),
    ).select_from(joined)


def _wallet_differs(of: Sources) -> Selection:
    opened = _opened(of)
    moves = sa.union_all(
        _posted(opened, "credit"),
        _posted(opened, "debit"),
        _asked(of, opened, old=True),
        _asked(of, opened, old=False),
    ).subquery("moves")
    names = ("sure", "up", "down", "near")
    figures = (
        sa.select(
            moves.c.account,
            moves.c.object_id,
            *(sa.func.sum(moves.c[name]).label(name) for name in names),
        )
        .group_by(moves.c.account, moves.c.object_id)
        .subquery("moved")
    )
    held = opened.c.held + sa.func.coalesce(figures.c.sure, number(0))
    low = held + sa.func.coalesce(figures.c.down, number(0))
    high = held + sa.func.coalesce(figures.c.up, number(0))
    nearest = sa.cast(sa.case((opened.c.level > high, high), else_=low), sa.BigInteger())
    beside = sa.and_(
        figures.c.account == opened.c.account, figures.c.object_id == opened.c.object_id
    )
    return (
        finds(opened, ours=nearest, theirs=opened.c.level)
        .select_from(opened.outerjoin(figures, beside))
        .where(
            sa.or_(opened.c.level > high, opened.c.level < low),
            sa.func.coalesce(figures.c.near, number(0)) == 0,
        )
    )


def _withdrawal_fee(of: Sources) -> Selection:
    """The user bears a part of the fee, at most all of it (L752-1092)."""
    one = of.objects
    return finds(one, ours=one.c.fee, theirs=one.c.user_fee).where(
        one.c.kind == word("withdrawal"), one.c.user_fee > one.c.fee
    )


WALLETS = (
    Rule(
        "wallet_differs",
        "warning",
        _UNSETTLED_SECONDS,
        "The user's available_balance is not what the wallet was opened with and what has moved.",
        "用户可用余额与期初余额加后续变动不一致。",
        _wallet_differs,
        asks=True,
        kinds=("user",),
        amounts=True,
    ),
    Rule(
        "withdrawal_fee",
        "warning",
        None,
        "The user bears more of the withdrawal's fee than there is.",
        "提现中用户承担的手续费大于手续费总额。",
        _withdrawal_fee,
        asks=True,
        kinds=("withdrawal",),
        amounts=True,
    ),
)
