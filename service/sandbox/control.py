"""What may be asked of the sandbox itself, under /sandbox: look, push on, break, plant."""

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from service.sandbox import dump
from service.sandbox.box import Box
from service.sandbox.plants import PLANTS, plant
from service.sandbox.progress import advance, settle
from service.sandbox.records import Order, Record, Withdrawal
from service.sandbox.refusal import Refusal, missing
from service.sandbox.truth import News
from service.sandbox.withdrawing import return_withdrawal

Fields = dict[str, Any]
Verb = Callable[[Box, Fields], Awaitable[Any]]

FLUSH_SECONDS = 30.0


def routes(box: Box) -> list[Route]:
    """GET for what is known, POST for what to do; bodies and answers are JSON."""
    asks = [Route(f"/sandbox/{name}", _route(box, verb), methods=["GET"]) for name, verb in _ASKS]
    does = [Route(f"/sandbox/{name}", _route(box, verb), methods=["POST"]) for name, verb in _DOES]
    return asks + does


def _route(box: Box, verb: Verb) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            body = await request.body()
            fields = cast("Fields", json.loads(body)) if body else {}
            return JSONResponse(await verb(box, fields))
        except Refusal as refusal:
            return JSONResponse(refusal.shown, refusal.status)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            return JSONResponse({"error": {"message": f"not understood: {error}"}}, 400)

    return answer


async def _truth(box: Box, _fields: Fields) -> Any:
    return {"objects": dump.objects(box.truth)}


async def _stats(box: Box, _fields: Fields) -> Any:
    kinds = Counter(dump.kind_and_id(record)[0] for record in box.truth.records.values())
    return {
        "objects": dict(kinds),
        "events": len(box.press.events),
        "sends": dict(box.sender.counts),
        "waiting": box.sender.waiting,
        "faults": dict(box.faults.struck),
        "planted": len(box.planted),
    }


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


async def _return(box: Box, fields: Fields) -> Any:
    """Send a confirmed withdrawal back to created (facts §6)."""
    withdrawal = box.truth.get(Withdrawal, fields["id"])
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
    box.sender.url = str(fields["url"])
    return {"url": box.sender.url}


async def _event(box: Box, fields: Fields) -> Any:
    """Send an event of any type with any object: for what Ping++ does not document."""
    box.truth.news.append(News(fields["type"], fields["object"], box.clock()))
    box.send_news()
    return {"events": len(box.press.events)}


async def _manners(box: Box, fields: Fields) -> Any:
    """Change which of the contradicting paths answer."""
    for name in ("refund_paths", "allocation_refund_paths"):
        if name in fields:
            setattr(box.manners, name, tuple(fields[name]))
    return {"refund_paths": box.manners.refund_paths}


def _record(box: Box, object_id: str) -> Record:
    record = box.truth.records.get(object_id)
    if record is None:
        raise missing("object", object_id)
    return record


_ASKS: tuple[tuple[str, Verb], ...] = (
    ("truth", _truth),
    ("stats", _stats),
    ("deliveries", _deliveries),
    ("planted", _planted),
)

_DOES: tuple[tuple[str, Verb], ...] = (
    ("advance", _advance),
    ("pay", _pay),
    ("return", _return),
    ("settle", _settle),
    ("flush", _flush),
    ("faults", _faults),
    ("plant", _plant),
    ("webhook", _webhook),
    ("event", _event),
    ("manners", _manners),
)
