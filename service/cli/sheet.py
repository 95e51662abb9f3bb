"""How do mismatches become a spreadsheet, and how is a filled-in one read again?

CSV as the common programs take it: a byte order mark, ids kept as text by a trailing tab, nothing
that a program would run as a formula. It is read as those programs save it: CSV in UTF-8 or GB
18030 (a Chinese Windows), parted by commas, semicolons or tabs, or XLSX.
"""

import csv
import io
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from service.core.errors import GiveUp
from service.core.report.cells import guarded, guarded_id
from service.core.statement.cells import instant
from service.core.statement.lines import Row
from service.core.statement.mapping import Reading
from service.ledger.desk import Act
from service.ledger.reads import MismatchRow
from service.work.statement.csv_table import encoding_of
from service.work.statement.table import is_xlsx, rows_of

FILE_BYTES_LIMIT = 64 * 1024 * 1024
_SHOWN = (
    "number", "rule", "severity", "state", "account", "kind", "id", "ours", "theirs", "currency",
    "found_at",
)  # fmt: skip
_FILLED = ("act", "note", "owner", "until")
_DELIMITERS = ",;\t"
_DAY = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}")
_DAYS = ("%Y-%m-%d", "%Y/%m/%d")
# of longer numbers a spreadsheet loses the last digits
_EXACT_DIGITS = 15


def write(file: Path, rows: Iterable[MismatchRow]) -> int:
    """Write the sheet and give how many rows; raises GiveUp when the file cannot be written."""
    try:
        with _opened(file) as out:
            writer = csv.writer(out)
            writer.writerow((*_SHOWN, *_FILLED))
            count = 0
            for count, one in enumerate(rows, 1):  # noqa: B007  the last count is the answer
                writer.writerow(_cells(one))
            return count
    except OSError as error:
        raise GiveUp(f"{file} cannot be written: {error.strerror}") from None


def _opened(file: Path) -> io.TextIOBase:
    if str(file) == "-":
        return io.TextIOWrapper(
            io.FileIO(sys.stdout.fileno(), "w", closefd=False), encoding="utf-8-sig", newline=""
        )
    return file.open("w", encoding="utf-8-sig", newline="")


def _cells(one: MismatchRow) -> list[str]:
    values: Mapping[str, object] = one._asdict()
    cells = [guarded_id(one.id) if name == "id" else _cell(values[name]) for name in _SHOWN]
    return [*cells, "", "", _cell(one.owner), ""]


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    text = "" if value is None else str(value)
    if not text.lstrip("-").isdigit():
        return guarded(text)
    return text if len(text) <= _EXACT_DIGITS else guarded_id(text)


def read(
    file: Path, who: str, now: datetime, zone: ZoneInfo
) -> tuple[list[tuple[Act, list[int]]], list[str]]:
    """What the sheet says is to be done, and what is wrong with which line.

    Lines without an act are left alone; a day as `until` counts to its end in the zone. Raises
    GiveUp for a file that is no such sheet.
    """
    done: list[tuple[Act, list[int]]] = []
    problems: list[str] = []
    seen: set[int] = set()
    for line, row, raw in _named(file):
        if not row.get("act"):
            continue
        try:
            number = _number(row["number"])
            until = _until(row["until"], zone, raw="until" in raw)
            act = Act(row["act"], who, row["note"], _owner(row), until)
            problem = act.problem(now) or ("is there twice" if number in seen else None)
        except ValueError as error:
            problems.append(f"line {line}: {error}")
            continue
        if problem:
            problems.append(f"line {line}: {problem}")
        seen.add(number)
        done.append((act, [number]))
    return done, problems


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise ValueError("number should be that of a mismatch, as it was exported")
    return int(text)


def _owner(row: Mapping[str, str]) -> str | None:
    """The column shows who it belongs to already; only assign gives it to somebody."""
    return row["owner"] or None if row["act"] == "assign" else None


def _until(text: str, zone: ZoneInfo, *, raw: bool) -> datetime | None:
    """The end of a day that stands alone, else the time; raw: days since 1900, as Excel counts."""
    if not text:
        return None
    is_day = _DAY.fullmatch(text) is not None or (raw and text.isdecimal())
    try:
        until = instant(text, _DAYS, zone, raw=raw)
    except ValueError:
        raise ValueError(
            "until should be a day, as in 2026-12-31, or a time with its zone, as in"
            " 2026-12-31T00:00:00+08:00"
        ) from None
    return (until.astimezone(zone) + timedelta(days=1)).astimezone(UTC) if is_day else until


def _named(file: Path) -> Iterator[tuple[int, dict[str, str], frozenset[str]]]:
    """Each row with its line, by heading, and which of it are a spreadsheet's own numbers."""
    rows = _rows(file)
    head = [name.strip() for name in next(rows, Row(1, [])).cells]
    missing = [name for name in ("number", *_FILLED) if name not in head]
    if missing:
        raise GiveUp(f"{file} is no sheet of mismatches: it lacks {', '.join(missing)}")
    for row in rows:
        padded = [*row.cells, *[""] * (len(head) - len(row.cells))]
        raw = frozenset(name for place, name in enumerate(head) if place in row.raw)
        yield row.number, dict(zip(head, map(str.strip, padded), strict=False)), raw


def _rows(file: Path) -> Iterator[Row]:
    try:
        packed = is_xlsx(file)
    except OSError as error:
        raise GiveUp(f"{file} cannot be read: {error.strerror}") from None
    return rows_of(file, Reading()) if packed else _csv_rows(file)


def _csv_rows(file: Path) -> Iterator[Row]:
    text = _text(file)
    head = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            yield Row(reader.line_num, cells)
    except csv.Error as error:
        raise GiveUp(f"{file}, line {reader.line_num}: {error}") from None


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            data = opened.read(FILE_BYTES_LIMIT + 1)
        encoding = encoding_of(file)
    except OSError as error:
        raise GiveUp(f"{file} cannot be read: {error.strerror}") from None
    if len(data) > FILE_BYTES_LIMIT:
        raise GiveUp(f"{file} is larger than {FILE_BYTES_LIMIT // 1024 // 1024} MiB")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise GiveUp(f"{file} is neither UTF-8 nor GB 18030") from None
