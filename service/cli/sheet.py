"""How do mismatches become a spreadsheet, and how is a filled-in one read again?

CSV as the common programs take it: a byte order mark, ids kept as text by a trailing tab, nothing
that a program would run as a formula. UTF-8, or what a Chinese Windows saves (GB 18030).
"""

import csv
import io
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

from service.core.errors import GiveUp
from service.core.report.cells import guarded, guarded_id
from service.ledger.desk import Act
from service.ledger.reads import MismatchRow
from service.work.statement.csv_table import encoding_of

FILE_BYTES_LIMIT = 64 * 1024 * 1024
_SHOWN = (
    "number", "rule", "severity", "state", "account", "kind", "id", "ours", "theirs", "currency",
    "found_at",
)  # fmt: skip
_FILLED = ("act", "note", "owner", "until")


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
    return text if text.lstrip("-").isdigit() else guarded(text)


def read(file: Path, who: str, now: datetime) -> tuple[list[tuple[Act, list[int]]], list[str]]:
    """What the sheet says is to be done, and what is wrong with which line.

    Lines without an act are left alone. Raises GiveUp for a file that is no such sheet.
    """
    done: list[tuple[Act, list[int]]] = []
    problems: list[str] = []
    seen: set[int] = set()
    for line, row in _rows(file):
        if not row.get("act"):
            continue
        try:
            number = int(row["number"])
            act = Act(row["act"], who, row["note"], _owner(row), _until(row["until"]))
            problem = act.problem(now) or ("is there twice" if number in seen else None)
        except ValueError as error:
            problems.append(f"line {line}: {error}")
            continue
        if problem:
            problems.append(f"line {line}: {problem}")
        seen.add(number)
        done.append((act, [number]))
    return done, problems


def _owner(row: Mapping[str, str]) -> str | None:
    """The column shows who it belongs to already; only assign gives it to somebody."""
    return row["owner"] or None if row["act"] == "assign" else None


def _until(text: str) -> datetime | None:
    if not text:
        return None
    until = datetime.fromisoformat(text)
    if until.tzinfo is None:
        raise ValueError("until needs its zone, as in 2026-12-31T00:00:00+08:00")
    return until


def _rows(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.reader(io.StringIO(_text(file), newline=""), strict=True)
    try:
        head = [name.strip() for name in next(reader, list[str]())]
        missing = [name for name in ("number", *_FILLED) if name not in head]
        if missing:
            raise GiveUp(f"{file} is no sheet of mismatches: it lacks {', '.join(missing)}")
        for cells in reader:
            padded = [*cells, *[""] * (len(head) - len(cells))]
            yield reader.line_num, dict(zip(head, map(str.strip, padded), strict=False))
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
