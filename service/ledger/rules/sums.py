"""Which amounts must add up: those of an order and of a charge with those of their parts."""

import sqlalchemy as sa

from service.ledger.keys import Selection, same_object
from service.ledger.rules.rule import Rule, finds
from service.ledger.rules.sources import Sources, word, words
from service.ledger.schema import watches

# Ten minutes: the notifications of a refund, and the provider's first retries of them.
_UNSEEN_SECONDS = 600


def _paid_sum(of: Sources) -> Selection:
    """An order without any known charge is only judged once our own question showed none (T8).

    A reversed charge may or may not still count as paid: both readings agree.
    """
    order, watch = of.orders, watches.alias("watch")
    asked = sa.exists().where(same_object(watch, order), watch.c.looks > 0)
    return finds(order, ours=order.c.paid, theirs=order.c.amount_paid).where(
        order.c.amount_paid != order.c.paid,
        order.c.amount_paid != order.c.paid + order.c.reversed,
        sa.or_(order.c.charges > 0, asked),
    )


def _refunded_sum_charges(of: Sources) -> Selection:
    order = of.orders
    return finds(order, ours=order.c.charges_refunded, theirs=order.c.amount_refunded).where(
        order.c.amount_refunded != order.c.charges_refunded,
        order.c.charges > 0,
        order.c.charges_silent == 0,
    )


def _refunded_sum_refunds(of: Sources) -> Selection:
    order = of.orders
    return finds(order, ours=order.c.refunded, theirs=order.c.amount_refunded).where(
        order.c.amount_refunded != order.c.refunded, order.c.refunds > 0
    )


def _refund_unseen(of: Sources) -> Selection:
    order = of.orders
    return finds(order, ours=word("0"), theirs=order.c.amount_refunded).where(
        order.c.amount_refunded > 0, order.c.refunds == 0
    )


def _charge_refunded_sum(of: Sources) -> Selection:
    charge = of.charges
    return finds(charge, ours=charge.c.refunded, theirs=charge.c.amount_refunded).where(
        charge.c.amount_refunded != charge.c.refunded, charge.c.refunds > 0
    )


def _refunded_over_paid(of: Sources) -> Selection:
    one = of.objects
    paid = sa.case((one.c.kind == word("charge"), one.c.amount), else_=one.c.amount_paid)
    return finds(one, ours=paid, theirs=one.c.amount_refunded).where(
        one.c.kind.in_(words("order", "charge")),
        sa.not_(one.c.conflict),
        one.c.amount_refunded > paid,
    )


def _canceled_but_paid(of: Sources) -> Selection:
    """Money that is still there: what was refunded in full is settled (facts §6)."""
    order = of.orders
    said = sa.func.coalesce(order.c.amount_paid - order.c.amount_refunded, 0)
    kept = sa.case((said > order.c.kept, said), else_=order.c.kept)
    return finds(order, ours=kept, theirs=order.c.status).where(
        order.c.status == word("canceled"), kept > 0
    )


def _overpaid(of: Sources) -> Selection:
    one = of.objects
    return finds(one, ours=one.c.amount, theirs=one.c.amount_paid).where(
        one.c.kind == word("order"),
        sa.not_(one.c.conflict),
        one.c.amount_paid > one.c.amount,
    )


def _allocated_over_paid(of: Sources) -> Selection:
    order = of.orders
    allocated = order.c.allocated - order.c.given_back
    left = order.c.amount_paid - sa.func.coalesce(order.c.amount_refunded, 0)
    return finds(order, ours=left, theirs=allocated).where(allocated > left, order.c.allocated > 0)


SUMS = (
    Rule(
        "paid_sum",
        "critical",
        None,
        "The order's amount_paid is not the sum of its paid charges.",
        "订单已付金额与其已付款 charge 的金额合计不一致。",
        _paid_sum,
        asks=True,
        kinds=("order",),
        amounts=True,
    ),
    Rule(
        "refunded_sum_charges",
        "critical",
        None,
        "The order's amount_refunded is not the sum of what its charges say was refunded.",
        "订单已退金额与其各 charge 的已退金额合计不一致。",
        _refunded_sum_charges,
        asks=True,
        kinds=("order",),
        amounts=True,
    ),
    Rule(
        "refunded_sum_refunds",
        "critical",
        None,
        "The order's amount_refunded is not the sum of its succeeded refunds.",
        "订单已退金额与其成功退款单的金额合计不一致。",
        _refunded_sum_refunds,
        asks=True,
        kinds=("order",),
        amounts=True,
    ),
    Rule(
        "refund_unseen",
        "warning",
        _UNSEEN_SECONDS,
        "The order says that money went back, but no refund of it was ever seen.",
        "订单显示已有退款，但从未收到或查到任何退款单。",
        _refund_unseen,
        asks=True,
        kinds=("order",),
        amounts=True,
    ),
    Rule(
        "charge_refunded_sum",
        "critical",
        None,
        "The charge's amount_refunded is not the sum of its succeeded refunds.",
        "charge 的已退金额与其成功退款的金额合计不一致。",
        _charge_refunded_sum,
        asks=True,
        kinds=("charge",),
        amounts=True,
    ),
    Rule(
        "refunded_over_paid",
        "critical",
        0,
        "More was refunded than was paid.",
        "已退金额大于已付金额。",
        _refunded_over_paid,
        kinds=("order", "charge"),
        amounts=True,
    ),
    Rule(
        "canceled_but_paid",
        "critical",
        None,
        "The order is canceled, but money was paid for it and not refunded.",
        "订单已取消，但仍有已付且未退的款项。",
        _canceled_but_paid,
        asks=True,
        kinds=("order",),
    ),
    Rule(
        "overpaid",
        "warning",
        0,
        "More was paid than the order asks for.",
        "已付金额大于订单金额。",
        _overpaid,
        kinds=("order",),
        amounts=True,
    ),
    Rule(
        "allocated_over_paid",
        "warning",
        None,
        "More was allocated than is left of what was paid.",
        "已分账金额大于订单的已付净额。",
        _allocated_over_paid,
        asks=True,
        kinds=("order",),
        amounts=True,
    ),
)
