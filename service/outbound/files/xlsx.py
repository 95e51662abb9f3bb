"""How does a report become a workbook: typed cells, frozen headings, filters, totals, remarks?"""

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import xlsxwriter  # pyright: ignore[reportMissingTypeStubs]
from xlsxwriter.exceptions import FileCreateError  # pyright: ignore[reportMissingTypeStubs]

from service.core.report.cells import harmless
from service.core.report.sheet import (
    Column,
    Document,
    Form,
    Look,
    Row,
    Sheet,
    Tally,
    Words,
    Written,
    written,
)

# Excel's own: a sheet has so many rows, the headings and the totals among them.
SHEET_ROWS = 1_048_576
# The headings, a gap, and the totals of more currencies than there are.
TOTALS_ROOM = 200
# Excel's own: letters of one cell.
CELL_LIMIT = 32_767
NAME_LIMIT = 31
TOTAL = Words("合计", "total")
ABOUT = Words("说明", "about")
ROWS = Words("行数", "rows")
_WIDTHS = {
    Form.TEXT: 18, Form.ID: 28, Form.WORD: 12, Form.AMOUNT: 16, Form.COUNT: 10, Form.PERCENT: 10,
    Form.TIME: 20, Form.DAY: 12,
}  # fmt: skip
_FORMATS = {
    Form.AMOUNT: "#,##0.00", Form.COUNT: "#,##0", Form.PERCENT: "0.00%",
    Form.TIME: "yyyy-mm-dd hh:mm:ss", Form.DAY: "yyyy-mm-dd", Form.ID: "@", Form.TEXT: "@",
    Form.WORD: "@",
}  # fmt: skip
_FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\'", "_"))


@dataclass(frozen=True, slots=True)
class _Book:
    """A workbook being written; its library has no types."""

    book: Any
    look: Look
    cells: dict[Form, Any]
    sums: dict[Form, Any]
    head: Any

    def add(self, name: str) -> Any:
        """A new sheet; its name is cut to what Excel takes."""
        return self.book.add_worksheet(name.translate(_FORBIDDEN)[:NAME_LIMIT])


def write(
    document: Document,
    out: BinaryIO,
    look: Look,
    on_row: Callable[[], None],
    *,
    sheet_rows: int = SHEET_ROWS,
) -> list[Written]:
    """Every sheet, and a last one that says of what the report is. Rows are put on the disk first.

    A sheet that is full goes on in the next one.
    """
    with tempfile.TemporaryDirectory(prefix=".report-", dir=_folder(out)) as folder:
        book = _open(out, look, folder, document)
        try:
            done = [_write_sheet(book, sheet, on_row, sheet_rows) for sheet in document.sheets]
            _about(book, document, done)
            book.book.close()
        except FileCreateError as error:
            # what it wraps says why: no room on the disk
            raise error.args[0] from None
        finally:
            for page in book.book.worksheets():
                page.row_data_fh.close()
    return done


def _folder(out: BinaryIO) -> Path | None:
    """Beside the file itself, where there is room for it; else where the system puts such."""
    name = getattr(out, "name", None)
    return Path(name).parent if isinstance(name, str) else None


def _open(out: BinaryIO, look: Look, folder: str, document: Document) -> _Book:
    options = {
        "constant_memory": True,
        "tmpdir": folder,
        "use_zip64": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    book: Any = xlsxwriter.Workbook(out, options)  # pyright: ignore[reportArgumentType]
    book.set_properties({"title": document.title.of(look.language), "author": "pingledger"})
    head = {"bold": True, "bg_color": "#E8EEF4", "bottom": 1, "valign": "vcenter"}
    return _Book(
        book,
        look,
        {form: book.add_format({"num_format": text}) for form, text in _FORMATS.items()},
        {
            form: book.add_format({"num_format": text, "bold": True, "top": 1})
            for form, text in _FORMATS.items()
        },
        book.add_format(head),
    )


def _write_sheet(book: _Book, sheet: Sheet, on_row: Callable[[], None], sheet_rows: int) -> Written:
    tally = Tally(sheet.columns)
    rows = iter(tally.counted(sheet.rows, on_row))
    setters = [_setter(book, place, column) for place, column in enumerate(sheet.columns)]
    title, part = sheet.title.of(book.look.language), 1
    while True:
        page = book.add(title if part == 1 else f"{title[: NAME_LIMIT - 5]} ({part})")
        _begin(page, book, sheet)
        last = _write_rows(page, setters, islice(rows, sheet_rows - TOTALS_ROOM))
        if last:
            page.autofilter(0, 0, last, len(sheet.columns) - 1)
        following = next(rows, None)
        if following is None:
            _totals(page, book, sheet, tally, last)
            return written(sheet, tally)
        rows, part = _put_back(following, rows), part + 1


def _put_back(first: Row, rest: Iterable[Row]) -> Any:
    yield first
    yield from rest


def _begin(page: Any, book: _Book, sheet: Sheet) -> None:
    """Widths come first: nothing can be set once rows are on the disk."""
    for place, column in enumerate(sheet.columns):
        heading = column.heading(book.look.language)
        wide = sum(2 if ord(letter) > 0x2E7F else 1 for letter in heading) + 4
        page.set_column(place, place, max(_WIDTHS[column.form], wide))
    page.freeze_panes(1, 0)
    page.set_landscape()
    page.repeat_rows(0)
    page.fit_to_pages(1, 0)
    for place, column in enumerate(sheet.columns):
        page.write_string(0, place, column.heading(book.look.language), book.head)


def _write_rows(page: Any, setters: list[Any], rows: Iterable[Row]) -> int:
    """The rows below the headings; the number of the last one, 0 when there is none."""
    place = 0
    for place, row in enumerate(rows, 1):
        for put, value in zip(setters, row, strict=True):
            if value is not None:
                put(page, place, value)
    return place


def _setter(book: _Book, place: int, column: Column) -> Callable[[Any, int, Any], None]:
    """How one value of a column gets into its cell."""
    look, style = book.look, book.cells[column.form]

    def amount(page: Any, row: int, value: int) -> None:
        page.write_number(row, place, value / 100, style)

    def count(page: Any, row: int, value: int) -> None:
        page.write_number(row, place, value, style)

    def percent(page: Any, row: int, value: int) -> None:
        page.write_number(row, place, value / 10_000, style)

    def time(page: Any, row: int, value: datetime) -> None:
        shown = look.shown(column, value).replace(tzinfo=None, microsecond=0)
        page.write_datetime(row, place, shown, style)

    def day(page: Any, row: int, value: Any) -> None:
        page.write_datetime(row, place, value, style)

    def text(page: Any, row: int, value: str) -> None:
        page.write_string(row, place, harmless(look.shown(column, value))[:CELL_LIMIT], style)

    special: dict[Form, Callable[[Any, int, Any], None]] = {
        Form.AMOUNT: amount,
        Form.COUNT: count,
        Form.PERCENT: percent,
        Form.TIME: time,
        Form.DAY: day,
    }
    return special.get(column.form, text)


def _totals(page: Any, book: _Book, sheet: Sheet, tally: Tally, last: int) -> None:
    """One row for each currency, below a gap that a filter ends at."""
    for row, (currency, sums) in enumerate(tally.totals(), last + 2):
        label = f"{TOTAL.of(book.look.language)} {currency}".rstrip()
        page.write_string(row, 0, label, book.sums[Form.TEXT])
        for place, column in enumerate(sheet.columns[1:], 1):
            style = book.sums[column.form]
            if column.name not in sums:
                page.write_blank(row, place, None, style)
            elif column.form is Form.AMOUNT:
                page.write_number(row, place, sums[column.name] / 100, style)
            else:
                page.write_number(row, place, sums[column.name], style)


def _about(book: _Book, document: Document, done: list[Written]) -> None:
    page = book.add(ABOUT.of(book.look.language))
    page.set_column(0, 0, 24)
    page.set_column(1, 1, 60)
    language, bold = book.look.language, book.head
    page.write_string(0, 0, document.title.of(language), bold)
    row = 1
    for row, remark in enumerate(document.remarks, 1):
        page.write_string(row, 0, remark.what.of(language))
        page.write_string(row, 1, harmless(remark.text.of(language))[:CELL_LIMIT])
    for sheet, one in zip(document.sheets, done, strict=True):
        row += 1
        page.write_string(row, 0, f"{sheet.title.of(language)} · {ROWS.of(language)}")
        page.write_number(row, 1, one.rows)
