"""How are money, times, counts and bytes written for people?"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

# Currencies whose minor unit is the whole one.
_WHOLE = frozenset({"jpy", "krw", "vnd", "clp", "isk"})
_SIGNS = {"cny": "¥"}


def money(amount: int | None, currency: str | None = "cny", *, signed: bool = False) -> Markup:
    """Minor units with two places, from integers only: ¥1,234.56 CNY."""
    if amount is None:
        return Markup('<span class="none">—</span>')
    code = (currency or "cny").lower()
    sign = "−" if amount < 0 else ("+" if signed and amount > 0 else "")
    return Markup('<span class="money">{}{}{}<span class="cur"> {}</span></span>').format(
        sign, _SIGNS.get(code, ""), decimal(abs(amount), code), code.upper()
    )


def decimal(amount: int, currency: str = "cny") -> str:
    """The digits alone, with a comma after each three."""
    if currency in _WHOLE:
        return f"{amount:,}"
    whole, rest = divmod(amount, 100)
    return f"{whole:,}.{rest:02d}"


def side(text: str, currency: str | None) -> Any:
    """One side of a mismatch: an amount where it is one, else its words."""
    is_amount = currency is not None and text.isascii() and text.isdecimal()
    return money(int(text), currency) if is_amount else text


def clock(zone: ZoneInfo) -> Callable[[datetime | None], Markup]:
    """Times in the business zone, in UTC for who hovers and for programs."""

    def show(at: datetime | None) -> Markup:
        if at is None:
            return Markup('<span class="none">—</span>')
        there = at.astimezone(UTC)
        return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
            there.isoformat(timespec="milliseconds"),
            there.strftime("%Y-%m-%d %H:%M:%S.%f"),
            at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S"),
        )

    return show


def duration(span: timedelta | None) -> str:
    """A length of time in its two largest units: 3 d 4 h, 12 min 5 s, 0.35 s."""
    if span is None:
        return "—"
    seconds = max(span.total_seconds(), 0.0)
    if seconds < 10:
        return f"{seconds:.2f} s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3_600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86_400:
        return f"{whole // 3_600} h {whole % 3_600 // 60} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3_600} h"


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
    """By how much there is more or less than before."""
    if before == 0:
        return "—" if now == 0 else "+∞"
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
