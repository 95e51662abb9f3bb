"""What a finance person is told at the end, Chinese first, then English."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from service.cli.demo.evening import Evening
from service.cli.demo.figures import Figures, yuan
from service.cli.demo.judge import Difference, Verdict

_SHOWN_LIMIT = 10
_KINDS_A_LINE = 5
_RULES_A_LINE = 4


def as_json(figures: Figures, verdict: Verdict) -> dict[str, Any]:
    """The same for a program."""
    return {
        "equal": not verdict.differences,
        "good": verdict.good,
        "figures": asdict(figures),
        "objects_compared": verdict.objects,
        "kinds_compared": verdict.kinds,
        "differences": [each._asdict() for each in verdict.differences],
        "planted": verdict.planted,
        "found": verdict.found,
        "stray": verdict.stray,
        "untold": verdict.untold,
        "deceived": verdict.deceived,
        "unused": verdict.unused,
        "evening": _evening_as_json(verdict.evening),
    }


def _evening_as_json(evening: Evening | None) -> dict[str, Any] | None:
    if evening is None:
        return None
    return {
        "book_planted": evening.planted,
        "book_found": evening.found,
        "mismatches": evening.rules,
        "closed": {str(one.day): one.hash for one in evening.days},
        "derived": evening.derived,
        "checked": dict(evening.verified.checked),
        "wrong": evening.verified.wrong,
        "unverifiable": evening.verified.unverifiable,
    }


def show(console: Console, figures: Figures, verdict: Verdict) -> None:
    """Print the summary and, when something is wrong, what."""
    table = Table(title="对账演示结果 · What happened", show_header=False, min_width=72)
    for chinese, english, value in _rows(figures, verdict):
        table.add_row(chinese, english, value)
    table.columns[2].justify = "right"
    console.print(table)
    for line in _kinds(verdict):
        console.print(line, markup=False, highlight=False)
    for line in _rules(verdict.evening):
        console.print(line, markup=False, highlight=False)
    for line in troubles(verdict):
        console.print(line, markup=False, highlight=False)
    for line in _conclusion(verdict):
        style = "bold green" if verdict.good else "bold red"
        console.print(line, style=style, highlight=False, soft_wrap=True)


def _rows(figures: Figures, verdict: Verdict) -> list[tuple[str, str, str]]:
    found = f"{len(verdict.found)} / {len(verdict.planted)}"
    return [
        ("支付平台发生的事件", "Events at the provider", f"{figures.events:,}"),
        ("其中通知丢失", "… whose notification was lost", f"{figures.lost:,}"),
        ("收到的通知", "Notifications received", f"{figures.received:,}"),
        ("重复的通知（已去重）", "Repeats (counted once)", f"{figures.repeated:,}"),
        ("伪造的通知（已拒绝）", "Forged and refused", f"{figures.refused:,}"),
        ("伪造却被接受的通知", "Forged and taken in", f"{verdict.deceived:,}"),
        ("仅靠主动查询得知的对象", "Objects found only by asking", f"{figures.only_by_asking:,}"),
        ("对外发布的变更", "Changes published", f"{figures.changes:,}"),
        ("未用到的平台操作", "Operations not used", f"{len(verdict.unused):,}"),
        ("账本中的对象", "Objects in the ledger", f"{figures.objects:,}"),
        ("已收款（元）", "Money paid (CNY)", yuan(figures.paid)),
        ("已退款（元）", "Money refunded (CNY)", yuan(figures.refunded)),
        ("发现的差错 / 种下的差错", "Errors found of those planted", found),
        ("多报的差错", "Errors found but not planted", f"{len(verdict.stray):,}"),
        (
            "账本与平台不一致的对象",
            "Ledger objects that differ",
            f"{len(verdict.differences):,}",
        ),
        ("下游与平台不一致的对象", "Published objects that differ", f"{verdict.untold:,}"),
        *(_evening_rows(verdict.evening) if verdict.evening else ()),
    ]


def _evening_rows(evening: Evening) -> Iterator[tuple[str, str, str]]:
    found = len(set(evening.found) & set(evening.planted))
    yield (
        "商户台账：查出 / 种下的差异",
        "Book: differences found of those planted",
        f"{found} / {len(evening.planted)}",
    )
    for one in evening.days:
        kept = one.closing
        figure = f"{kept.day} · {kept.postings:,} · {one.hash[:12]}"
        yield "日结：日期 · 分录 · 散列", "Day closed: day · postings · hash", figure
    checked = f"{evening.verified.checked.total():,} / {evening.verified.wrong:,}"
    yield "核验：项目 / 有改动", "Verified: checked / changed", checked


def _kinds(verdict: Verdict) -> Iterable[str]:
    """How many of each kind were compared, and how many of them differ."""
    differ = Counter(each.kind for each in verdict.differences)
    told = [f"{kind} {n - differ[kind]}/{n}" for kind, n in sorted(verdict.kinds.items())]
    for start in range(0, len(told), _KINDS_A_LINE):
        yield "  " + " · ".join(told[start : start + _KINDS_A_LINE])


def _rules(evening: Evening | None) -> Iterable[str]:
    """The mismatches that stood when the day closed, by rule."""
    if evening is None or not evening.rules:
        return
    yield "日结时未了结的差异 / mismatches when the day closed:"
    told = [f"{rule} {count}" for rule, count in evening.rules.items()]
    for start in range(0, len(told), _RULES_A_LINE):
        yield "  " + " · ".join(told[start : start + _RULES_A_LINE])


def troubles(verdict: Verdict) -> Iterable[str]:
    """What is wrong, line by line."""
    if verdict.evening is not None:
        yield from _evening_troubles(verdict.evening)
    for missed in sorted(set(verdict.planted) - set(verdict.found)):
        yield f"  未发现 / not found: {missed}"
    for name in verdict.unused:
        yield f"  未用到 / not used: {name}"
    for stray in verdict.stray[:_SHOWN_LIMIT]:
        yield f"  多报 / not planted: {stray}"
    for difference in verdict.differences[:_SHOWN_LIMIT]:
        yield "  " + _difference(difference)


def _evening_troubles(evening: Evening) -> Iterable[str]:
    for missed in sorted(set(evening.planted) - set(evening.found)):
        yield f"  台账差异未查出 / not found in the book: {missed}"
    for stray in sorted(set(evening.found) - set(evening.planted))[:_SHOWN_LIMIT]:
        yield f"  台账多报 / not planted in the book: {stray}"
    for fault in evening.verified.named[:_SHOWN_LIMIT]:
        yield f"  核验 / verify: {fault.what} {fault.name}: {fault.problem}"
    if not evening.derived:
        yield "  日结不能由分录重新推导 / the closing does not follow from its postings"


def _difference(one: Difference) -> str:
    return f"不一致 / differs: {one.kind} {one.id}: ledger {one.ledger}, truth {one.truth}"


def _conclusion(verdict: Verdict) -> tuple[str, str]:
    if verdict.good:
        return (
            f"账实相符：账本的 {verdict.objects:,} 个对象与平台逐一核对一致，种下的差错全部查出。",
            f"The books agree: all {verdict.objects:,} objects equal the provider's, "
            "and every planted error was found.",
        )
    return (
        "账实不符，见上。",
        "The books do not agree; see above.",
    )
