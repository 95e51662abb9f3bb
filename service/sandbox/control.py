"""How the sandbox itself is driven by programs, under /sandbox: GET to look, POST to do."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from service.sandbox.box import Box
from service.sandbox.refusal import Refusal
from service.sandbox.verbs import ASKS, DOES, Fields, Verb

BODY_BYTES = 1 << 20


def routes(box: Box) -> list[Route]:
    """Bodies and answers are JSON; what is looked for may be said in the query."""
    asks = [Route(f"/sandbox/{name}", _route(box, verb), methods=["GET"]) for name, verb in ASKS]
    does = [Route(f"/sandbox/{name}", _route(box, verb), methods=["POST"]) for name, verb in DOES]
    return asks + does


def _route(box: Box, verb: Verb) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return JSONResponse(await verb(box, await _fields(request)))
        except Refusal as refusal:
            return JSONResponse(refusal.shown, refusal.status)
        except KeyError as error:
            return JSONResponse({"error": {"message": f"missing: {error}"}}, 400)
        except (AttributeError, OverflowError, TypeError, ValueError) as error:
            return JSONResponse({"error": {"message": f"not understood: {error}"}}, 400)

    return answer


async def _fields(request: Request) -> Fields:
    body = await request.body()
    if len(body) > BODY_BYTES:
        raise Refusal(413, "请求过大")
    fields: Any = json.loads(body) if body else {}
    if not isinstance(fields, dict):
        raise Refusal(400, "请求应为 JSON 对象")
    return {**request.query_params, **cast("Fields", fields)}
