"""How is it said, in Chinese and in English?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from service.ledger.people import Cause
from service.work.people.causes import Line, sentence

_ZH: Mapping[str, str] = {
    "critical": "严重",
    "warning": "警告",
    "info": "提示",
    "opened": "新增",
    "reopened": "豁免到期，重新打开",
    "escalated": "升级：无人确认",
    "reminded": "仍未处理",
    "settled": "已恢复",
    "waived": "已豁免",
    "standing": "当前未平",
    "alerts": "当前告警",
    "news": "对账提醒",
    "own": "运行提醒",
    "reminder": "待处理提醒",
    "escalation": "升级提醒",
    "digest": "每日摘要",
    "test": "测试消息",
}
_EN: Mapping[str, str] = {
    "critical": "CRITICAL",
    "warning": "WARNING",
    "info": "INFO",
    "opened": "Opened",
    "reopened": "Open again, the waiver is over",
    "escalated": "Escalated: nobody has acknowledged",
    "reminded": "Still open",
    "settled": "Settled",
    "waived": "Waived",
    "standing": "Open now",
    "alerts": "Alerts now",
    "news": "reconciliation",
    "own": "operations",
    "reminder": "reminder",
    "escalation": "escalation",
    "digest": "daily digest",
    "test": "test",
}


@dataclass(frozen=True, slots=True)
class Section:
    """Lines under one heading: the words above name it."""

    name: str
    lines: Sequence[Line]


def word(name: str, language: str) -> str:
    """One fixed word."""
    return (_ZH if language == "zh" else _EN)[name]


def money(amounts: Mapping[str, int], language: str) -> str:
    """Sums as people read them; only of cny is the number of decimals known."""
    shown: list[str] = []
    for currency, amount in sorted(amounts.items()):
        if currency == "cny":
            shown.append(f"¥{amount // 100:,}.{amount % 100:02d}")
        else:
            unit = "最小单位" if language == "zh" else "minor units"
            shown.append(f"{amount:,} {currency.upper()} ({unit})")
    return "、".join(shown) if language == "zh" else ", ".join(shown)


def heading(what: str, sections: Sequence[Section], language: str) -> str:
    """The title: of what kind (of the money, or of our own running), and how much is in it."""
    joint, colon = ("，", "：") if language == "zh" else (", ", ": ")
    parts = [
        f"{word(one.name, language)} {sum(line.count for line in one.lines):,}" for one in sections
    ]
    lines = [line for one in sections for line in one.lines]
    is_own = what == "news" and all(line.cause.source != "mismatch" for line in lines)
    name = f"[pingledger] {word('own' if is_own else what, language)}"
    return f"{name}{colon}{joint.join(parts)}" if parts else name


def shown(line: Line, name: str, language: str, link: str, *, terse: bool = False) -> str:
    """One line of a section."""
    chinese = language == "zh"
    who = line.cause.account
    if line.accounts > 1:
        who = f"{line.accounts} 个账户" if chinese else f"{line.accounts} accounts"
    head = f"[{word(line.severity, language)}] " + " · ".join(filter(None, (who, line.cause.code)))
    if terse:
        return f"{head} × {line.count:,}"
    parts = [f"{head}: {sentence(line.cause, language)}"]
    if figures := _figures(line, name, language):
        parts.append(f"  {figures}")
    if link and line.cause.source == "mismatch":
        parts.append(f"  {_link(line, name, link)}")
    return "\n".join(parts)


def _figures(line: Line, name: str, language: str) -> str:
    chinese = language == "zh"
    found: list[str] = []
    if line.cause.source == "mismatch" or line.count > 1:
        cases = "case" if line.count == 1 else "cases"
        found.append(f"{line.count:,} 笔" if chinese else f"{line.count:,} {cases}")
    if line.money:
        amount = money(line.money, language)
        found.append(f"涉及 {amount}" if chinese else f"at stake {amount}")
    if line.total > line.count or (name in ("settled", "waived") and line.total):
        found.append(f"未平共 {line.total:,}" if chinese else f"{line.total:,} open in all")
    if line.example:
        plural = line.count > 1
        lead = ("例 " if chinese else "e.g. ") if plural else ""
        found.append(f"{lead}{line.example}")
    return ("，" if chinese else ", ").join(found)


def _link(line: Line, name: str, link: str) -> str:
    """To the one, or to the list: what has settled is not among those that stand."""
    if line.number is not None:
        return f"{link}/mismatches/{line.number}"
    return listed(link, line.cause, name if name in ("settled", "waived") else "")


def listed(link: str, cause: Cause, state: str = "") -> str:
    """Where the console lists the mismatches of a cause; without a state, those that stand."""
    asked = {"rule": cause.code, "account": cause.account, "state": state}
    return f"{link}/mismatches?{urlencode({key: value for key, value in asked.items() if value})}"
