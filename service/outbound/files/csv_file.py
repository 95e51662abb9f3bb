"""How does a report become CSV that Excel opens rightly, and that nothing in it can run?"""

import csv
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from service.core.money import plain
from service.core.report.cells import guarded, guarded_id
from service.core.report.sheet import (
    Column,
    Document,
    Form,
    Look,
    Sheet,
    Tally,
    Written,
    day_text,
    time_text,
    written,
)

BOM = b"\xef\xbb\xbf"
# Rows that are encoded and written together.
ROWS_AT_ONCE = 500


class _Lines:
    """What csv.writer writes to: it keeps the lines until they are taken."""

    def __init__(self) -> None:
        self._kept: list[str] = []

    def write(self, line: str) -> None:
        self._kept.append(line)

    def take(self) -> bytes:
        text = "".join(self._kept)
        self._kept.clear()
        return text.encode()


def write(
    document: Document, out: BinaryIO, look: Look, on_row: Callable[[], None]
) -> list[Written]:
    """The first sheet as UTF-8 with a byte order mark, commas and CRLF; nothing but its rows."""
    sheet = document.sheets[0]
    tally = Tally(sheet.columns)
    out.write(BOM)
    out.writelines(_chunks(sheet, tally, look, on_row))
    return [written(sheet, tally)]


def _chunks(sheet: Sheet, tally: Tally, look: Look, on_row: Callable[[], None]) -> Iterator[bytes]:
    lines = _Lines()
    writer = csv.writer(lines, lineterminator="\r\n")
    writer.writerow([guarded(one.heading(look.language)) for one in sheet.columns])
    cells = [_cell(column, look) for column in sheet.columns]
    for row in tally.counted(sheet.rows, on_row):
        writer.writerow([cell(value) for cell, value in zip(cells, row, strict=True)])
        if tally.rows % ROWS_AT_ONCE == 0:
            yield lines.take()
    yield lines.take()


def _cell(column: Column, look: Look) -> Callable[[Any], str]:
    """How the values of one column are written."""
    match column.form:
        case Form.AMOUNT:
            return lambda value: "" if value is None else plain(value)
        case Form.PERCENT:
            return lambda value: "" if value is None else f"{plain(value)}%"
        case Form.COUNT:
            return lambda value: "" if value is None else str(value)
        case Form.TIME:
            return lambda value: "" if value is None else time_text(look.shown(column, value))
        case Form.DAY:
            return lambda value: "" if value is None else day_text(value)
        case Form.ID:
            return lambda value: "" if value is None else guarded_id(value)
        case _:
            return lambda value: "" if value is None else guarded(look.shown(column, value))
