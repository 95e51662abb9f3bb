"""How an order's money is shared: allocations, their refunds, their completion (L1528-1814).

Ping++ documents no event for any of these: whoever wants to know has to ask.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from service.sandbox.paying import receiver_of
from service.sandbox.records import Allocation, Completion, Order, Share, User, user_key
from service.sandbox.refusal import Refusal, amount, inner, text
from service.sandbox.truth import Truth
from service.sandbox.wallets import check, covers, credit, opened

_NOTHING_LEFT = "来自渠道的信息：OPR21040|可分账金额为0，不能进行完结分账"


def create_allocation(
    truth: Truth, fields: Mapping[str, Any], now: datetime, *, unchecked: bool = False
) -> Allocation:
    """Share an order's money; `unchecked` lets it be more than there is."""
    order = _shared_order(truth, fields)
    shares = _shares(fields.get("recipients"), "recipients")
    if not unchecked:
        for share in shares:
            opened(truth.user(order.app, share.user, "recipients[*][user]"))
        if sum(share.amount for share in shares) > left(truth, order):
            raise Refusal(400, "分账金额大于可分账金额", param="recipients")
    paid = next(charge for charge in order.charges if charge.paid)
    extra = {
        "charge": {
            "id": paid.id,
            "order_no": paid.order_no,
            "transaction_no": paid.transaction_no,
        }
    }
    return _add(truth, "allocation", order, fields, shares, extra, now)


def refund_allocation(truth: Truth, fields: Mapping[str, Any], now: datetime) -> Allocation:
    """Take an allocation back, in whole or in part, from those who received it."""
    order = _shared_order(truth, fields)
    original = truth.get(Allocation, inner(fields, "extra").get("allocation"))
    if original.type != "allocation" or original.order != order.id:
        raise Refusal(400, "原分账不属于该订单", param="extra[allocation]")
    shares = _shares(fields.get("senders"), "senders")
    for share in shares:
        wanted = sum(each.amount for each in shares if each.user == share.user)
        if original.status != "succeed" or wanted > _kept(truth, original, share.user):
            raise Refusal(400, "退分账金额大于可退金额", param="senders")
        check(truth.user(order.app, share.user, "senders[*][user]"), wanted, "senders")
    paid = next(charge for charge in order.charges if charge.paid)
    shown = {"allocation": original.id, "charge": paid.id}
    return _add(truth, "allocation_refund", order, fields, shares, shown, now)


def create_completion(truth: Truth, fields: Mapping[str, Any], now: datetime) -> Completion:
    """Settle what is left to the order's merchant; with nothing left it hangs (facts §7 row 8)."""
    order = _shared_order(truth, fields)
    number = text(fields, "order_no")
    empty = left(truth, order) <= 0
    known = truth.add(
        Completion(
            id=truth.ids.draw("allocation_complete", now),
            app=text(fields, "app"),
            order=order.id,
            order_no=truth.reserve("allocation_complete", number),
            created=int(now.timestamp()),
            livemode=truth.livemode,
            status="pending" if empty else "created",
            failure_msg=_NOTHING_LEFT if empty else None,
        )
    )
    truth.plan(known, now)
    return known


def left(truth: Truth, order: Order) -> int:
    """What of an order's money is not refunded and not shared, in minor units."""
    shared = sum(
        each.amount if each.type == "allocation" else -each.amount
        for each in truth.all(Allocation)
        if each.order == order.id and each.status != "failure"
    )
    settled = sum(each.settled for each in truth.all(Completion) if each.order == order.id)
    return order.amount_paid - order.amount_refunded - shared - settled


def is_shared(truth: Truth, order: Order) -> bool:
    """Whether the order's money still waits to be shared: no completion has settled the rest."""
    ended = (c.order == order.id and c.status == "succeed" for c in truth.all(Completion))
    return order.allocation and not any(ended)


def end_allocation(truth: Truth, known: Allocation, now: datetime, *, succeeded: bool) -> None:
    """All shares arrive or none does; a sender that is short by now makes none go back."""
    succeeded = succeeded and _move(truth, known)
    word = "succeed" if succeeded else "failure"
    at = int(now.timestamp()) if succeeded else None
    truth.change(known, status=word, time_succeeded=at)
    for share in known.shares:
        share.status, share.time_succeeded = word, at
        if not succeeded:
            share.failure_code, share.failure_msg = "OPR10015", "来自渠道的信息：OPR10015|账户冻结"


def _move(truth: Truth, known: Allocation) -> bool:
    """Pay out to every recipient, or take from every sender; strangers have no balance."""
    sign = 1 if known.type == "allocation" else -1
    found = [truth.records.get(user_key(known.app, share.user)) for share in known.shares]
    pairs = [(u, s) for u, s in zip(found, known.shares, strict=True) if isinstance(u, User)]
    if sign < 0 and not all(covers(user, share.amount) for user, share in pairs):
        return False
    for user, share in pairs:
        credit(truth, user, sign * share.amount)
    return True


def end_completion(truth: Truth, known: Completion, now: datetime, *, succeeded: bool) -> None:
    """What is left goes to the order's receiver; with nothing left it fails."""
    order = truth.get(Order, known.order)
    rest = left(truth, order)
    if not succeeded or known.failure_msg is not None or rest <= 0:
        truth.change(known, status="failed")
        return
    truth.change(known, status="succeed", time_succeeded=int(now.timestamp()), settled=rest)
    receiver = receiver_of(truth, order)
    if receiver is not None:
        credit(truth, receiver, rest)


def _kept(truth: Truth, original: Allocation, user: str) -> int:
    """What of its share a recipient has not given back."""
    given_back = (
        share
        for each in truth.all(Allocation)
        if each.extra.get("allocation") == original.id and each.status != "failure"
        for share in each.shares
    )
    received = sum(share.amount for share in original.shares if share.user == user)
    return received - sum(share.amount for share in given_back if share.user == user)


def _shared_order(truth: Truth, fields: Mapping[str, Any]) -> Order:
    order = truth.get(Order, text(fields, "order"))
    if not order.allocation or not any(charge.paid for charge in order.charges):
        raise Refusal(400, "仅支持已支付且分账标识为 true 的订单", param="order")
    return order


def _shares(given: object, name: str) -> list[Share]:
    """One or many: the table says "hash" where the sample has a list (facts §7 row 22)."""
    items = cast("list[Any]", given) if isinstance(given, list) else [given]
    shares = [
        Share(user=text(item, "user"), amount=amount(item), description=item.get("description"))
        for item in items
        if isinstance(item, dict)
        for item in (cast("dict[str, Any]", item),)
    ]
    if not shares or len(shares) != len(items):
        raise Refusal(400, f"格式错误：{name}", param=name)
    return shares


def _add(
    truth: Truth,
    kind: str,
    order: Order,
    fields: Mapping[str, Any],
    shares: list[Share],
    extra: dict[str, Any],
    now: datetime,
) -> Allocation:
    number = text(fields, "order_no")
    known = truth.add(
        Allocation(
            id=truth.ids.draw("allocation", now),
            type=kind,
            app=text(fields, "app"),
            order=order.id,
            order_no=truth.reserve("allocation", number),
            shares=shares,
            amount=sum(share.amount for share in shares),
            created=int(now.timestamp()),
            extra=extra,
            livemode=truth.livemode,
        )
    )
    truth.plan(known, now)
    return known
