"""How well does the provider notify us, week by week?"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from service.core.report.glossary import KINDS
from service.core.report.sheet import Column, Document, Form, Sheet, Words
from service.ledger.engine import Connection
from service.ledger.provider_card import Line, Spread, read, weeks
from service.work.report.ask import Ask

# Without days: what was created since then.
DEFAULT_SPAN = timedelta(weeks=4)
_MILLIS = 1_000


def _count(name: str, zh: str, en: str) -> Column:
    return Column(name, zh, en, Form.COUNT, summed=True)


def _millis(name: str, zh: str, en: str) -> Column:
    return Column(name, zh, en, Form.COUNT)


COLUMNS = (
    Column("week", "周", "week", Form.DAY),
    Column("account", "账户", "account"),
    Column("kind", "类型", "kind", Form.WORD, labels=KINDS),
    Column("channel", "渠道", "channel"),
    _count("objects", "对象数", "objects"),
    _count("due", "应通知", "due"),
    _count("lost", "未通知", "lost"),
    Column("loss", "丢失率", "loss", Form.PERCENT),
    _count("asked_first", "先由查询得知", "asked first"),
    _count("events", "通知数", "events"),
    _count("repeats", "重复", "repeats"),
    _count("late", "乱序", "out of order"),
    _millis("delay_p50", "延迟 p50（毫秒）", "delay p50 ms"),
    _millis("delay_p99", "延迟 p99（毫秒）", "delay p99 ms"),
    _count("final", "已终态", "final"),
    _millis("to_final_p50", "到终态 p50（毫秒）", "to final p50 ms"),
    _millis("to_final_p99", "到终态 p99（毫秒）", "to final p99 ms"),
)
TITLE = Words("通知质量", "Provider report card")


def document(connection: Connection, ask: Ask) -> Document:
    """Of what was created in the days, or within four weeks: delay, loss, repeats, order."""
    sheet = Sheet("weeks", TITLE, COLUMNS, _rows(connection, ask))
    return Document("provider-card", TITLE, ask.remarks(), (sheet,))


def _rows(connection: Connection, ask: Ask) -> Iterator[tuple[Any, ...]]:
    end = min(ask.until or ask.now, ask.now)
    begin = ask.since or end - DEFAULT_SPAN
    for week in weeks(begin, end, ask.zone):
        for line in read(connection, *week, now=ask.now):
            if ask.account in (None, line.group.account):
                yield _row(line)


def _row(line: Line) -> tuple[Any, ...]:
    ends = line.ends
    return (
        line.week,
        line.group.account,
        line.group.kind,
        line.group.channel or None,
        ends.objects,
        ends.due,
        ends.lost,
        None if line.loss is None else round(line.loss * 10_000),
        ends.asked_first,
        *line.events,
        *_spread(line.delay),
        line.to_final.number,
        *_spread(line.to_final),
    )


def _spread(one: Spread) -> tuple[int | None, int | None]:
    """Microseconds become milliseconds."""
    p50, p99 = (None if each is None else each // _MILLIS for each in (one.p50, one.p99))
    return p50, p99
