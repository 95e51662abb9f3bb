"""What can be done to the sandbox itself, and what it can be asked: look, push on, break, plant."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from service.sandbox import answers, dump
from service.sandbox.box import Box
from service.sandbox.cast import play_cast
from service.sandbox.links import Link
from service.sandbox.plants import PLANTS, plant
from service.sandbox.progress import advance, finish, settle
from service.sandbox.records import Order, Record, Withdrawal
from service.sandbox.refusal import Refusal, missing
from service.sandbox.shelf import put
from service.sandbox.truth import News
from service.sandbox.withdrawing import return_withdrawal

Fields = dict[str, Any]
Verb = Callable[[Box, Fields], Awaitable[Any]]

FLUSH_SECONDS = 30.0


async def _truth(box: Box, _fields: Fields) -> Any:
    return {"objects": dump.objects(box.truth, box.shelf)}


async def _stats(box: Box, _fields: Fields) -> Any:
    kinds = Counter(dump.kind_name(record) for record in box.truth.records.values())
    return {
        "objects": dict(kinds),
        "events": len(box.press.events),
        "sends": dict(box.sender.counts),
        "waiting": box.sender.waiting,
        "faults": dict(box.faults.struck),
        "planted": len(box.planted),
        "operations": dict(box.called),
    }


async def _objects(box: Box, fields: Fields) -> Any:
    """Every object as a query shows it, of one `kind` or of all."""
    wanted = fields.get("kind")
    known = box.truth.records.values()
    return {"objects": [answers.show(r) for r in known if wanted in (None, dump.kind_name(r))]}


async def _links(box: Box, _fields: Fields) -> Any:
    """The pages that were opened for payers and users, and whether they can still be used."""
    now = box.clock()
    return {"links": [_page(each, now) for each in box.truth.links.all()]}


def _page(link: Link, now: datetime) -> dict[str, Any]:
    return {**link._asdict(), "expires": link.expires.isoformat(), "over": link.expires <= now}


async def _time(box: Box, _fields: Fields) -> Any:
    return {"now": box.clock().isoformat(), "frozen": box.clock.frozen}


async def _deliveries(box: Box, _fields: Fields) -> Any:
    return {"deliveries": [{**s._asdict(), "at": s.at.isoformat()} for s in box.sender.log]}


async def _planted(box: Box, _fields: Fields) -> Any:
    return {"planted": [each.shown() for each in box.planted], "plants": sorted(PLANTS)}


async def _advance(box: Box, fields: Fields) -> Any:
    """One step on for `id`; `succeeded` (true, false) decides how it ends."""
    record = _record(box, fields["id"])
    advance(box.truth, record, box.clock(), succeeded=fields.get("succeeded"))
    box.send_news()
    return dump.kind_and_id(record)


async def _pay(box: Box, fields: Fields) -> Any:
    """Pay the newest charge of the order `id` now."""
    order = box.truth.get(Order, fields["id"])
    if not order.charges:
        raise missing("charge", "of " + order.id)
    advance(box.truth, order.charges[-1], box.clock())
    box.send_news()
    return {"status": order.status}


async def _finish(box: Box, fields: Fields) -> Any:
    """Bring `id` to its end: approved, paid, received; or declined when `succeeded` is false."""
    record = _record(box, fields["id"])
    finish(box.truth, record, box.clock(), succeeded=fields.get("succeeded", True) is True)
    box.send_news()
    return {"status": answers.show(record).get("status")}


async def _step(box: Box, fields: Fields) -> Any:
    """Let `seconds` pass at once: whatever is due by then happens, each at its own time."""
    box.tick(box.clock.step(float(fields["seconds"])))
    box.sender.wake()
    return await _time(box, fields)


async def _cast(box: Box, fields: Fields) -> Any:
    """Make the document's people for `app`."""
    return play_cast(box.truth, fields["app"], box.clock())


async def _return(box: Box, fields: Fields) -> Any:
    """Send a confirmed withdrawal back to created (facts §6)."""
    withdrawal = box.truth.get(Withdrawal, fields["id"])
    if withdrawal.status != "processing":
        raise Refusal(400, f"提现状态为 {withdrawal.status}，不能退回", param="id")
    return_withdrawal(box.truth, withdrawal)
    return {"status": withdrawal.status}


async def _settle(box: Box, _fields: Fields) -> Any:
    settle(box.truth, box.clock())
    box.send_news()
    return {}


async def _flush(box: Box, fields: Fields) -> Any:
    """Send everything that waits; answers whether nothing is left."""
    done = await box.sender.flush(float(fields.get("seconds", FLUSH_SECONDS)))
    return {"done": done, "waiting": box.sender.waiting}


async def _faults(box: Box, fields: Fields) -> Any:
    """`quiet` first, then `rates` by name, then `next`: [{fault, match, times}]."""
    if fields.get("quiet"):
        box.faults.quiet()
    box.faults.set_rates(fields.get("rates", {}))
    for demand in fields.get("next", []):
        box.faults.demand(**demand)
    return {"rates": box.faults.rates, "next": len(box.faults.demands)}


async def _plant(box: Box, fields: Fields) -> Any:
    planted = plant(box.truth, fields["name"], fields["app"], box.clock())
    box.planted.append(planted)
    box.send_news()
    return planted.shown()


async def _webhook(box: Box, fields: Fields) -> Any:
    url = str(fields["url"])
    if url and not url.startswith(("http://", "https://")):
        raise Refusal(400, "url 应以 http:// 或 https:// 开头", param="url")
    box.sender.url = url
    return {"url": box.sender.url}


async def _event(box: Box, fields: Fields) -> Any:
    """Send an event of any type with any object: for what Ping++ does not document."""
    box.truth.news.append(News(fields["type"], fields["object"], box.clock()))
    box.send_news()
    return {"events": len(box.press.events)}


async def _put(box: Box, fields: Fields) -> Any:
    """Keep `object`, of a kind that the sandbox does not make; send `event` about it, if any."""
    kind, object_id = put(box, fields["object"])
    if fields.get("event"):
        await _event(box, {"type": fields["event"], "object": fields["object"]})
    return {"kind": kind, "id": object_id}


async def _manners(box: Box, fields: Fields) -> Any:
    """Change which of the contradicting paths answer, and whether deposits and events are."""
    for name in ("refund_paths", "allocation_refund_paths"):
        if name in fields:
            setattr(box.manners, name, tuple(fields[name]))
    for name in ("shows_deposits", "lists_events"):
        if name in fields:
            setattr(box.manners, name, fields[name] is True)
    return asdict(box.manners)


def _record(box: Box, object_id: str) -> Record:
    record = box.truth.records.get(object_id)
    if record is None:
        raise missing("object", object_id)
    return record


ASKS: tuple[tuple[str, Verb], ...] = (
    ("truth", _truth),
    ("stats", _stats),
    ("objects", _objects),
    ("links", _links),
    ("time", _time),
    ("deliveries", _deliveries),
    ("planted", _planted),
)

DOES: tuple[tuple[str, Verb], ...] = (
    ("advance", _advance),
    ("pay", _pay),
    ("finish", _finish),
    ("step", _step),
    ("cast", _cast),
    ("return", _return),
    ("settle", _settle),
    ("flush", _flush),
    ("faults", _faults),
    ("plant", _plant),
    ("webhook", _webhook),
    ("event", _event),
    ("put", _put),
    ("manners", _manners),
)
