"""What stands around every operation: key, signature, faults, error shape, signed answer."""

import asyncio
import base64
import binascii
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from email.utils import format_datetime
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response

from service.pingpp.endpoints.check import Given, Problem, meant, problems
from service.pingpp.endpoints.operation import Operation
from service.pingpp.endpoints.request import read_query
from service.sandbox.api import HANDLERS
from service.sandbox.asked import Asked
from service.sandbox.box import Box
from service.sandbox.records import user_key
from service.sandbox.refusal import Refusal
from service.sandbox.wire import Shown, encode

BODY_BYTES = 1 << 20
SLOW_SECONDS = 60.0

# As the Python SDK spells what it is given as True and False.
_FLAGS: Mapping[str, str] = {"True": "true", "False": "false"}

_WRONG: Mapping[str, str] = {
    "missing": "缺少参数",
    "unknown": "没有这个参数",
    "type": "参数格式错误",
    "length": "参数长度错误",
    "range": "参数超出范围",
    "word": "参数取值错误",
    "pairs": "参数过多",
}
RETRY_AFTER_SECONDS = 2

_GATEWAY_PAGE = "<html><head><title>502 Bad Gateway</title></head><body><h1>502</h1></body></html>"


def endpoint(box: Box, rows: Sequence[Operation]) -> Callable[[Request], Awaitable[Response]]:
    """The operations of one method and path: every answer is signed and dated, errors too.

    (Facts 4.3.) Which of them is meant, and whether it is allowed, their rows say.
    """

    async def answer(request: Request) -> Response:
        fault = box.faults.of_answer(f"{request.method} {request.url.path}")
        if fault == "slow":
            await asyncio.sleep(box.truth.pace.seconds(SLOW_SECONDS).total_seconds())
        try:
            shown, status = await _operate(box, rows, request), 200
        except Refusal as refusal:
            return signed(box, encode(refusal.shown), refusal.status)
        box.send_news()
        return _spoilt(box, fault, shown) or signed(box, encode(shown), status)

    return answer


def not_here(box: Box) -> Response:
    """A path that no operation has."""
    return signed(box, encode(Refusal(404, "请求的地址不存在").shown), 404)


def signed(box: Box, body: bytes, status: int, **headers: str) -> Response:
    """An answer with its signature over the body and the sandbox's own date."""
    return Response(
        body,
        status,
        {
            "X-Pingplusplus-Signature": box.sign(body),
            "Date": format_datetime(box.clock(), usegmt=True),
            **headers,
        },
        "application/json;charset=UTF-8",
    )


async def _operate(box: Box, rows: Sequence[Operation], request: Request) -> Shown:
    body = await request.body()
    if len(body) > BODY_BYTES:
        raise Refusal(413, "请求过大")
    _check_key(box, request.headers.get("authorization", ""))
    _check_signature(box, request, body)
    fields = _fields(body)
    query = {name: _FLAGS.get(value, value) for name, value in request.query_params.items()}
    given = Given(request.path_params, read_query(query.items()), fields)
    row = meant(rows, given)
    if wrong := problems(row, given):
        raise _refused(wrong[0])
    asked = Asked(request.url.path, request.path_params, query, fields, box.clock())
    shown = HANDLERS[row.name](box, asked)
    box.called[row.name] += 1
    return shown


def _refused(problem: Problem) -> Refusal:
    """What is wrong with a request, its parameter spelt as the document spells it: extra[url]."""
    first, *steps = problem.param.split(".")
    name = first + "".join(f"[{step}]" for step in steps)
    return Refusal(400, f"{_WRONG[problem.reason]}：{name} ({problem.text})", param=name)


def _check_key(box: Box, header: str) -> None:
    """Basic with the key as the user, or Bearer (facts 4.1)."""
    scheme, _, given = header.partition(" ")
    if scheme.lower() == "basic":
        given = _user(given)
    elif scheme.lower() != "bearer":
        given = ""
    if given not in box.api_keys:
        raise Refusal(401, "请提供有效的 API Key", code="invalid_api_key")


def _user(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _check_signature(box: Box, request: Request, body: bytes) -> None:
    """Body, request target and timestamp, joined as they were sent (facts 4.2)."""
    if box.check_request is None:
        return
    signature = request.headers.get("pingplusplus-signature", "")
    stamp = request.headers.get("pingplusplus-request-timestamp", "")
    if not signature:
        raise Refusal(401, "没有提供签名串", code="signature_missing")
    query = request.scope["query_string"]
    target = request.scope["raw_path"] + (b"?" + query if query else b"")
    try:
        box.check_request(body, target.decode("ascii"), stamp, signature)
    except ValueError as error:
        raise Refusal(401, "提供了无效的签名", code="signature_invalid") from error


def _fields(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        fields: object = json.loads(body)
    except ValueError as error:
        raise Refusal(400, "请求不是有效的 JSON") from error
    if not isinstance(fields, dict):
        raise Refusal(400, "请求应为 JSON 对象")
    return cast("dict[str, Any]", fields)


def _spoilt(box: Box, fault: str | None, shown: Shown) -> Response | None:
    """The answer as a fault makes it; None when it stays as it is."""
    match fault:
        case "forbidden":
            busy = Refusal(403, "请求过于频繁，请稍后再试", type="api_error", code="rate_limit")
            return signed(box, encode(busy.shown), 403)
        case "limited":
            busy = Refusal(429, "请求过于频繁，请稍后再试", type="api_error", code="rate_limit")
            wait = {"Retry-After": str(RETRY_AFTER_SECONDS)}
            return signed(box, encode(busy.shown), 429, **wait)
        case "crash":
            status = box.truth.chance.choice((500, 502, 503, 504))
            return signed(
                box, encode(Refusal(status, "服务器错误", type="api_error").shown), status
            )
        case "html":
            return Response(_GATEWAY_PAGE, 200, media_type="text/html")
        case "malformed":
            body = encode(shown)
            return signed(box, body[: len(body) * 2 // 3], 200)
        case "stale" | "wrong":
            return _other(box, fault, shown)
        case _:
            return None


def _other(box: Box, fault: str, shown: Shown) -> Response | None:
    """The object as it was before, or another object; a list has neither."""
    if "id" not in shown or "object" not in shown:
        return None
    if fault == "stale":
        other = box.truth.earlier.get(_key(shown))
    else:
        same = [box.truth.earlier[i] for i in list(box.truth.earlier)[-50:] if i != _key(shown)]
        other = box.truth.chance.choice(same) if same else None
    return None if other is None else signed(box, encode(other), 200)


def _key(shown: Shown) -> str:
    return user_key(shown["app"], shown["id"]) if shown["object"] == "user" else shown["id"]
