"""How are money, times, counts and bytes written for people?"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from service.core.report.accounts import BOOKS, kind_of
from service.core.report.glossary import SIDES
from service.core.report.sheet import Language
from service.ledger.stakes import AMOUNT_DIGITS, FIGURES

# Currencies whose minor unit is the whole one.
_WHOLE = frozenset({"jpy", "krw", "vnd", "clp", "isk"})
_SIGNS = {"cny": "¥"}
# "%" escapes as `format` does, in half the time: a page has hundreds of them
_MONEY = Markup('<span class="money">%s%s%s<span class="cur"> %s</span></span>')
_TIME = Markup('<time datetime="%s" title="%s UTC">%s</time>')


def money(amount: int | None, currency: str | None = "cny", *, signed: bool = False) -> Markup:
    """Minor units with two places, from integers only: ¥1,234.56 CNY."""
    if amount is None:
        return Markup('<span class="none">—</span>')
    code = (currency or "cny").lower()
    sign = "−" if amount < 0 else ("+" if signed and amount > 0 else "")
    return _MONEY % (sign, _SIGNS.get(code, ""), decimal(abs(amount), code), code.upper())


def decimal(amount: int, currency: str = "cny") -> str:
    """The digits alone, with a comma after each three."""
    if currency in _WHOLE:
        return f"{amount:,}"
    whole, rest = divmod(amount, 100)
    return f"{whole:,}.{rest:02d}"


def side(language: str, text: str, rule: str, currency: str | None) -> Any:
    """One side of a mismatch: an amount, a day or a number where it is one, else its words."""
    if text.isascii() and text.isdecimal():
        figure = FIGURES.get(rule)
        if figure is None and currency is not None and len(text) <= AMOUNT_DIGITS:
            return money(int(text), currency)
        return day(int(text)) if figure == "day" else text
    words = SIDES.get(text)
    return text if words is None else words.of(Language(language))


def book(language: str, name: str) -> Markup:
    """An account of the journal: what it is called, and its name."""
    words = BOOKS.get(kind_of(name))
    if words is None:
        return Markup("<code>{}</code>").format(name)
    return Markup('{} <code class="book">{}</code>').format(words.of(Language(language)), name)


def clock(zone: ZoneInfo) -> Callable[[datetime | None], Markup]:
    """Times in the business zone, in UTC for who hovers and for programs."""

    def show(at: datetime | None) -> Markup:
        if at is None:
            return Markup('<span class="none">—</span>')
        there = at.astimezone(UTC)
        return _TIME % (
            there.isoformat(timespec="milliseconds"),
            there.strftime("%Y-%m-%d %H:%M:%S.%f"),
            at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S"),
        )

    return show


_UNITS = {"zh": ("天", "小时", "分", "秒"), "en": ("d", "h", "min", "s")}


def duration(language: str, span: timedelta | None) -> str:
    """A length of time in its two largest units: 3 d 4 h, 12 min 5 s, 0.35 s; whole ones alone."""
    if span is None:
        return "—"
    days, hours, minutes, seconds = _UNITS[language]
    length = max(span.total_seconds(), 0.0)
    whole = int(length)
    if length < 10:
        return f"{length:.2f}".rstrip("0").rstrip(".") + f" {seconds}"
    if whole < 60:
        return f"{whole} {seconds}"
    if whole < 3_600:
        return _two(whole, 60, minutes, 1, seconds)
    if whole < 86_400:
        return _two(whole, 3_600, hours, 60, minutes)
    return _two(whole, 86_400, days, 3_600, hours)


def _two(whole: int, large: int, large_name: str, small: int, small_name: str) -> str:
    count, rest = whole // large, whole % large // small
    return f"{count} {large_name}" + (f" {rest} {small_name}" if rest else "")


def size(count: int) -> str:
    """A number of bytes."""
    return f"{count:,} B" if count < 10_000 else f"{count / 1024:,.1f} kB"


def percent(part: float) -> str:
    """A share, rounded down: only all of it is 100 %."""
    return f"{int(part * 10_000) / 100:.2f} %"


def day(number: int) -> str:
    """A day that is counted from 1970."""
    return (date(1970, 1, 1) + timedelta(days=number)).isoformat()


def change(now: int, before: int) -> str:
    """By how much there is more or less than before; tenfold and beyond, how many times as much."""
    if before <= 0:
        return "—"
    if now >= 10 * before:
        return f"×{now // before:,}"
    tenths = (now - before) * 1_000 // before
    sign = "−" if tenths < 0 else "+"
    return f"{sign}{abs(tenths) // 10}.{abs(tenths) % 10} %"


def short(text: str | None, most: int = 10) -> Markup:
    """The beginning of a long digest, all of it for who hovers."""
    if not text:
        return Markup('<span class="none">—</span>')
    if len(text) <= most:
        return Markup("<code>{}</code>").format(text)
    return Markup('<code title="{}">{}…</code>').format(text, escape(text[:most]))
