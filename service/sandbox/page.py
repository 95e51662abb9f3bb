"""How the sandbox is driven by hand: a page of forms, Chinese first, over the same verbs."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from service.sandbox import answers, dump
from service.sandbox.box import Box
from service.sandbox.faults import ANSWER_FAULTS, EVENT_FAULTS
from service.sandbox.html import box as field
from service.sandbox.html import choice, escape, form, link, page, shown, table
from service.sandbox.plants import PLANTS
from service.sandbox.records import Order, Record, Withdrawal, key_of
from service.sandbox.refusal import Refusal
from service.sandbox.verbs import DOES, Fields

BODY_BYTES = 1 << 16
ROWS = 200
TRIES = 50

_SAME_SITE = ("", "same-origin", "none")
Answer = Callable[[Request], Awaitable[Response]]


def routes(box: Box) -> list[Route]:
    """The start, a kind's objects, one object, and what the forms do."""
    return [
        Route("/sandbox/", _start(box), methods=["GET"]),
        Route("/sandbox/kind/{kind}", _kind(box), methods=["GET"]),
        Route("/sandbox/object", _object(box), methods=["GET"]),
        Route("/sandbox/tries", _tries(box), methods=["GET"]),
        Route("/sandbox/do/{verb}", _do(box), methods=["POST"]),
    ]


def _start(box: Box) -> Answer:
    async def answer(request: Request) -> Response:
        kinds = Counter(dump.kind_name(record) for record in box.truth.records.values())
        rows = [(link(f"/sandbox/kind/{kind}", kind), str(n)) for kind, n in kinds.items()]
        parts = [
            _said(request),
            _time(box),
            "<h2>对象 / Objects</h2>",
            table(("种类 / kind", "数量 / count"), rows),
            "<h2>推进 / Push on</h2>",
            form("settle", "全部了结 / settle everything", {}),
            form("flush", "立即发送通知 / send what waits", {}, field("seconds", "", "5")),
            form("cast", "建示例用户 / make the cast", {}, field("app", "app")),
            "<h2>差错 / Faults</h2>",
            _faults(box),
            "<h2>通知 / Notifications</h2>",
            _sending(box),
        ]
        return page("沙箱 / Sandbox", parts)

    return answer


def _time(box: Box) -> str:
    stands = "（静止 / frozen）" if box.clock.frozen else ""
    return f"<p>{box.clock():%Y-%m-%d %H:%M:%S} UTC{stands}</p>" + form(
        "step", "拨快 / step", {}, field("seconds", "秒 / seconds", "60")
    )


def _faults(box: Box) -> str:
    rates = ", ".join(f"{name}={rate:g}" for name, rate in box.faults.rates.items()) or "—"
    names = (*EVENT_FAULTS, *ANSWER_FAULTS)
    return "".join(
        (
            f"<p>{escape(rates)}</p>",
            form(
                "faults",
                "设置比率 / set the rate",
                {},
                choice("fault", "", names),
                field("rate", "0–1", "0.1"),
            ),
            form(
                "faults",
                "下一次发生 / strike next",
                {},
                choice("next", "", names),
                field("match", "匹配 / match"),
            ),
            form("faults", "全部关闭 / all off", {"quiet": "true"}),
            form(
                "plant",
                "种下差错 / plant",
                {},
                choice("name", "", sorted(PLANTS)),
                field("app", "app"),
            ),
        )
    )


def _sending(box: Box) -> str:
    counts = ", ".join(f"{name} {n}" for name, n in box.sender.counts.items()) or "—"
    tries = link("/sandbox/tries", "每次尝试 / every try")
    said = f"<p>{escape(counts)} · 等待 / waiting {box.sender.waiting} · {tries}</p>"
    return said + form(
        "webhook", "设置地址 / set the address", {}, field("url", "URL", box.sender.url)
    )


def _kind(box: Box) -> Answer:
    async def answer(request: Request) -> Response:
        kind = request.path_params["kind"]
        found = [r for r in box.truth.records.values() if dump.kind_name(r) == kind]
        rows = [_row(record) for record in found[: -ROWS - 1 : -1]]
        more = f"<p>{len(rows)} / {len(found)}</p>"
        heads = ("id", "状态 / status", "金额（分）/ amount (fen)", "")
        return page(kind, [_said(request), more, table(heads, rows)])

    return answer


def _row(record: Record) -> tuple[str, str, str, str]:
    one = answers.show(record)
    address = f"/sandbox/object?id={quote(key_of(record), safe='')}"
    words = (str(one.get("status", "")), str(one.get("amount", "")))
    return link(address, record.id), escape(words[0]), escape(words[1]), _buttons(record)


def _buttons(record: Record) -> str:
    """What can be done to one object."""
    this = {"id": key_of(record)}
    buttons = [
        form("finish", "通过 / approve", {**this, "succeeded": "true"}),
        form("finish", "拒绝 / decline", {**this, "succeeded": "false"}),
        form("advance", "一步 / one step", this),
    ]
    if isinstance(record, Order):
        buttons = [form("pay", "付款 / pay", this)]
    if isinstance(record, Withdrawal):
        buttons.append(form("return", "退回 / return", this))
    return "".join(buttons)


def _object(box: Box) -> Answer:
    async def answer(request: Request) -> Response:
        key = request.query_params.get("id", "")
        record = box.truth.records.get(key)
        if record is None:
            return page("没有这个对象 / no such object", [escape(key)], status=404)
        kind = dump.kind_name(record)
        parts = [
            _said(request),
            f"<p>{link(f'/sandbox/kind/{kind}', kind)}</p>",
            _buttons(record),
            shown(answers.show(record)),
        ]
        return page(record.id, parts)

    return answer


def _tries(box: Box) -> Answer:
    async def answer(_request: Request) -> Response:
        newest = list(box.sender.log)[: -TRIES - 1 : -1]
        rows = [
            (
                f"{sent.at:%H:%M:%S}",
                escape(sent.type),
                escape(sent.object_id),
                escape(sent.fault or "—"),
                str(sent.attempt),
                str(sent.status or "—"),
            )
            for sent in newest
        ]
        heads = ("时间", "type", "object", "差错 / fault", "第几次 / try", "HTTP")
        return page("通知的每次尝试 / Every try to notify", [table(heads, rows)])

    return answer


def _do(box: Box) -> Answer:
    verbs = dict(DOES)

    async def answer(request: Request) -> Response:
        if request.headers.get("sec-fetch-site", "") not in _SAME_SITE:
            return page("只接受本页的表单 / only this page's forms", [], status=403)
        verb = verbs.get(request.path_params["verb"])
        if verb is None:
            return page("没有这个动作 / no such verb", [], status=404)
        try:
            done = await verb(box, _read(await request.body()))
        except Refusal as refusal:
            return page("未能执行 / not done", [shown(refusal.shown)], status=refusal.status)
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            return page("未能执行 / not done", [escape(repr(error))], status=400)
        return RedirectResponse(_back(request, done), 303)

    return answer


def _read(body: bytes) -> Fields:
    """A form's words as the verb's fields; empty ones are left out."""
    if len(body) > BODY_BYTES:
        raise Refusal(413, "请求过大")
    words = dict(parse_qsl(body.decode()))
    return _fault_fields(words) if words.keys() & {"fault", "next", "quiet"} else _typed(words)


def _typed(words: Mapping[str, str]) -> Fields:
    truths = {"true": True, "false": False}
    return {name: truths.get(value, value) for name, value in words.items()}


def _fault_fields(words: Mapping[str, str]) -> Fields:
    if "fault" in words:
        return {"rates": {words["fault"]: float(words.get("rate", "0"))}}
    if "next" in words:
        return {"next": [{"fault": words["next"], "match": words.get("match", "")}]}
    return {"quiet": True}


def _back(request: Request, done: Any) -> str:
    """Where the form came from, if that is a page of ours, and what was done."""
    came = request.headers.get("referer", "")
    path = came.partition(f"//{request.url.netloc}")[2].partition("&done=")[0]
    path = path.partition("?done=")[0] or "/sandbox/"
    place = path if path.startswith("/sandbox/") else "/sandbox/"
    return f"{place}{'&' if '?' in place else '?'}done={quote(str(done)[:200])}"


def _said(request: Request) -> str:
    done = request.query_params.get("done")
    return f'<p class="said">{escape(done)}</p>' if done else ""
