"""Are amounts, times and words of cells read as they are meant, and nothing else?"""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.statement.cells import BadCell, fen, instant, number, word

SHANGHAI = ZoneInfo("Asia/Shanghai")
FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y%m%d")


@pytest.mark.parametrize(
    ("cell", "minor"),
    [
        ("1", 100),
        ("`1.10", 110),
        ("\t1,234,567.80\t", 123_456_780),
        ("１，２３４．５６", 123_456),
        ("(12.30)", -1230),
        ("（12.30）", -1230),
        ("-0.01", -1),
        ("−0.01", -1),
        ("+5", 500),
        ("¥ 5.00", 500),
        ("-￥5.00", -500),
        ("5.00元", 500),
        (".5", 50),
        ("5.", 500),
        ("5.000", 500),
        ("", None),
        ("--", None),
        ("-", None),
    ],
)
def test_an_amount_is_read(cell: str, minor: int | None) -> None:
    assert fen(cell, "yuan") == minor


@pytest.mark.parametrize(
    "cell",
    [
        "1.001", "1e2", "1,23", "1,2345", "1.234,56", "NaN", "inf", "=1+1", "1 元 2", "0x10", "12-",
        "(1", "--1", "9" * 20, "一百", "1_000", "١٢",
    ],
)  # fmt: skip
def test_what_is_no_amount_is_refused_without_being_quoted(cell: str) -> None:
    with pytest.raises(BadCell) as refused:
        fen(cell, "yuan")
    assert cell not in str(refused.value)


@pytest.mark.parametrize(
    ("cell", "raw"),
    [
        ("2.026112E+19", False),
        ("2.026112e+19", True),
        ("2026112000000000000", True),
        ("2E+19", False),
        ("1E19", True),
    ],
)
def test_a_number_that_lost_its_digits_is_refused(cell: str, raw: bool) -> None:
    with pytest.raises(BadCell, match="kept 15 digits"):
        number(cell, 40, raw=raw)


@pytest.mark.parametrize(
    ("cell", "raw"),
    [
        ("2026112000000000000", False),
        ("202611200000000", True),
        ("2026112000000000001", True),
        ("1E19", False),
        ("A+1", False),
    ],
)
def test_a_number_that_has_all_its_digits_is_kept(cell: str, raw: bool) -> None:
    assert number(cell, 40, raw=raw) == cell


def test_fen_have_no_decimals() -> None:
    assert fen("1,234", "fen") == 1234
    assert fen("12.00", "fen") == 12
    with pytest.raises(BadCell):
        fen("12.5", "fen")


@pytest.mark.parametrize(
    ("raw", "minor"),
    [
        ("0.30000000000000004", 30),
        ("1.1000000000000001", 110),
        ("88.879999999999995", 8888),
        ("1E-2", 1),
        ("1.2345E3", 123_450),
        ("-0.29999999999999999", -30),
        ("0", 0),
    ],
)
def test_a_spreadsheets_number_is_read_from_its_digits(raw: str, minor: int) -> None:
    assert fen(raw, "yuan", raw=True) == minor


@given(st.integers(-(10**12), 10**12))
def test_every_amount_comes_back_in_every_dress(minor: int) -> None:
    text = f"{Decimal(abs(minor)) / 100:,.2f}"
    assert fen(f"-{text}" if minor < 0 else text, "yuan") == minor
    assert fen(f"({text})" if minor < 0 else f"`{text}\t", "yuan") == minor
    assert fen(repr(minor / 100), "yuan", raw=True) == minor


@pytest.mark.parametrize(
    "cell",
    ["2026-11-23 08:00:00", "`2026-11-23 08:00:00\t", "2026/11/23 08:00", "2026-11-23T00:00:00Z"],
)
def test_a_time_is_meant_in_the_sources_zone(cell: str) -> None:
    assert instant(cell, FORMATS, SHANGHAI) == datetime(2026, 11, 23, tzinfo=UTC)


def test_a_spreadsheets_day_is_counted_from_1900() -> None:
    found = instant("46349.333333333336", FORMATS, SHANGHAI, raw=True)
    assert found == datetime(2026, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize("cell", ["", "soon", "2026-13-01 00:00:00", "2026-11-23 25:00:00", "0"])
def test_what_is_no_time_is_refused(cell: str) -> None:
    with pytest.raises(BadCell):
        instant(cell, FORMATS, SHANGHAI)


def test_a_formula_is_a_word_like_any_other() -> None:
    assert word("=cmd|' /C calc'!A0", 40) == "=cmd|' /C calc'!A0"
    assert word("`１２３\t", 40) == "123"


@pytest.mark.parametrize("cell", ["x" * 41, "a\nb", "\x1b[31m"])
def test_a_word_is_short_and_printable(cell: str) -> None:
    with pytest.raises(BadCell):
        word(cell, 40)
