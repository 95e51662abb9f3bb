"""Write docs/api.md and docs/api.zh-CN.md from the table of operations.

.venv/bin/python -m scripts.api_docs
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from service.core.kinds import KINDS
from service.pingpp.endpoints import OPERATIONS
from service.pingpp.endpoints.operation import Need, Operation, Param

DOCS = Path(__file__).parents[1] / "docs"
FILES = {"en": DOCS / "api.md", "zh": DOCS / "api.zh-CN.md"}

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "head": "# The operations of the Ping++ API\n\n[中文](api.zh-CN.md)\n\n"
        "Made from the table in `service/pingpp/endpoints` by `scripts/api_docs.py`; do not edit.\n"
        "Lines are those of the provider's document; what has none comes from its SDKs and older\n"
        "documents.\n\n"
        "`pingledger api OPERATION KEY=VALUE…` calls any of them. *Money*: it asks first.\n"
        "*Again*: whether it may be sent a second time when no answer came.\n",
        "columns": "| operation | request | line | answers | money | again |",
        "params": "| parameter | in | needed | takes | limits | line |",
        "yes": "yes",
        "no": "no",
        "sometimes": "when {} is {}",
        "path": "path",
        "query": "query",
        "body": "body",
        "list": "list of {}",
        "line": "Line {}.",
        "no_line": "Not in the document.",
        "answers": "Answers",
        "A": "pages by `starting_after`",
        "B": "pages by `page`",
        "stop": ". ",
        "money": "**Moves money.**",
        "page": "The page in its answer can be used for {} minutes.",
        "again_yes": "May be sent again: {}.",
        "again_no": "Must not be sent again without looking: {}.",
        "one_of": "one of {}",
        "fixed": "always `{}`",
        "instead": "or `{}`",
        "length": "{} to {}",
        "most": "at most {}",
        "followed": "Followed:",
        "notified": "notifications",
        "asked": "asked for by {} until it is final",
        "inside": "shown by every look at its {}",
        "listed": "found in lists",
        "unfollowed": "The daemon does not follow it: it is no object with a state.",
    },
    "zh": {
        "head": "# Ping++ API 的全部接口\n\n[English](api.md)\n\n"
        "由 `scripts/api_docs.py` 根据 `service/pingpp/endpoints` 中的表生成，请勿手工修改。\n"
        "行号为 Ping++ 文档的行号；没有行号的来自其 SDK 与早期文档。\n\n"
        "`pingledger api 接口 KEY=VALUE…` 可以调用其中任何一个。\n"
        "“资金”：调用前先询问。“重发”：没有收到结果时可否再发一次。\n",
        "columns": "| 接口 | 请求 | 行 | 返回 | 资金 | 重发 |",
        "params": "| 参数 | 位置 | 必填 | 类型 | 限制 | 行 |",
        "yes": "是",
        "no": "否",
        "sometimes": "当 {} 为 {} 时",
        "path": "路径",
        "query": "查询串",
        "body": "请求体",
        "list": "{} 列表",
        "line": "第 {} 行。",
        "no_line": "文档中没有。",
        "answers": "返回",
        "A": "用 `starting_after` 翻页",
        "B": "用 `page` 翻页",
        "stop": "。",
        "money": "**涉及资金。**",
        "page": "返回的页面地址按 {} 分钟有效处理。",
        "again_yes": "可以重发：{}。",
        "again_no": "未核实不得重发：{}。",
        "one_of": "取值 {}",
        "fixed": "固定为 `{}`",
        "instead": "或用 `{}`",
        "length": "{} 至 {}",
        "most": "不超过 {}",
        "followed": "跟踪方式：",
        "notified": "通知",
        "asked": "通过 {} 查询直到终态",
        "inside": "每次查询其 {} 时一并得到",
        "listed": "从列表中发现",
        "unfollowed": "守护进程不跟踪：它不是有状态的对象。",
    },
}

TAKES_ZH = {
    "id": "id",
    "word": "字母、数字、下划线",
    "text": "文本",
    "base64": "base64",
    "amount": "金额（分）",
    "amount or digits": "金额（分），或其数字文本",
    "whole number": "整数",
    "Unix seconds": "Unix 秒",
    "true or false": "true 或 false",
    "IP address": "IP 地址",
    "id or object": "id 或对象",
    "object": "对象",
    "metadata": "元数据",
    "list of words": "文本列表",
}


def document(language: str) -> str:
    """The whole file in one language."""
    words = WORDS[language]
    parts = [words["head"], *_overview(language)]
    for row in OPERATIONS.values():
        parts += ["", *_section(row, language)]
    return "\n".join(parts) + "\n"


def _overview(language: str) -> Iterator[str]:
    words = WORDS[language]
    yield words["columns"]
    yield "|---|---|---|---|---|---|"
    for row in OPERATIONS.values():
        money = words["yes"] if row.moves_money else ""
        again = words["yes"] if row.repeat.allowed else words["no"]
        link, request = f"[{row.name}](#{_anchor(row)})", f"`{row.method} {row.path}`"
        cells = (link, request, str(row.line or ""), _answers(row, language), money, again)
        yield "| " + " | ".join(cells) + " |"


def _anchor(row: Operation) -> str:
    return row.name.replace(".", "")


def _answers(row: Operation, language: str) -> str:
    name = f"`{row.answers}`"
    return WORDS[language]["list"].format(name) if row.paging else name


def _section(row: Operation, language: str) -> Iterator[str]:
    words = WORDS[language]
    title = row.title.en if language == "en" else row.title.zh
    yield f"## {row.name}\n"
    yield f"{title}{words['stop']}" + (
        words["line"].format(row.line) if row.line else words["no_line"]
    )
    yield ""
    yield from (f"    {row.method} {path}" for path in row.paths)
    yield ""
    paging = f" ({words[row.paging]})" if row.paging else ""
    answer = f"{words['answers']} {_answers(row, language)}{paging}"
    yield f"{answer}{words['stop']}{_followed(row, language)}"
    why = row.repeat.en if language == "en" else row.repeat.zh
    again = words["again_yes" if row.repeat.allowed else "again_no"].format(why)
    yield f"{words['money']} {again}" if row.moves_money else again
    if row.page_seconds:
        yield words["page"].format(row.page_seconds // 60)
    if row.params:
        yield f"\n{words['params']}\n|---|---|---|---|---|---|"
        yield from (_param(param, language) for param in row.params)


def _param(param: Param, language: str) -> str:
    words = WORDS[language]
    takes = param.takes.value if language == "en" else TAKES_ZH[param.takes.value]
    needed = words["yes"] if param.need is Need.YES else words["no"]
    if param.when is not None:
        needed = words["sometimes"].format(*(f"`{word}`" for word in param.when))
    limits = ", ".join(_limits(param, language))
    place, line = words[param.place.value], str(param.line or "")
    return f"| `{param.name}` | {place} | {needed} | {takes} | {limits} | {line} |"


def _limits(param: Param, language: str) -> Iterable[str]:
    words = WORDS[language]
    if param.fixed:
        yield words["fixed"].format(param.fixed)
    elif param.words:
        yield words["one_of"].format(", ".join(f"`{word}`" for word in param.words))
    if param.most is not None:
        span = words["length"].format(param.least, param.most)
        yield span if param.least > 1 else words["most"].format(param.most)
    if param.instead:
        yield words["instead"].format(param.instead)


def _followed(row: Operation, language: str) -> str:
    """How the daemon learns what becomes of the object."""
    words = WORDS[language]
    kind = KINDS.get(row.answers)
    if kind is None:
        return words["unfollowed"]
    ways = [words["notified"]] if kind.notified else []
    if kind.paths:
        ways.append(words["asked"].format(f"`GET {kind.paths[0]}`"))
    if kind.follows:
        ways.append(words["inside"].format(f"`{kind.follows.removesuffix('_id')}`"))
    if kind.lists:
        ways.append(words["listed"])
    mark = "; " if language == "en" else "；"
    return f"{words['followed']} {mark.join(ways)}{words['stop'].strip()}"


if __name__ == "__main__":
    for name, path in FILES.items():
        path.write_text(document(name), encoding="utf-8")
