"""Which operations the fake provider has: method, path, and what each does and answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.sandbox import answers, lists
from service.sandbox.answers import Shown
from service.sandbox.box import Box
from service.sandbox.paying import create_order, pay_order
from service.sandbox.records import (
    Allocation,
    Charge,
    Completion,
    Order,
    OrderRefund,
    Refund,
    Withdrawal,
)
from service.sandbox.refunding import refund_order
from service.sandbox.refusal import Refusal, missing
from service.sandbox.sharing import create_allocation, create_completion, refund_allocation
from service.sandbox.withdrawing import create_withdrawal, decide_withdrawal


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, read: path parameters, query, JSON body."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    fields: Mapping[str, Any]
    now: datetime


Operation = Callable[[Box, Asked], Shown]


def _create_order(box: Box, asked: Asked) -> Shown:
    return answers.order(create_order(box.truth, asked.fields, asked.now))


def _get_order(box: Box, asked: Asked) -> Shown:
    return answers.order(box.truth.get(Order, asked.path["order"]))


def _list_orders(box: Box, asked: Asked) -> Shown:
    app = _wanted(asked, "app")
    flags = {"paid", "refunded"} & asked.query.keys()
    items = [answers.order(o) for o in box.truth.all(Order) if o.app == app]
    kept = [i for i in items if all(i[f] is (asked.query[f] in ("1", "true")) for f in flags)]
    return lists.page_b("/v1/orders", lists.within(kept, asked.query), asked.query)


def _pay_order(box: Box, asked: Asked) -> Shown:
    order = box.truth.get(Order, asked.path["order"])
    pay_order(box.truth, order, asked.fields, asked.now)
    return answers.order(order)


def _list_order_charges(box: Box, asked: Asked) -> Shown:
    order = box.truth.get(Order, asked.path["order"])
    items = lists.within(map(answers.charge, order.charges), asked.query)
    return lists.page_a("/v1/charges", items, asked.query)


def _get_order_charge(box: Box, asked: Asked) -> Shown:
    charge = box.truth.get(Charge, asked.path["charge"])
    if charge.order != asked.path["order"]:
        raise missing("charge", charge.id)
    return answers.charge(charge)


def _refund_order(box: Box, asked: Asked) -> Shown:
    _check_refund_path(box, asked)
    order = box.truth.get(Order, asked.path["order"])
    return answers.order_refund(refund_order(box.truth, order, asked.fields, asked.now))


def _get_order_refund(box: Box, asked: Asked) -> Shown:
    _check_refund_path(box, asked)
    refund = box.truth.get(OrderRefund, asked.path["refund"])
    if refund.order != asked.path["order"]:
        raise missing("order_refund", refund.id)
    return answers.order_refund(refund)


def _list_order_refunds(box: Box, asked: Asked) -> Shown:
    _check_refund_path(box, asked)
    order = box.truth.get(Order, asked.path["order"])
    refunds = (r for r in box.truth.all(OrderRefund) if r.order == order.id)
    items = lists.within(map(answers.order_refund_in_list, refunds), asked.query)
    return lists.page_b(f"/v1/orders/{order.id}/refunds", items, asked.query)


def _check_refund_path(box: Box, asked: Asked) -> None:
    if asked.path["refunds"] not in box.manners.refund_paths:
        raise Refusal(404, "请求的地址不存在")


def _get_charge(box: Box, asked: Asked) -> Shown:
    return answers.charge(box.truth.get(Charge, asked.path["charge"]))


def _list_charges(box: Box, asked: Asked) -> Shown:
    app = _wanted(asked, "app[id]")
    items = [answers.charge(c) for c in box.truth.all(Charge) if c.app == app]
    return lists.page_a("/v1/charges", lists.within(items, asked.query), asked.query)


def _get_refund(box: Box, asked: Asked) -> Shown:
    refund = box.truth.get(Refund, asked.path["refund"])
    if refund.charge != asked.path["charge"]:
        raise missing("refund", refund.id)
    return answers.refund(refund)


def _list_refunds(box: Box, asked: Asked) -> Shown:
    charge = box.truth.get(Charge, asked.path["charge"])
    items = lists.within(map(answers.refund, charge.refunds), asked.query)
    return lists.page_a(f"/v1/charges/{charge.id}/refunds", items, asked.query)


def _create_withdrawal(box: Box, asked: Asked) -> Shown:
    known = create_withdrawal(box.truth, asked.path["app"], asked.fields, asked.now)
    return answers.withdrawal(known)


def _withdrawal(box: Box, asked: Asked) -> Withdrawal:
    known = box.truth.get(Withdrawal, asked.path["withdrawal"])
    if known.app != asked.path["app"]:
        raise missing("withdrawal", known.id)
    return known


def _decide_withdrawal(box: Box, asked: Asked) -> Shown:
    known = _withdrawal(box, asked)
    decide_withdrawal(box.truth, known, asked.fields.get("status"), asked.now)
    return answers.withdrawal(known)


def _get_withdrawal(box: Box, asked: Asked) -> Shown:
    return answers.withdrawal(_withdrawal(box, asked))


def _list_withdrawals(box: Box, asked: Asked) -> Shown:
    app = asked.path["app"]
    known = [w for w in box.truth.all(Withdrawal) if w.app == app]
    items = lists.within(map(answers.withdrawal, known), asked.query)
    url = f"/v1/apps/{app}/withdrawals"
    total = sum(w.amount for w in known)
    return lists.page_b(url, items, asked.query, total_withdrawals_amount=total)


def _create_allocation(box: Box, asked: Asked) -> Shown:
    return answers.allocation(create_allocation(box.truth, asked.fields, asked.now))


def _get_allocation(box: Box, asked: Asked) -> Shown:
    known = box.truth.get(Allocation, asked.path["allocation"])
    if known.type != "allocation" and "allocations" not in box.manners.allocation_refund_paths:
        raise missing("allocation", known.id)
    return answers.allocation(known)


def _refund_allocation(box: Box, asked: Asked) -> Shown:
    return answers.allocation(refund_allocation(box.truth, asked.fields, asked.now))


def _get_allocation_refund(box: Box, asked: Asked) -> Shown:
    known = box.truth.get(Allocation, asked.path["allocation"])
    open_here = "allocation_refunds" in box.manners.allocation_refund_paths
    if known.type != "allocation_refund" or not open_here:
        raise missing("allocation_refund", known.id)
    return answers.allocation(known)


def _create_completion(box: Box, asked: Asked) -> Shown:
    return answers.completion(create_completion(box.truth, asked.fields, asked.now))


def _get_completion(box: Box, asked: Asked) -> Shown:
    return answers.completion(box.truth.get(Completion, asked.path["completion"]))


def _get_event(box: Box, asked: Asked) -> Shown:
    event = box.press.events.get(asked.path["event"])
    if event is None:
        raise Refusal(404, f"No such event: {asked.path['event']}", param="id")
    return event


def _list_events(box: Box, asked: Asked) -> Shown:
    wanted = asked.query.get("type")
    events = [e for e in box.press.events.values() if wanted in (None, e["type"])]
    return lists.page_a("/v1/events", lists.within(events, asked.query), asked.query)


def _wanted(asked: Asked, name: str) -> str:
    if not asked.query.get(name):
        raise Refusal(400, f"缺少参数：{name}", param=name)
    return asked.query[name]


_REFUNDS = "/v1/orders/{order}/{refunds}"

OPERATIONS: tuple[tuple[str, str, Operation], ...] = (
    ("POST", "/v1/orders", _create_order),
    ("GET", "/v1/orders", _list_orders),
    ("GET", "/v1/orders/{order}", _get_order),
    ("POST", "/v1/orders/{order}/pay", _pay_order),
    ("GET", "/v1/orders/{order}/charges", _list_order_charges),
    ("GET", "/v1/orders/{order}/charges/{charge}", _get_order_charge),
    ("POST", _REFUNDS, _refund_order),
    ("GET", _REFUNDS, _list_order_refunds),
    ("GET", _REFUNDS + "/", _list_order_refunds),
    ("GET", _REFUNDS + "/{refund}", _get_order_refund),
    ("GET", "/v1/charges", _list_charges),
    ("GET", "/v1/charges/{charge}", _get_charge),
    ("GET", "/v1/charges/{charge}/refunds", _list_refunds),
    ("GET", "/v1/charges/{charge}/refunds/{refund}", _get_refund),
    ("POST", "/v1/apps/{app}/withdrawals", _create_withdrawal),
    ("GET", "/v1/apps/{app}/withdrawals", _list_withdrawals),
    ("GET", "/v1/apps/{app}/withdrawals/{withdrawal}", _get_withdrawal),
    ("PUT", "/v1/apps/{app}/withdrawals/{withdrawal}", _decide_withdrawal),
    ("POST", "/v1/allocations", _create_allocation),
    ("GET", "/v1/allocations/{allocation}", _get_allocation),
    ("POST", "/v1/allocation_refunds", _refund_allocation),
    ("GET", "/v1/allocation_refunds/{allocation}", _get_allocation_refund),
    ("POST", "/v1/allocation_completes", _create_completion),
    ("GET", "/v1/allocation_completes/{completion}", _get_completion),
    ("GET", "/v1/events", _list_events),
    ("GET", "/v1/events/{event}", _get_event),
)
