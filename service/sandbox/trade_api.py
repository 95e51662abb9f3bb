"""What the operations on orders, charges, refunds, shares and events do and answer."""

from collections.abc import Mapping

from service.sandbox import answers, lists
from service.sandbox.asked import Asked, Handler
from service.sandbox.box import Box
from service.sandbox.paying import cancel_order, create_charge, create_order, pay_order
from service.sandbox.records import Allocation, Charge, Completion, Order, OrderRefund, Refund
from service.sandbox.refunding import refund_charge, refund_order
from service.sandbox.refusal import Refusal, missing
from service.sandbox.sharing import create_allocation, create_completion, refund_allocation
from service.sandbox.wire import Shown


def _create_order(box: Box, asked: Asked) -> Shown:
    return answers.order(create_order(box.truth, asked.fields, asked.now))


def _get_order(box: Box, asked: Asked) -> Shown:
    return answers.order(box.truth.get(Order, asked.path["order_id"]))


def _list_orders(box: Box, asked: Asked) -> Shown:
    app = asked.query["app"]
    items = [answers.order(o) for o in box.truth.all(Order) if o.app == app]
    kept = [item for item in items if _is_wanted(item, asked)]
    return lists.page_b("/v1/orders", lists.within(kept, asked.query), asked.query)


def _is_wanted(item: Shown, asked: Asked) -> bool:
    """Whether an order is as the query asks (facts 4.5)."""
    shown = {**item, "canceled": item["status"] == "canceled"}
    flags = {"paid", "refunded", "canceled"} & asked.query.keys()
    words = {"uid", "receipt_app", "service_app"} & asked.query.keys()
    return all(shown[f] is (asked.query[f] in ("1", "true")) for f in flags) and all(
        shown.get(word) == asked.query[word] for word in words
    )


def _cancel_order(box: Box, asked: Asked) -> Shown:
    order = box.truth.get(Order, asked.path["order_id"])
    cancel_order(box.truth, order)
    return answers.order(order)


def _pay_order(box: Box, asked: Asked) -> Shown:
    order = box.truth.get(Order, asked.path["order_id"])
    pay_order(box.truth, order, asked.fields, asked.now)
    return answers.order(order)


def _list_order_charges(box: Box, asked: Asked) -> Shown:
    order = box.truth.get(Order, asked.path["order_id"])
    items = lists.within(map(answers.charge, order.charges), asked.query)
    return lists.page_a("/v1/charges", items, asked.query)


def _get_order_charge(box: Box, asked: Asked) -> Shown:
    charge = box.truth.get(Charge, asked.path["charge_id"])
    if charge.order != asked.path["order_id"]:
        raise missing("charge", charge.id)
    return answers.charge(charge)


def _refund_order(box: Box, asked: Asked) -> Shown:
    _check_refund_path(box, asked)
    order = box.truth.get(Order, asked.path["order_id"])
    return answers.order_refund(refund_order(box.truth, order, asked.fields, asked.now))


def _get_order_refund(box: Box, asked: Asked) -> Shown:
    _check_refund_path(box, asked)
    refund = box.truth.get(OrderRefund, asked.path["order_refund_id"])
    if refund.order != asked.path["order_id"]:
        raise missing("order_refund", refund.id)
    return answers.order_refund(refund)


def _list_order_refunds(box: Box, asked: Asked) -> Shown:
    _check_refund_path(box, asked)
    order = box.truth.get(Order, asked.path["order_id"])
    refunds = (r for r in box.truth.all(OrderRefund) if r.order == order.id)
    items = lists.within(map(answers.order_refund_in_list, refunds), asked.query)
    return lists.page_b(f"/v1/orders/{order.id}/refunds", items, asked.query)


def _check_refund_path(box: Box, asked: Asked) -> None:
    word = "order_refunds" if "/order_refunds" in asked.target else "refunds"
    if word not in box.manners.refund_paths:
        raise Refusal(404, "请求的地址不存在")


def _get_charge(box: Box, asked: Asked) -> Shown:
    return answers.charge(box.truth.get(Charge, asked.path["charge_id"]))


def _list_charges(box: Box, asked: Asked) -> Shown:
    app = asked.query["app[id]"]
    items = [answers.charge(c) for c in box.truth.all(Charge) if c.app == app]
    return lists.page_a("/v1/charges", lists.within(items, asked.query), asked.query)


def _get_refund(box: Box, asked: Asked) -> Shown:
    refund = box.truth.get(Refund, asked.path["refund_id"])
    if refund.charge != asked.path["charge_id"]:
        raise missing("refund", refund.id)
    return answers.refund(refund)


def _create_charge(box: Box, asked: Asked) -> Shown:
    return answers.charge(create_charge(box.truth, asked.fields, asked.now))


def _refund_charge(box: Box, asked: Asked) -> Shown:
    charge = box.truth.get(Charge, asked.path["charge_id"])
    return answers.refund(refund_charge(box.truth, charge, asked.fields, asked.now))


def _list_refunds(box: Box, asked: Asked) -> Shown:
    charge = box.truth.get(Charge, asked.path["charge_id"])
    items = lists.within(map(answers.refund, charge.refunds), asked.query)
    return lists.page_a(f"/v1/charges/{charge.id}/refunds", items, asked.query)


def _create_allocation(box: Box, asked: Asked) -> Shown:
    return answers.allocation(create_allocation(box.truth, asked.fields, asked.now))


def _get_allocation(box: Box, asked: Asked) -> Shown:
    known = box.truth.get(Allocation, asked.path["id"])
    if known.type != "allocation" and "allocations" not in box.manners.allocation_refund_paths:
        raise missing("allocation", known.id)
    return answers.allocation(known)


def _refund_allocation(box: Box, asked: Asked) -> Shown:
    return answers.allocation(refund_allocation(box.truth, asked.fields, asked.now))


def _get_allocation_refund(box: Box, asked: Asked) -> Shown:
    known = box.truth.get(Allocation, asked.path["id"])
    open_here = "allocation_refunds" in box.manners.allocation_refund_paths
    if known.type != "allocation_refund" or not open_here:
        raise missing("allocation_refund", known.id)
    return answers.allocation(known)


def _create_completion(box: Box, asked: Asked) -> Shown:
    return answers.completion(create_completion(box.truth, asked.fields, asked.now))


def _get_completion(box: Box, asked: Asked) -> Shown:
    return answers.completion(box.truth.get(Completion, asked.path["id"]))


def _get_event(box: Box, asked: Asked) -> Shown:
    event = box.press.events.get(asked.path["event_id"])
    if event is None:
        raise Refusal(404, f"No such event: {asked.path['event']}", param="id")
    return event


def _list_events(box: Box, asked: Asked) -> Shown:
    if not box.manners.lists_events:
        raise Refusal(404, "请求的地址不存在")
    wanted = asked.query.get("type")
    events = [e for e in box.press.events.values() if wanted in (None, e["type"])]
    return lists.page_a("/v1/events", lists.within(events, asked.query), asked.query)


TRADE: Mapping[str, Handler] = {
    "order.create": _create_order,
    "order.list": _list_orders,
    "order.retrieve": _get_order,
    "order.cancel": _cancel_order,
    "order.pay": _pay_order,
    "order_charge.list": _list_order_charges,
    "order_charge.retrieve": _get_order_charge,
    "order_refund.create": _refund_order,
    "order_refund.list": _list_order_refunds,
    "order_refund.retrieve": _get_order_refund,
    "charge.create": _create_charge,
    "charge.list": _list_charges,
    "charge.retrieve": _get_charge,
    "refund.create": _refund_charge,
    "refund.list": _list_refunds,
    "refund.retrieve": _get_refund,
    "allocation.create": _create_allocation,
    "allocation.retrieve": _get_allocation,
    "allocation_refund.create": _refund_allocation,
    "allocation_refund.retrieve": _get_allocation_refund,
    "allocation_complete.create": _create_completion,
    "allocation_complete.retrieve": _get_completion,
    "event.list": _list_events,
    "event.retrieve": _get_event,
}
