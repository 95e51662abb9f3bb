"""What CSV holds is text that no program runs, in a file that is there whole or not at all."""

import csv
import io
import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from service.core.errors import GiveUp, Unwritable
from service.core.report.sheet import Column, Document, Form, Language, Look, Sheet, Words
from service.outbound.files import csv_file
from service.outbound.files.place import new_file

LOOK = Look(Language.ZH, ZoneInfo("Asia/Shanghai"))
TITLE = Words("表", "table")


def rows_of(form: Form, *values: Any) -> list[str]:
    sheet = Sheet("s", TITLE, (Column("c", "列", "c", form),), [(value,) for value in values])
    out = io.BytesIO()
    csv_file.write(Document("d", TITLE, (), (sheet,)), out, LOOK, lambda: None)
    text = out.getvalue().decode("utf-8")
    assert text.startswith("\ufeff列\r\n")
    return [row[0] if row else "" for row in csv.reader(io.StringIO(text, newline=""))][1:]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", "'=1+1"),
        (" =1+1", "' =1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=1", "'�=1"),
        ("\r=1", "'�=1"),
        ("＝1", "'＝1"),
        ("\0=1", "�=1"),
        ("a\r\nb", "a��b"),
        ("a\u202eb", "a�b"),
        ("商品 A", "商品 A"),
        ("", ""),
        (None, ""),
    ],
)
def test_a_text_is_never_a_formula(text: str | None, shown: str) -> None:
    assert rows_of(Form.TEXT, text) == [shown]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("201260101000000000000001", "201260101000000000000001\t"),
        ("002", "002\t"),
        ("1e5", "1e5\t"),
        ("2026-11-23", "2026-11-23\t"),
        ("ch_1", "ch_1"),
        ("-2", "'-2"),
    ],
)
def test_an_id_stays_text(text: str, shown: str) -> None:
    assert rows_of(Form.ID, text) == [shown]


def test_amounts_are_plain_decimals() -> None:
    assert rows_of(Form.AMOUNT, 0, 5, -5, 123_456_789_012_345_678, None) == [
        "0.00",
        "0.05",
        "-0.05",
        "1234567890123456.78",
        "",
    ]


def test_times_are_of_the_business_zone_and_days_as_they_are() -> None:
    assert rows_of(Form.TIME, datetime(2026, 12, 31, 16, 0, 1, tzinfo=UTC)) == [
        "2027-01-01 00:00:01"
    ]
    assert rows_of(Form.DAY, date(2028, 2, 29)) == ["2028-02-29"]


def interrupted(path: Path) -> None:
    with new_file(path) as out:
        out.write(b"half")
        assert not path.exists()
        raise KeyboardInterrupt


def overtaken(path: Path) -> None:
    with new_file(path) as out:
        out.write(b"ours")
        path.write_bytes(b"theirs")


def test_a_file_is_there_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with pytest.raises(KeyboardInterrupt):
        interrupted(path)
    assert list(tmp_path.iterdir()) == []
    with new_file(path) as out:
        out.write(b"whole")
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (b"whole", [path])
    assert path.stat().st_mode & 0o077 == 0


def test_a_file_that_is_there_is_replaced_only_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"old")
    with pytest.raises(GiveUp, match="is there already"), new_file(path):
        pass
    with new_file(path, force=True) as out:
        out.write(b"new")
    assert path.read_bytes() == b"new"


def test_a_file_that_came_meanwhile_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with pytest.raises(GiveUp, match="is there already"):
        overtaken(path)
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (b"theirs", [path])


def test_no_folder_and_no_room_are_said(tmp_path: Path) -> None:
    with pytest.raises(Unwritable, match="No such file"), new_file(tmp_path / "no" / "a.csv"):
        pass
    with (
        pytest.raises(Unwritable, match="No space left"),
        new_file(tmp_path / "a.csv"),
        Path("/dev/full").open("wb", buffering=0) as full,
    ):
        os.write(full.fileno(), b"x")
    assert list(tmp_path.iterdir()) == []
