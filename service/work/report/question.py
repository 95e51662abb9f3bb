"""What is asked of a report, and does it make sense? Reads what a command, form or query gives."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from service.core.errors import GiveUp
from service.core.report.sheet import Language, Words
from service.ledger.reporting.detail import By
from service.outbound.files.formats import Shape
from service.work.report.ask import Ask
from service.work.report.parameters import Form, Parameter, taken_by
from service.work.report.table import Days, Report

# The days that may be asked for by whoever waits at the other end of a connection.
SPAN_DAYS_LIMIT = 366


class Senseless(GiveUp):
    """A question that no report answers. field: the parameter at fault; words: why, for people."""

    def __init__(self, field: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.field = field
        self.words = Words(zh, en)


class Unseen(GiveUp):
    """An account is asked for that whoever asks may not see: to them it is not there."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and when. accounts: those that may be seen, None for all; waits: for the answer.

    Who waits is bounded: a year of days at most. shape, language: unless something else is asked.
    """

    now: datetime
    zone: str
    accounts: frozenset[str] | None = None
    waits: bool = True
    shape: Shape = Shape.CSV
    language: Language = Language.ZH


@dataclass(frozen=True, slots=True)
class Question:
    """A report that is asked for as it should be."""

    report: Report
    ask: Ask
    shape: Shape
    sheet: str | None


def question(report: Report, given: Mapping[str, str], asker: Asker) -> Question:
    """What is meant by the parameters that were given; raises Senseless or Unseen."""
    taken = {one.name: one for one in taken_by(report)}
    for name, text in given.items():
        if name not in taken:
            raise Senseless(name, f"{report.title.zh}没有这一项", f"{report.name} does not take it")
        _check(taken[name], text)
    first, last = _days(report, given, asker)
    ask = Ask(
        asker.now,
        asker.zone,
        first,
        last,
        _account(given.get("account"), asker),
        By(given.get("by", By.CREATED)),
        given.get("book"),
        _day(given, "as_known"),
        Language(given.get("language", asker.language)),
        given.get("app"),
    )
    shape, sheet = Shape(given.get("format", asker.shape)), given.get("sheet")
    if sheet is not None and shape is Shape.BEANCOUNT:
        raise Senseless(
            "sheet", "beancount 不分工作表", "it is one whole as beancount, without sheets"
        )
    return Question(report, ask, shape, sheet)


def _check(one: Parameter, text: str) -> None:
    if one.form is Form.DAY:
        _read_day(text, one.name)
    elif one.choices and text not in one.choices:
        known = ", ".join(one.choices)
        raise Senseless(one.name, f"可选：{known}", f"should be one of {known}")
    elif not re.fullmatch(one.form[1:-1], text):
        raise Senseless(one.name, "不是有效的名称", "it has not the form that it should")


def _read_day(text: str, name: str) -> date:
    try:
        if re.fullmatch(Form.DAY[1:-1], text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise Senseless(name, "日期应写作 2026-11-23", f"{text!r} is no day: write it as 2026-11-23")


def _day(given: Mapping[str, str], name: str) -> date | None:
    text = given.get(name)
    return None if text is None else _read_day(text, name)


def _days(
    report: Report, given: Mapping[str, str], asker: Asker
) -> tuple[date | None, date | None]:
    """As said; yesterday where some are needed and none is said."""
    day, first, last = (_day(given, name) for name in ("day", "since", "until"))
    if day is not None:
        if first is not None or last is not None:
            raise Senseless(
                "day", "只写业务日，或只写起止日", "say the day, or the first and the last one"
            )
        return day, day
    today = Ask(asker.now, asker.zone).today
    if report.days is Days.NEEDED and first is None and last is None:
        return today - timedelta(days=1), today - timedelta(days=1)
    if first is not None and last is not None and first > last:
        raise Senseless("since", "起始日晚于截止日", "the first day lies after the last")
    return _bounded(report, first, last, today) if asker.waits else (first, last)


def _bounded(
    report: Report, first: date | None, last: date | None, today: date
) -> tuple[date | None, date | None]:
    """A year at most, to today without a last day."""
    if report.days is Days.NEEDED and first is None:
        raise Senseless("since", "请同时写明起始日", "say the first day too")
    if first is not None and last is None:
        last = max(today, first)
    if first is not None and last is not None and last - first > timedelta(days=SPAN_DAYS_LIMIT):
        raise Senseless("until", "最长一年", "a year is the longest span")
    return first, last


def _account(given: str | None, asker: Asker) -> str | None:
    """One account for who sees only some: a report is of one or of all."""
    seen = asker.accounts
    if given is not None and seen is not None and given not in seen:
        raise Unseen("there is no such account")
    if given is not None or seen is None:
        return given
    if len(seen) == 1:
        return next(iter(seen))
    raise Senseless(
        "account", "请选择账户：您只能查看部分账户", "choose one: you may see only some"
    )
