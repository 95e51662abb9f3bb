"""What each format holds, opened again with another library."""

import io
import json
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from service.core.errors import GiveUp, Unwritable
from service.core.report.glossary import STATUSES
from service.core.report.sheet import (
    Column,
    Document,
    Form,
    Language,
    Look,
    Remark,
    Sheet,
    Words,
    Written,
)
from service.outbound.files import html_page, xlsx
from service.outbound.files.formats import FORMATS, Shape
from service.outbound.files.place import new_file
from tests.disks import disk_of

LOOK = Look(Language.ZH, ZoneInfo("Asia/Shanghai"))
TITLE = Words("订单[1]/明细", "orders")
COLUMNS = (
    Column("id", "编号", "id", Form.ID),
    Column("text", "文字", "text"),
    Column("status", "状态", "status", Form.WORD, labels=STATUSES),
    Column("currency", "币种", "currency"),
    Column("amount", "金额", "amount", Form.AMOUNT, summed=True),
    Column("count", "笔数", "count", Form.COUNT, summed=True),
    Column("rate", "费率", "rate", Form.PERCENT),
    Column("at", "时间", "at", Form.TIME),
    Column("day", "业务日", "day", Form.DAY),
)
AT = datetime(2026, 12, 31, 16, 0, 1, 999_999, tzinfo=UTC)
ID = "201260101000000000000001"
SCRIPT = "<script>alert(1)</script>{{7*7}}"
ROWS = [
    (ID, "=1+1", "paid", "cny", 123_456, 2, 60, AT, date(2028, 2, 29)),
    ("007", SCRIPT, "unknown:odd", "usd", -5, 1, None, None, None),
    (None, "a\0\u202eb", "failed", "cny", 1, 3, 38, AT, date(2026, 11, 23)),
]


def document(rows: Any = ROWS) -> Document:
    sheet = Sheet("orders", TITLE, COLUMNS, rows)
    second = Sheet("sums", Words("汇总", "sums"), COLUMNS[3:5], [("cny", 7)])
    remarks = (
        Remark(Words("业务日", "days"), Words("全部", "all")),
        Remark(Words("结账", "closing"), Words("未结账", "not closed"), warns=True),
    )
    return Document("orders", TITLE, remarks, (sheet, second))


def write(shape: Shape, rows: Any = ROWS, look: Look = LOOK) -> tuple[bytes, list[Written]]:
    out = io.BytesIO()
    done = FORMATS[shape].write(document(rows), out, look, lambda: None)
    return out.getvalue(), done


def workbook(data: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(data))


@pytest.fixture(scope="module")
def book() -> Any:
    return workbook(write(Shape.XLSX)[0])


def test_a_workbook_has_every_sheet_and_says_what_it_is_of(book: Any) -> None:
    assert book.sheetnames == ["订单_1__明细", "汇总", "说明"]
    about = [tuple(row) for row in book["说明"].iter_rows(values_only=True)]
    assert about[1:] == [
        ("业务日", "全部"),
        ("结账", "未结账"),
        ("订单[1]/明细 · 行数", 3),
        ("汇总 · 行数", 1),
    ]


def test_cells_are_typed_and_ids_are_text(book: Any) -> None:
    page = book.worksheets[0]
    head, first, second, third = list(page.iter_rows(min_row=1, max_row=4, values_only=True))
    assert head == tuple(column.zh for column in COLUMNS)
    midnight = AT.astimezone(LOOK.zone).replace(tzinfo=None, microsecond=0)
    leap = midnight.replace(2028, 2, 29, 0, 0, 0)
    assert first == (
        ID, "=1+1", "已支付", "cny", 1234.56, 2, 0.006, midnight, leap
    )  # fmt: skip
    assert second[:6] == ("007", SCRIPT, "unknown:odd", "usd", -0.05, 1)
    assert third[:2] == (None, "a��b")
    assert [cell.data_type for cell in page[2]] == ["s", "s", "s", "s", "n", "n", "n", "d", "d"]
    assert page["E2"].number_format == "#,##0.00"


def test_headings_stay_and_filter_and_totals_are_by_currency(book: Any) -> None:
    page = book.worksheets[0]
    assert (page.freeze_panes, page.auto_filter.ref) == ("A2", "A1:I4")
    totals = list(page.iter_rows(min_row=6, values_only=True))
    assert [(row[0], row[4], row[5]) for row in totals] == [
        ("合计 cny", 1234.57, 5),
        ("合计 usd", -0.05, 1),
    ]


def test_a_sheet_that_is_full_goes_on_in_the_next() -> None:
    out = io.BytesIO()
    rows = [(str(n), "", "paid", "cny", n, 1, None, None, None) for n in range(7)]
    xlsx.write(document(rows), out, LOOK, lambda: None, sheet_rows=xlsx.TOTALS_ROOM + 3)
    book = workbook(out.getvalue())
    assert book.sheetnames[:3] == ["订单_1__明细", "订单_1__明细 (2)", "订单_1__明细 (3)"]
    found = [page.cell(row, 1).value for page in book.worksheets[:3] for row in range(2, 5)]
    assert [value for value in found if value and value.isdigit()] == [str(n) for n in range(7)]
    assert [row[4] for row in book.worksheets[2].iter_rows(min_row=4, values_only=True)] == [0.21]


def test_a_workbook_without_rows_opens() -> None:
    page = workbook(write(Shape.XLSX, [])[0]).worksheets[0]
    assert (page.max_row, page.auto_filter.ref) == (1, None)


def test_a_workbook_that_is_broken_off_leaves_nothing(tmp_path: Path) -> None:
    def rows() -> Iterator[Any]:
        yield ROWS[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), new_file(tmp_path / "a.xlsx") as out:
        FORMATS[Shape.XLSX].write(document(rows()), out, LOOK, lambda: None)
    assert list(tmp_path.iterdir()) == []


class Page(HTMLParser):
    """The tags of a page, and the text of its cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.cells: list[str] = []
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._inside = tag in ("td", "th")
        if self._inside:
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.cells[-1] += data


def test_a_page_shows_all_and_runs_nothing() -> None:
    data, done = write(Shape.HTML)
    page = Page(data.decode())
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert page.cells[9:18] == [
        ID, "=1+1", "已支付", "cny", "1,234.56", "2", "0.60%", "2027-01-01 00:00:01", "2028-02-29"
    ]  # fmt: skip
    assert SCRIPT in page.cells
    assert "合计 cny" in page.cells
    assert "1,234.57" in page.cells
    assert "共 3 行" in page.cells
    assert '<dd class="open">未结账</dd>' in data.decode()
    assert 'lang="zh-CN"' in data.decode()
    assert done[0].totals == (
        ("cny", {"amount": 123_457, "count": 5}),
        ("usd", {"amount": -5, "count": 1}),
    )


def test_a_page_of_too_many_rows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html_page, "ROWS_LIMIT", 2)
    with pytest.raises(GiveUp, match="a page holds 2 rows"):
        write(Shape.HTML)


def test_parquet_is_typed_and_exact() -> None:
    # no types are known of them
    arrow: Any = import_module("pyarrow")
    parquet: Any = import_module("pyarrow.parquet")
    data, done = write(Shape.PARQUET)
    table: Any = parquet.read_table(arrow.BufferReader(data))
    assert table.column_names == [column.name for column in COLUMNS]
    first = table.to_pylist()[0]
    assert (first["id"], first["status"], first["amount"]) == (ID, "paid", Decimal("1234.56"))
    assert (first["at"], first["day"]) == (AT, date(2028, 2, 29))
    assert table.schema.metadata[b"closing"] == b"not closed"
    assert done[0].rows == table.num_rows == 3


def test_parquet_without_its_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(GiveUp, match=r"pip install 'pingledger\[parquet\]'"):
        write(Shape.PARQUET)


def test_json_lines_are_for_programs() -> None:
    first = json.loads(write(Shape.JSONL)[0].splitlines()[0])
    assert (first["id"], first["amount"], first["status"]) == (ID, 123_456, "paid")
    assert (first["at"], first["day"]) == ("2026-12-31T16:00:01.999999Z", "2028-02-29")


@pytest.mark.parametrize("shape", [Shape.CSV, Shape.XLSX, Shape.HTML])
def test_english_is_there_too(shape: Shape) -> None:
    data, _ = write(shape, look=Look(Language.EN, ZoneInfo("UTC")))
    if shape is Shape.XLSX:
        page = workbook(data).worksheets[0]
        assert (page["A1"].value, page["C2"].value) == ("id", "paid")
    else:
        assert "status" in data.decode()
        assert "状态" not in data.decode()


@pytest.mark.parametrize("shape", [Shape.CSV, Shape.XLSX, Shape.HTML])
def test_a_disk_that_fills_up_leaves_no_half_report(shape: Shape, tmp_path: Path) -> None:
    path = tmp_path / f"orders.{shape}"
    many = (ROWS[number % len(ROWS)] for number in range(20_000))
    with (
        disk_of(400_000),
        pytest.raises(Unwritable, match=r"cannot be written: File too large"),
        new_file(path) as out,
    ):
        FORMATS[shape].write(document(many), out, LOOK, lambda: None)
    assert list(tmp_path.iterdir()) == []
