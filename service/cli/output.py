"""How do rows get onto the screen, or into the next program?"""

import json
import signal
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from typing import Any
from unicodedata import east_asian_width

from service.telemetry import printable

# A cell is cut here; jsonl gives everything.
CELL_LIMIT = 48
# So many rows are looked at to find the widths of the columns.
WIDTHS_OF = 500


class Format(StrEnum):
    """For people, or one JSON document a line for programs."""

    TABLE = "table"
    JSONL = "jsonl"


def show(
    rows: Iterable[Mapping[str, Any]], columns: Sequence[str], shape: Format = Format.TABLE
) -> int:
    """Print rows and give how many; `columns` are those of the table."""
    # a reader that has seen enough ends us, as it does any other command
    before = signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        return _print(_json_lines(rows) if shape is Format.JSONL else _table(rows, columns))
    finally:
        # whoever writes to a socket next must get an error and not a death
        signal.signal(signal.SIGPIPE, before)


def _print(lines: Iterable[str]) -> int:
    count = 0
    for line in lines:
        sys.stdout.write(line + "\n")
        count += 1
    sys.stdout.flush()
    return count


def _json_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for row in rows:
        yield as_json(row)


def as_json(value: Any) -> str:
    """One line; times in UTC."""
    return json.dumps(value, default=_plain, ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any) -> Any:
    return instant(value) if isinstance(value, datetime) else str(value)


def instant(at: datetime) -> str:
    """An instant in UTC to the microsecond, as it is written in JSON."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> Iterator[str]:
    found = iter(rows)
    first = [_cells(row, columns) for row in islice(found, WIDTHS_OF)]
    if not first:
        return
    widths = [max(_width(cell) for cell in cells) for cells in zip(columns, *first, strict=True)]
    yield _line([name.upper() for name in columns], widths)
    for cells in first:
        yield _line(cells, widths)
    for row in found:
        yield _line(_cells(row, columns), widths)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (
        cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True)
    )
    return "  ".join(padded).rstrip()


def _width(text: str) -> int:
    """How many places of a terminal it takes: a Chinese character takes two."""
    return len(text) + sum(east_asian_width(one) in "WF" for one in text)


def _cells(row: Mapping[str, Any], columns: Sequence[str]) -> list[str]:
    return [cell(row[name]) for name in columns]


def cell(value: Any) -> str:
    """One value for people: short, and nothing that a terminal would act upon."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        case _:
            return printable(str(value), CELL_LIMIT) or "-"


class Progress:
    """Shows how far long work has come, on stderr and only to a person."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._shown = sys.stderr.isatty()

    def __call__(self, done: int) -> None:
        """Say how many are done."""
        if self._shown:
            sys.stderr.write(f"\r{done:,} {self._what}")
            sys.stderr.flush()

    def end(self) -> None:
        """Leave the line to what comes next."""
        if self._shown:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()
