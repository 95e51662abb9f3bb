"""What does the text of one cell mean: words, an amount of minor units, a time?"""

import re
import unicodedata
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal, DecimalException
from functools import lru_cache

# Excel keeps fifteen digits; what stands behind them is its own noise.
_EXCEL_DIGITS = 15
_AMOUNT_DIGITS = 15
_AMOUNT = re.compile(r"(\d{1,3}(,\d{3})+|\d+)(\.\d*)?|\.\d+")
_EXPONENT = re.compile(r"-?\d+(\.\d+)?[eE][+-]?\d{1,3}")
# How a spreadsheet shows a long number, and so saves it as CSV; no order number has a plus.
_SHORTENED = re.compile(r"\d(\.\d+)?[eE]\+\d{1,3}")
_SERIAL = re.compile(r"\d{1,6}(\.\d+)?")
_SERIAL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001  a wall clock's day; the zone comes after
_MARKS = " \t\r\n\u00a0\u3000\ufeff`"
_MARKS_TOO = "'" + _MARKS
_SIGNS = ("¥", "￥", "CNY", "RMB", "元")


class BadCell(ValueError):
    """A cell that cannot be understood; its text says what was expected, never what stood there."""


def clean(cell: str) -> str:
    """Without the backticks, tabs and spaces that bills put around a value to keep it text."""
    return cell.strip(_MARKS)


def word(cell: str, limit: int) -> str:
    """A number, an id or a status: printable, of a bounded length, full-width letters narrowed."""
    text = narrowed(cell.strip(_MARKS_TOO))
    if len(text) > limit:
        raise BadCell(f"is longer than {limit} letters")
    if not text.isprintable():
        raise BadCell("holds letters that cannot be printed")
    return text


def number(cell: str, limit: int, *, raw: bool = False) -> str:
    """What something is called by, as `word`; raw: a spreadsheet's own number.

    A spreadsheet keeps fifteen digits of a number. Raises BadCell for what has lost its others: it
    would be another order, or several at once.
    """
    text = word(cell, limit)
    lost = raw and (_EXPONENT.fullmatch(text) or (text.isdecimal() and _ends_in_zeros(text)))
    if lost or _SHORTENED.fullmatch(text):
        raise BadCell(
            f"is a number of which the spreadsheet kept {_EXCEL_DIGITS} digits: export it as text"
        )
    return text


def _ends_in_zeros(digits: str) -> bool:
    return len(digits) > _EXCEL_DIGITS and not digits[_EXCEL_DIGITS:].strip("0")


def narrowed(text: str) -> str:
    """Full-width digits, letters and marks as their plain ones."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def fen(cell: str, unit: str, *, raw: bool = False) -> int | None:
    """Minor units with their sign, None for an empty cell; raw: a spreadsheet's own number."""
    text = narrowed(clean(cell)).replace("−", "-").replace(" ", "")
    if text in ("", "-", "--"):
        return None
    if raw:
        return _whole(_excel(text), unit)
    negative = False
    if text[0] == "(" and text[-1] == ")":
        negative, text = True, text[1:-1]
    for sign in _SIGNS:
        text = text.removeprefix(sign).removesuffix(sign)
    if text[:1] in ("-", "+"):
        negative, text = negative or text[0] == "-", text[1:]
        for sign in _SIGNS:
            text = text.removeprefix(sign)
    if not _AMOUNT.fullmatch(text) or not text.isascii():
        raise BadCell("should be an amount, such as 9,876.54")
    amount = _whole(Decimal(text.replace(",", "")), unit)
    return -amount if negative else amount


def _excel(text: str) -> Decimal:
    """The number as the spreadsheet shows it: 0.30000000000000004 is 0.3."""
    if not _EXPONENT.fullmatch(text) and not _AMOUNT.fullmatch(text.removeprefix("-")):
        raise BadCell("should be an amount")
    try:
        exact = Decimal(text.replace(",", ""))
    except DecimalException:
        raise BadCell("should be an amount") from None
    if exact.is_zero() or exact.adjusted() > _AMOUNT_DIGITS:
        return exact
    return round(exact, _EXCEL_DIGITS - 1 - exact.adjusted())


def _whole(amount: Decimal, unit: str) -> int:
    if amount.adjusted() > _AMOUNT_DIGITS:
        raise BadCell(f"should have at most {_AMOUNT_DIGITS} digits")
    minor = amount.scaleb(2) if unit == "yuan" else amount
    if minor != minor.to_integral_value():
        part = "two decimals" if unit == "yuan" else "no decimals"
        raise BadCell(f"should have at most {part}")
    return int(minor)


def instant(cell: str, formats: tuple[str, ...], zone: tzinfo, *, raw: bool = False) -> datetime:
    """The aware UTC time; a day alone is its first moment. raw: days since 1900, as Excel counts.

    An ISO time with an offset of its own keeps it.
    """
    text = narrowed(clean(cell))
    if raw and _SERIAL.fullmatch(text) and len(text.split(".")[0]) <= 5:
        seconds = round(Decimal(text) * 86_400)
        return (_SERIAL_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=zone).astimezone(UTC)
    for shape in formats:
        try:
            return _parsed(text, shape).replace(tzinfo=zone).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise BadCell("should be a time, such as 2026-11-23 12:00:00")
    return found.astimezone(UTC)


@lru_cache(maxsize=4096)
def _parsed(text: str, shape: str) -> datetime:
    if shape == "%Y-%m-%d %H:%M:%S":
        # by far the most usual, and strptime takes ten times as long
        if len(text) != 19 or text[10] != " " or text[4] != "-":
            raise ValueError
        return datetime.fromisoformat(text)
    return datetime.strptime(text, shape)  # noqa: DTZ007  the zone is put on by the caller
