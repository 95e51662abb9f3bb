"""A report's file, opened again with another library: how many rows, and what they add up to."""

import csv
import io
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from html.parser import HTMLParser
from importlib import import_module
from typing import Any

import openpyxl

from service.core.report.sheet import Column, Form, Language, Sheet
from service.outbound.files.formats import Shape

Sums = dict[str, dict[str, int]]


@dataclass
class Opened:
    """One sheet as the other library has it.

    rows: how many. sums: by currency and column what its rows add up to; totals: what the file
    itself says that they do, where it says so. remarks: what is said above or beside the rows.
    """

    rows: int
    sums: Sums
    totals: Sums | None = None
    remarks: list[str] = field(default_factory=list[str])


def opened(data: bytes, shape: Shape, sheet: Sheet) -> Opened:
    """The first sheet of a file that was written in English."""
    return _READERS[shape](data, sheet.columns)


def _minor(value: Any) -> int:
    """Minor units of an amount as a file has it; of an empty cell none."""
    text = str(value if value is not None else "").replace(",", "").strip()
    return int(Decimal(text).quantize(Decimal("0.01")).scaleb(2)) if text else 0


def _minor_units(value: int | None) -> int:
    return value or 0


def _whole(value: Any) -> int:
    return int(str(value or 0).replace(",", "").strip() or 0)


def _added(columns: Sequence[Column], rows: Iterable[Sequence[Any]], amount: Any = _minor) -> Sums:
    """What rows in the order of the columns add up to."""
    sums: defaultdict[str, Counter[str]] = defaultdict(Counter)
    place = next((n for n, one in enumerate(columns) if one.name == "currency"), None)
    for row in rows:
        known = sums["" if place is None else str(row[place] or "")]
        for value, column in zip(row, columns, strict=True):
            if column.summed:
                known[column.name] += (amount if column.form is Form.AMOUNT else _whole)(value)
    return _plain(sums, columns)


def _plain(sums: Mapping[str, Mapping[str, int]], columns: Sequence[Column]) -> Sums:
    names = [one.name for one in columns if one.summed]
    return {key: {name: sums[key][name] for name in names} for key in sorted(sums)} if names else {}


def _said(columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> Sums:
    """The rows of totals, each called `total` and its currency."""
    found: Sums = {}
    for first, *rest in rows:
        sums = {
            one.name: (_minor if one.form is Form.AMOUNT else _whole)(value)
            for one, value in zip(columns[1:], rest, strict=True)
            if one.summed
        }
        found[str(first).removeprefix("total").strip()] = sums
    return dict(sorted(found.items()))


def _csv(data: bytes, columns: Sequence[Column]) -> Opened:
    head, *rows = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    assert head == [one.heading(Language.EN) for one in columns]
    cleaned = [[cell.strip("\t") for cell in row] for row in rows]
    return Opened(len(rows), _added(columns, cleaned))


def _xlsx(data: bytes, columns: Sequence[Column]) -> Opened:
    book = openpyxl.load_workbook(io.BytesIO(data))
    head, *rows = book.worksheets[0].iter_rows(values_only=True)
    assert head == tuple(one.heading(Language.EN) for one in columns)
    gap = next((n for n, row in enumerate(rows) if not any(v is not None for v in row)), len(rows))
    remarks = [str(row[1]) for row in book.worksheets[-1].iter_rows(values_only=True)]
    said = _said(columns, rows[gap + 1 :])
    return Opened(gap, _added(columns, rows[:gap]), said, remarks)


class _Tables(HTMLParser):
    """The rows of each table's parts, and what is said above them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.parts: list[tuple[str, list[list[str]]]] = []
        self.remarks: list[str] = []
        self._into: list[str] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("thead", "tbody", "tfoot"):
            self.parts.append((tag, []))
        elif tag == "tr":
            self.parts[-1][1].append([])
        elif tag in ("td", "th", "dd"):
            self._into = self.remarks if tag == "dd" else self.parts[-1][1][-1]
            self._into.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "dd"):
            self._into = None

    def handle_data(self, data: str) -> None:
        if self._into is not None:
            self._into[-1] += data


def _html(data: bytes, columns: Sequence[Column]) -> Opened:
    page = _Tables(data.decode())
    (_, (head,)), (_, rows), (_, (*totals, count)) = page.parts[:3]
    assert head == [one.heading(Language.EN) for one in columns]
    assert count == [f"{len(rows):,} rows"]
    said = _said(columns, totals)
    return Opened(len(rows), _added(columns, rows), said, page.remarks)


def _parquet(data: bytes, columns: Sequence[Column]) -> Opened:
    # no types are known of them
    arrow: Any = import_module("pyarrow")
    parquet: Any = import_module("pyarrow.parquet")
    table: Any = parquet.read_table(arrow.BufferReader(data))
    assert table.column_names == [one.name for one in columns]
    rows = [[row[one.name] for one in columns] for row in table.to_pylist()]
    metadata: dict[bytes, bytes] = table.schema.metadata or {}
    remarks = [text.decode() for text in metadata.values()]
    return Opened(table.num_rows, _added(columns, rows), None, remarks)


def _jsonl(data: bytes, columns: Sequence[Column]) -> Opened:
    lines = [json.loads(line) for line in data.splitlines()]
    rows = [[line[one.name] for one in columns] for line in lines]
    return Opened(len(rows), _added(columns, rows, amount=_minor_units))


def _beancount(data: bytes, columns: Sequence[Column]) -> Opened:
    """Its parser and its own check: every transaction balances, every account was opened."""
    # no types are known of it
    loader: Any = import_module("beancount.loader")
    entries, errors, _ = loader.load_string(data.decode())
    assert errors == []
    told = [one for one in entries if type(one).__name__ == "Transaction"]
    sums: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for posting in (each for one in told for each in one.postings):
        side = "debit" if posting.units.number > 0 else "credit"
        sums[posting.units.currency.lower()][side] += _minor(abs(posting.units.number))
    return Opened(2 * len(told), _plain(sums, columns))


_READERS: Mapping[Shape, Callable[[bytes, Sequence[Column]], Opened]] = {
    Shape.CSV: _csv,
    Shape.XLSX: _xlsx,
    Shape.HTML: _html,
    Shape.PARQUET: _parquet,
    Shape.JSONL: _jsonl,
    Shape.BEANCOUNT: _beancount,
}
