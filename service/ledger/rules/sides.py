"""How are a statement and what we believe laid side by side: each number's money, in one pass?

Lines and beliefs are added up by the number they are of (an order_no, else an id); what differs is
few. So a payment of several charges and a refund in several parts need nothing of their own.

A belief counts *surely* when its money moved well inside the days that the statements cover, and
*perhaps* when it moved within the cut of their edges, or when its channel is not known: the other
side may have booked it on the day after, which nobody has imported yet.
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from service.core.instant import MICROS
from service.core.kinds.kind import DAY
from service.core.statement.mapping import WHATS
from service.ledger.keys import Selection
from service.ledger.rules.sources import Expression, word, words
from service.ledger.schema import beliefs, statement_lines

_DAY = DAY * MICROS
REFUNDS = ("order_refund", "refund")
_ORIGINALS = ("order", "charge", "withdrawal")


@dataclass(frozen=True, slots=True)
class Scope:
    """What is compared: its parts bind the parameters account, source, low, high, cut, offset.

    against: charges or orders. covers: the kinds of line that should be complete; objects of other
    kinds count perhaps. channels:
    beginnings of the channels that the source speaks for; none: all. ids: the statements. among: a
    SELECT of the numbers that are looked at; None: all.
    """

    against: str
    covers: tuple[str, ...]
    channels: tuple[str, ...]
    ids: tuple[int, ...]
    among: Selection | None = None

    def holds(self, number: Expression) -> Expression:
        """Whether a number is looked at."""
        return sa.true() if self.among is None else number.in_(self.among)


def given(name: str) -> Any:
    """A parameter that is a whole number."""
    return sa.bindparam(name, type_=sa.BigInteger())


def text_of(name: str) -> Any:
    """A parameter of text."""
    return sa.bindparam(name, type_=sa.Text())


def _number(value: int) -> Expression:
    return sa.literal_column(str(value), sa.BigInteger())


def micros(column: Any) -> Expression:
    """An instant as the integer that it is kept as."""
    return sa.type_coerce(column, sa.BigInteger())


def figures(one: Any) -> list[Expression]:
    """What the rows of one group come to."""
    return [
        *(sa.cast(sa.func.sum(one.c[name]), sa.BigInteger()).label(name) for name in _SUMMED),
        *(sa.func.min(one.c[name]).label(f"{name}_low") for name in _RANGED),
        *(sa.func.max(one.c[name]).label(f"{name}_high") for name in _RANGED),
    ]


_SUMMED = (
    "lines", "others", "theirs", "their_fees", "their_fee",
    "sures", "maybes", "sure", "maybe", "our_fees", "our_fee",
)  # fmt: skip
_RANGED = ("their_day", "our_at", "their_currency", "our_currency", "identity", "status")


def _row(what: Expression, anchor: Expression, **values: Expression) -> list[Expression]:
    """The columns of one side; what it does not have is nothing."""
    nothing = {name: _number(0) for name in _SUMMED} | {
        "their_day": sa.cast(sa.null(), sa.BigInteger()),
        "our_at": sa.cast(sa.null(), sa.BigInteger()),
        **{name: sa.cast(sa.null(), sa.Text()) for name in (*_RANGED[2:], "transaction")},
    }
    columns = nothing | values
    return [
        what.label("what"),
        _short(anchor).label("anchor"),
        *(columns[name].label(name) for name in (*_SUMMED, *_RANGED, "transaction")),
    ]


def _short(number: Expression) -> Expression:
    """As much of a number as a mismatch's key has room for."""
    return sa.func.substr(number, 1, 140)


def _if(condition: Expression, value: Expression | int) -> Expression:
    return sa.case((condition, value), else_=_number(0))


def lines(scope: Scope) -> Selection:
    """What the statements' lines say, each under its number."""
    line = statement_lines
    done, has_fee = line.c.done, line.c.fee.is_not(None)
    identity = sa.func.coalesce(
        sa.case((line.c.what == word("refund"), line.c.refund_no)),
        sa.case((line.c.what != word("refund"), line.c.transaction_no)),
        sa.case((line.c.what != word("refund"), line.c.order_no)),
    )
    columns = _row(
        line.c.what,
        anchor_of(line),
        lines=_if(done, 1),
        others=sa.case((done, _number(0)), else_=_number(1)),
        theirs=_if(done, line.c.amount),
        their_fees=_if(sa.and_(done, has_fee), 1),
        their_fee=_if(sa.and_(done, has_fee), line.c.fee),
        their_day=sa.case((done, line.c.day)),
        their_currency=sa.case((done, line.c.currency)),
        identity=sa.case((done, identity)),
        status=sa.case((sa.not_(done), line.c.status)),
    )
    return sa.select(*columns).where(chosen_lines(scope))


def chosen_lines(scope: Scope) -> Expression:
    """The lines that count in a scope."""
    line = statement_lines
    ids = [_number(one) for one in scope.ids]
    counts = sa.and_(line.c.statement_id.in_(ids), sa.not_(line.c.known))
    return counts if scope.among is None else sa.and_(counts, scope.holds(own_number(line)))


def is_plain(line: Any) -> Expression:
    """Whether a line is likely to be of the object whose order_no it bears."""
    return sa.and_(
        line.c.what != word("refund"), line.c.object_id.is_(None), line.c.order_no.is_not(None)
    )


def own_number(line: Any) -> Expression:
    """The order_no of a plain line as it stands, else the number that a line leads to."""
    return _short(sa.case((is_plain(line), line.c.order_no), else_=anchor_of(line)))


def anchor_of(line: Any) -> Expression:
    """The number that a line is compared under: that of what its own numbers name, else its own."""
    by_id, by_transaction = beliefs.alias("by_id"), beliefs.alias("by_transaction")
    named = (
        sa.select(sa.func.min(sa.func.coalesce(by_id.c.order_no, by_id.c.object_id)))
        .where(
            by_id.c.account == line.c.account,
            by_id.c.kind.in_(words(*_ORIGINALS)),
            by_id.c.object_id == line.c.object_id,
        )
        .scalar_subquery()
    )
    number = sa.func.coalesce(by_transaction.c.order_no, by_transaction.c.object_id)
    # the one that bears both of its numbers before any other
    same = sa.func.min(sa.case((number == line.c.order_no, number)))
    numbered = (
        sa.select(sa.func.coalesce(same, sa.func.min(number)))
        .where(
            by_transaction.c.account == line.c.account,
            by_transaction.c.transaction_no == line.c.transaction_no,
            by_transaction.c.kind.in_(words(*_ORIGINALS)),
        )
        .scalar_subquery()
    )
    return sa.func.coalesce(
        sa.case((line.c.object_id.is_not(None), named)),
        sa.case((line.c.transaction_no.is_not(None), numbered)),
        sa.case((line.c.what == word("refund"), _refunded(line))),
        line.c.order_no,
        line.c.transaction_no,
        line.c.object_id,
        line.c.refund_no,
    )


def _refunded(line: Any) -> Expression:
    """Of a refund's line that names no order: what the refund is of that it names instead.

    By the refund's id, or by its own number, which some bills have where the order's belongs.
    """
    original = beliefs.alias("bears_order_no")
    is_original = sa.exists(
        sa.select(original.c.kind).where(
            original.c.account == line.c.account,
            original.c.kind.in_(words("order", "charge")),
            original.c.order_no == line.c.order_no,
        )
    )
    number = sa.func.coalesce(line.c.object_id, line.c.refund_no)
    named = sa.func.coalesce(
        _of_refund(line, "named_refund", "object_id", number),
        _of_refund(line, "numbered_refund", "order_no", line.c.refund_no),
    )
    return sa.case(
        (line.c.order_no.is_(None), named),
        (sa.not_(is_original), _of_refund(line, "misplaced_refund", "order_no", line.c.order_no)),
    )


def _of_refund(line: Any, name: str, column: str, number: Expression) -> Expression:
    part, whole, charge = _with_originals(name)
    return (
        sa.select(sa.func.min(_anchor(part, whole, charge)))
        .select_from(_joined(part, whole, charge))
        .where(
            part.c.account == line.c.account,
            part.c.kind.in_(words(*REFUNDS)),
            part.c[column] == number,
        )
        .scalar_subquery()
    )


def _with_originals(name: str) -> tuple[Any, Any, Any]:
    return beliefs.alias(name), beliefs.alias(f"{name}_order"), beliefs.alias(f"{name}_charge")


def _joined(part: Any, whole: Any, charge: Any) -> Any:
    """A refund beside its order and its charge, as far as they are known."""
    return part.outerjoin(
        whole,
        sa.and_(
            whole.c.account == part.c.account,
            whole.c.kind == word("order"),
            whole.c.object_id == part.c.order_id,
        ),
    ).outerjoin(
        charge,
        sa.and_(
            charge.c.account == part.c.account,
            charge.c.kind == word("charge"),
            charge.c.object_id == part.c.charge_id,
        ),
    )


def _anchor(part: Any, whole: Any, charge: Any) -> Expression:
    return sa.func.coalesce(
        whole.c.order_no,
        charge.c.order_no,
        charge.c.object_id,
        whole.c.object_id,
        part.c.order_no,
        part.c.object_id,
    )


def believed(scope: Scope) -> list[Selection]:
    """What we believe has moved, by kind of line, each object under its number."""
    return [_believed(scope, what) for what in WHATS]


def _believed(scope: Scope, what: str) -> Selection:
    if what == "refund":
        return _believed_refunds(scope)
    one = beliefs.alias(f"moved_{what}")
    amount = one.c.amount
    if what == "withdrawal":
        chosen: Expression = one.c.kind == word("withdrawal")
    elif scope.against == "orders":
        amount = sa.func.coalesce(one.c.amount_paid, one.c.amount)
        bare = sa.and_(one.c.kind == word("charge"), one.c.order_id.is_(None))
        chosen = sa.or_(one.c.kind == word("order"), bare)
    else:
        chosen = one.c.kind == word("charge")
    anchor = sa.func.coalesce(one.c.order_no, one.c.object_id)
    return _our_side(scope, what, one, one.c.channel, one.c.currency, anchor, amount).where(chosen)


def _believed_refunds(scope: Scope) -> Selection:
    """Refunds of orders, and of charges without an order: an order's refund shows in both kinds."""
    part, whole, charge = _with_originals("moved_refund")
    bare = sa.and_(
        part.c.kind == word("refund"), part.c.order_id.is_(None), charge.c.order_id.is_(None)
    )
    channel = sa.func.coalesce(part.c.channel, charge.c.channel, whole.c.channel)
    currency = sa.func.coalesce(part.c.currency, charge.c.currency, whole.c.currency)
    anchor = _anchor(part, whole, charge)
    return (
        _our_side(scope, "refund", part, channel, currency, anchor, part.c.amount)
        .select_from(_joined(part, whole, charge))
        .where(sa.or_(part.c.kind == word("order_refund"), bare))
    )


def _our_side(
    scope: Scope,
    what: str,
    one: Any,
    channel: Expression,
    currency: Expression,
    anchor: Expression,
    amount: Expression,
) -> Selection:
    at, low, high, cut = micros(one.c.moved_at), given("low"), given("high"), given("cut")
    inside = sa.and_(at >= low + cut, at < high - cut)
    ours = sa.true()
    if what not in scope.covers:
        inside = sa.false()
    if scope.channels and what != "withdrawal":
        inside = sa.and_(inside, channel.is_not(None))
        begins = (sa.func.substr(channel, 1, len(start)) == word(start) for start in scope.channels)
        ours = sa.or_(channel.is_(None), *begins)
    known = one.c.fee.is_not(None)
    columns = _row(
        word(what),
        anchor,
        sures=_if(inside, 1),
        maybes=sa.case((inside, _number(0)), else_=_number(1)),
        sure=_if(inside, amount),
        maybe=sa.case((inside, _number(0)), else_=amount),
        our_fees=_if(known, 1),
        our_fee=_if(known, one.c.fee),
        our_at=at,
        our_currency=currency,
        transaction=one.c.transaction_no,
    )
    return sa.select(*columns).where(
        one.c.account == text_of("account"),
        at >= low - cut,
        at < high + cut,
        ours,
        scope.holds(_short(anchor)),
    )


def day_of(at: Expression) -> Expression:
    """Whole days since 1970 in the business zone; what is compared lies after that."""
    return (at + given("offset")) // _number(_DAY)
