"""Is a file read as its source wrote it, all of it or nothing, and once?"""

import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from service.core.statement.mapping import READY, Reading
from service.ledger import statements
from service.ledger.engine import Ledger
from service.ledger.schema import statement_lines
from service.ledger.schema import statements as statements_table
from service.work.statement import limits, xlsx_table
from service.work.statement.limits import BadFile
from service.work.statement.take import Order, Refusal, preview, take
from tests import bills
from tests.books import rows_of

DAY = 20_779  # 2026-11-22
BOOK = "type,order_no,amount,at,status\n"


def order(path: Path, source: str, reading: Reading | None = None, **more: Any) -> Order:
    return Order(path, "shop", source, reading or READY[source], **more)


def write(folder: Path, text: str, encoding: str = "utf-8", name: str = "bill.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def kept(ledger: Ledger) -> list[tuple[Any, ...]]:
    return [
        (r["what"], r["order_no"], r["amount"], r["fee"], r["done"], r["day"])
        for r in rows_of(ledger, statement_lines)
    ]


def test_a_bill_of_wechat_pay_is_read(ledger: Ledger, tmp_path: Path, now: datetime) -> None:
    text = bills.wechat(
        [
            bills.wechat_line("M1", "88.88", fee="0.53"),
            bills.wechat_line("M1", "88.88", refund="8.00", fee="-0.05"),
            bills.wechat_line("M2", "1.00", refund="1.00", refund_status="PROCESSING"),
        ]
    )
    taken = take(ledger, order(write(tmp_path, text), "wechat"), now=now)
    assert kept(ledger) == [
        ("payment", "M1", 8888, 53, True, DAY),
        ("refund", "M1", 800, 5, True, DAY),
        ("refund", "M2", 100, 0, False, DAY),
    ]
    first = rows_of(ledger, statement_lines)[0]
    assert first["transaction_no"] == "42000M1"
    assert first["at"] == datetime(2026, 11, 22, 2, tzinfo=UTC)
    assert taken.seen.amount == {"payment": 8888, "refund": 900}


def test_a_bill_of_alipay_is_read(ledger: Ledger, tmp_path: Path, now: datetime) -> None:
    text = bills.alipay(
        [
            bills.alipay_line("M1", "1088.88", fee="-0.53"),
            bills.alipay_line("M1", "-8.00", refund="HZ1"),
        ]
    )
    take(ledger, order(write(tmp_path, text, "gb18030"), "alipay"), now=now)
    assert kept(ledger) == [
        ("payment", "M1", 108_888, 53, True, DAY),
        ("refund", "M1", 800, 0, True, DAY),
    ]


def test_a_trade_bill_of_yeepay_is_read(ledger: Ledger, tmp_path: Path, now: datetime) -> None:
    lines = [bills.yeepay_line("M1", "1300.00", fee="4.94"), bills.yeepay_line("M1", "-8.00")]
    lines.append(bills.yeepay_line("M2", "1,000.00", at="2026-11-21 23:55:51"))
    take(ledger, order(write(tmp_path, bills.yeepay(lines), "gb18030"), "yeepay"), now=now)
    assert kept(ledger) == [
        ("payment", "M1", 130_000, 494, True, DAY),
        ("refund", "M1", 800, 0, True, DAY),
        # it is on the bill of the day on which it was booked
        ("payment", "M2", 100_000, 0, True, DAY),
    ]
    assert {row["transaction_no"] for row in rows_of(ledger, statement_lines)} == {
        "1001M1",
        "1001M2",
    }


def test_a_banks_list_is_read(ledger: Ledger, tmp_path: Path, now: datetime) -> None:
    text = "\r\n".join(
        (
            "某银行企业网银账户明细,,,,,",
            "账号：（略）,,,币种：人民币,,",
            "交易日期,交易时间,收入金额,支出金额,余额,交易流水号,附言",
            '2026-11-22,09:30:00,"1,200.00",,"9,000.00",B1,W1',
            "2026-11-22,10:00:00,,35.00,8965.00,B2,网银服务费",
            "20261122,11:00:00,８０．５０,,9045.50,B3,W2",
            "合计,,1280.50,35.00,,,",
            "",
        )
    )
    taken = take(ledger, order(write(tmp_path, text, "gbk"), "bank"), now=now)
    assert kept(ledger) == [
        ("withdrawal", "W1", 120_000, None, True, DAY),
        ("withdrawal", "W2", 8_050, None, True, DAY),
    ]
    assert taken.seen.skipped == 1


def test_nothing_of_a_payer_is_kept(ledger: Ledger, tmp_path: Path, now: datetime) -> None:
    take(
        ledger,
        order(write(tmp_path, bills.wechat([bills.wechat_line("M1", "1.00")])), "wechat"),
        now=now,
    )
    take(
        ledger,
        order(write(tmp_path, bills.alipay([bills.alipay_line("M1", "1.00")]), "gbk"), "alipay"),
        now=now,
    )
    everything = f"{rows_of(ledger, statement_lines)}{rows_of(ledger, statements_table)}"
    for secret in (bills.PAYER, "example.invalid", "茶叶"):
        assert secret not in everything


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_book_is_read_in_every_dress(
    tmp_path: Path, encoding: str, delimiter: str, ending: str
) -> None:
    rows = [
        ["某店流水"],
        ["类型", "商户订单号", "金额（元）", "备注", "时间"],
        ["支付", "M1", '"1,234.50"', '"一行\n两行，""引号"""', "2026/11/22 10:00"],
        ["退款", "M1", "（４．５０）", "=SUM(A1)", "2026-11-22"],
        ["", "", "", "", ""],
        ["支付", '"\tM2\t"', "￥3", "", "20261122", "", ""],
        ["合计", "", "9,999.00"],
    ]
    text = ending.join(delimiter.join(row) for row in rows)
    seen = preview(order(write(tmp_path, text, encoding), "book"), keep=9)
    assert [(one.number, one.what, one.order_no, one.amount) for one in seen.first] == [
        (3, "payment", "M1", 123_450),
        (5, "refund", "M1", 450),
        (7, "payment", "M2", 300),
    ]


def test_a_spreadsheet_is_read_from_the_text_of_its_cells(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    rows = (
        '<row r="2"><c r="A2" t="s"><v>0</v></c><c r="B2" t="s"><v>1</v></c>'
        '<c r="C2" t="inlineStr"><is><t>time</t></is></c></row>'
        '<row r="3"><c r="A3" t="str"><f>"20170822"&amp;"0000221911"</f>'
        "<v>201708220000221911000123</v></c>"
        '<c r="B3"><v>0.30000000000000004</v></c><c r="C3" s="1"><v>46348.5</v></c></row>'
        '<row r="5"><c r="A5" t="s"><v>2</v></c><c r="B5" t="s"><v>3</v></c>'
        '<c r="C5" t="inlineStr"><is><t>2026-11-22 12:00:00</t></is></c></row>'
    )
    bills.xlsx(path, rows, texts=["order_no", "金额", "M2", "(1,000.10)"])
    seen = preview(order(path, "book"), keep=9)
    assert [(one.number, one.what, one.order_no, one.amount, one.day) for one in seen.first] == [
        (3, "payment", "201708220000221911000123", 30, DAY),
        (5, "refund", "M2", 100_010, DAY),
    ]


def test_bad_lines_are_named_by_line_and_column_and_nothing_is_imported(
    ledger: Ledger, tmp_path: Path, now: datetime
) -> None:
    text = BOOK + (
        "payment,M1,1.00,2026-11-22,\n"
        "payment,M2,1.001,2026-11-22,\n"
        "payment,,1.00,2026-11-22,\n"
        "payment,M4\n"
        "gift,M5,1.00,2026-11-22,\n"
        "payment,M6,1.00,soon,\n"
    )
    with pytest.raises(Refusal) as refusal:
        take(ledger, order(write(tmp_path, text), "book"), now=now)
    assert [(one.number, one.column) for one in refusal.value.seen.refused] == [
        (3, "amount"),
        (4, "order_no"),
        (5, "amount"),
        (6, "type"),
        (7, "at"),
    ]
    assert rows_of(ledger, statement_lines) == rows_of(ledger, statements_table) == []


def test_refusals_are_bounded_and_counted(tmp_path: Path) -> None:
    path = write(tmp_path, BOOK + "payment,M1,x,2026-11-22,\n" * 250)
    seen = preview(order(path, "book"), keep=9)
    assert (len(seen.refused), seen.refusals) == (100, 250)


def test_the_same_file_again_changes_nothing(ledger: Ledger, tmp_path: Path, now: datetime) -> None:
    path = write(tmp_path, BOOK + "payment,M1,1.00,2026-11-22,\n")
    first = take(ledger, order(path, "book"), now=now)
    before = rows_of(ledger, statement_lines), rows_of(ledger, statements_table)
    again = take(ledger, order(path, "book"), now=now + timedelta(days=1))
    assert (again.id, again.again) == (first.id, True)
    assert (rows_of(ledger, statement_lines), rows_of(ledger, statements_table)) == before


def test_lines_of_another_file_are_known_again_and_doubles_are_not(
    ledger: Ledger, tmp_path: Path, now: datetime
) -> None:
    lines = "payment,M1,1.00,2026-11-22,\n" * 2 + "payment,M2,2.00,2026-11-22,\n"
    one = take(ledger, order(write(tmp_path, BOOK + lines, name="a.csv"), "book"), now=now)
    more = lines + "payment,M3,3.00,2026-11-22,\npayment,M1,1.00,2026-11-22,\n"
    two = take(ledger, order(write(tmp_path, BOOK + more, name="b.csv"), "book"), now=now)
    assert (one.known, two.known) == (0, 3)
    with ledger.begin() as connection:
        assert statements.remove(connection, one.id, "wrong file", now)
        assert not statements.remove(connection, one.id, "again", now)
    left = [r for r in rows_of(ledger, statement_lines) if r["statement_id"] == two.id]
    assert [r["known"] for r in left] == [False] * 5
    gone = rows_of(ledger, statements_table)[0]
    assert (gone["state"], gone["reason"], gone["removed_at"]) == ("removed", "wrong file", now)
    assert len(rows_of(ledger, statement_lines)) == 8
    # removed, it may come again
    assert take(ledger, order(tmp_path / "a.csv", "book"), now=now).known == 3


def test_an_import_that_died_leaves_nothing(ledger: Ledger, tmp_path: Path, now: datetime) -> None:
    with ledger.begin() as connection:
        statements.stage(connection, "shop", "book", "dead.csv", "0" * 64, now)
    path = write(tmp_path, BOOK + "payment,M1,1.00,2026-11-22,\n")
    take(ledger, order(path, "book"), now=now + timedelta(hours=7))
    assert [row["name"] for row in rows_of(ledger, statements_table)] == ["bill.csv"]


BAD: dict[str, tuple[bytes, str]] = {
    "an empty file": (b"", "has 0 bytes"),
    "an old Excel file, or an encrypted one": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 9,
        "encrypted",
    ),
    "a PDF": (b"%PDF-1.7 \n", "PDF"),
    "a gzip": (b"\x1f\x8b\x08", "gzip"),
    "UTF-16": ("order_no,amount,at\n".encode("utf-16"), "UTF-16"),
    "NUL bytes": (b"order_no,amount,at\n\0", "NUL"),
    "no encoding at all": (b"order_no,amount,at\n\xff\xff\xff\n", "gb18030"),
    "other headings": (b"a,b,c\n1,2,3\n", "headings"),
    "headings and no line": (b"order_no,amount,at\n", "no line"),
    "an open quotation mark": (b'order_no,amount,at\n"M1,1,\n' + b"x" * 40_000, "quotation"),
    "too many cells": (b"order_no,amount,at\n" + b"," * 300 + b"x\n", "more than 256 cells"),
    "a ZIP of something else": (b"PK\x03\x04" + b"\0" * 40, "sound XLSX"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_statement_is_refused_in_a_sentence(
    ledger: Ledger, tmp_path: Path, now: datetime, case: str
) -> None:
    data, said = BAD[case]
    path = tmp_path / "bad.csv"
    path.write_bytes(data)
    with pytest.raises(BadFile, match=said):
        take(ledger, order(path, "book"), now=now)
    assert rows_of(ledger, statements_table) == []


def test_a_folder_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere.csv"):
        with pytest.raises(BadFile, match="not a file"):
            preview(order(path, "book"), keep=1)


def test_a_bill_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    line = bills.wechat_line("M1", "1.00")
    with pytest.raises(BadFile, match="cut off"):
        preview(order(write(tmp_path, f"{bills.WECHAT_HEAD}\r\n{line}\r\n"), "wechat"), keep=1)
    with pytest.raises(BadFile, match="totals do not speak"):
        preview(order(write(tmp_path, bills.wechat([line], count=2)), "wechat"), keep=1)


LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
    "<worksheet><sheetData><row><c><v>&b;</v></c></row></sheetData></worksheet>"
)
OUTSIDE = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
    "<worksheet><sheetData><row><c><v>&a;</v></c></row></sheetData></worksheet>"
)


@pytest.mark.parametrize("sheet", [LAUGHS, OUTSIDE])
def test_xml_that_declares_anything_is_refused(tmp_path: Path, sheet: str) -> None:
    path = tmp_path / "b.xlsx"
    bills.xlsx(path, "", parts={"xl/worksheets/sheet1.xml": sheet})
    with pytest.raises(BadFile, match="document type"):
        preview(order(path, "book"), keep=1)


def test_a_bomb_is_refused_before_it_has_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.xlsx"
    bills.xlsx(path, "<row>" + "<c><v>0</v></c>" * 200 + "</row>" + " " * 60_000_000)
    assert path.stat().st_size < 100_000
    tracemalloc.start()
    try:
        with pytest.raises(BadFile, match="unpacks to more"):
            preview(order(path, "book", READY["book"]), keep=1)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_a_spreadsheet_that_is_not_sound_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "b.xlsx"
    bills.xlsx(path, "<row><c></row>")
    with pytest.raises(BadFile, match="not sound XML"):
        preview(order(path, "book"), keep=1)
    with ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "no book")
    with pytest.raises(BadFile, match="no XLSX"):
        preview(order(path, "book"), keep=1)
    bills.xlsx(path, '<row r="1"><c r="ZZZ1"><v>1</v></c></row>')
    with pytest.raises(BadFile, match="more than 256 cells"):
        preview(order(path, "book"), keep=1)


def test_the_limits_are_what_the_documents_say() -> None:
    assert limits.FILE_BYTES_LIMIT == 1024**3
    assert limits.ROWS_LIMIT == 5_000_000
    assert xlsx_table.RATIO_LIMIT == 200
