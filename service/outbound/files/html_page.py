"""How does a report become one page to look at and to print, which loads and runs nothing?"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from service.core.errors import GiveUp
from service.core.money import grouped
from service.core.report.cells import harmless
from service.core.report.sheet import (
    Column,
    Document,
    Form,
    Language,
    Look,
    Sheet,
    Tally,
    Words,
    Written,
    day_text,
    time_text,
    written,
)

# Nobody prints more, and no browser shows more of it comfortably.
ROWS_LIMIT = 20_000
TOTAL = Words("合计", "total")
_COUNT = Words("共 {rows:,} 行", "{rows:,} rows")
_NUMBERS = (Form.AMOUNT, Form.COUNT, Form.PERCENT)


@dataclass(frozen=True, slots=True)
class _Head:
    heading: str
    number: bool


@dataclass(frozen=True, slots=True)
class _Said:
    what: str
    text: str
    warns: bool


@dataclass(frozen=True, slots=True)
class _Table:
    """One sheet as the page's template reads it: its rows once, and then its totals."""

    sheet: Sheet
    tally: Tally
    look: Look
    rows: Iterator[list[str]]

    @property
    def title(self) -> str:
        return self.sheet.title.of(self.look.language)

    @property
    def columns(self) -> list[_Head]:
        return [
            _Head(one.heading(self.look.language), one.form in _NUMBERS)
            for one in self.sheet.columns
        ]

    def totals(self) -> Iterator[list[str]]:
        """A row of sums for each currency."""
        for currency, sums in self.tally.totals():
            label = f"{TOTAL.of(self.look.language)} {currency}".rstrip()
            cells = [
                cell(one, sums[one.name], self.look) if one.name in sums else ""
                for one in self.sheet.columns[1:]
            ]
            yield [label, *cells]

    def count(self) -> str:
        """How many rows there were."""
        return _COUNT.of(self.look.language).format(rows=self.tally.rows)


def write(
    document: Document, out: BinaryIO, look: Look, on_row: Callable[[], None]
) -> list[Written]:
    """Every sheet; raises GiveUp when there are more than ROWS_LIMIT rows."""
    tables = [_table(sheet, look, on_row) for sheet in document.sheets]
    stream = _template().generate(
        lang="zh-CN" if look.language is Language.ZH else "en",
        title=document.title.of(look.language),
        remarks=[
            _Said(one.what.of(look.language), harmless(one.text.of(look.language)), one.warns)
            for one in document.remarks
        ],
        sheets=tables,
    )
    out.writelines(piece.encode() for piece in stream)
    return [written(one.sheet, one.tally) for one in tables]


@cache
def _template() -> Template:
    folder = Path(__file__).parent
    made = Environment(loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined)
    return made.get_template("page.html")


def _table(sheet: Sheet, look: Look, on_row: Callable[[], None]) -> _Table:
    tally = Tally(sheet.columns)
    rows = _shown(sheet, tally, look, on_row)
    return _Table(sheet, tally, look, rows)


def _shown(
    sheet: Sheet, tally: Tally, look: Look, on_row: Callable[[], None]
) -> Iterator[list[str]]:
    for row in tally.counted(sheet.rows, on_row):
        if tally.rows > ROWS_LIMIT:
            raise GiveUp(f"a page holds {ROWS_LIMIT:,} rows, and there are more: ask for xlsx")
        yield _cells(sheet.columns, row, look)


def _cells(columns: Sequence[Column], row: Sequence[Any], look: Look) -> list[str]:
    return [cell(column, value, look) for column, value in zip(columns, row, strict=True)]


def cell(column: Column, value: Any, look: Look) -> str:
    """One value as a person reads it."""
    if value is None:
        return ""
    match column.form:
        case Form.AMOUNT:
            return grouped(value)
        case Form.PERCENT:
            return f"{grouped(value)}%"
        case Form.COUNT:
            return f"{value:,}"
        case Form.TIME:
            return time_text(look.shown(column, value))
        case Form.DAY:
            return day_text(value)
        case _:
            return harmless(look.shown(column, value))
