"""Which formats are there, how is each file called, and who writes it?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO

from service.core.report.sheet import Document, Look, Written
from service.outbound.files import beancount, csv_file, html_page, jsonl_file, parquet, xlsx

Write = Callable[[Document, BinaryIO, Look, Callable[[], None]], list[Written]]


class Shape(StrEnum):
    """The name of a format, which is also the end of its files' names."""

    CSV = "csv"
    XLSX = "xlsx"
    HTML = "html"
    PARQUET = "parquet"
    JSONL = "jsonl"
    BEANCOUNT = "beancount"


@dataclass(frozen=True, slots=True)
class Format:
    """One format. seeks: it is written into a file only, and not into a pipe."""

    media_type: str
    write: Write
    seeks: bool = False


FORMATS: Mapping[Shape, Format] = {
    Shape.CSV: Format("text/csv; charset=utf-8", csv_file.write),
    Shape.XLSX: Format(
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", xlsx.write, seeks=True
    ),
    Shape.HTML: Format("text/html; charset=utf-8", html_page.write),
    Shape.PARQUET: Format("application/vnd.apache.parquet", parquet.write, seeks=True),
    Shape.JSONL: Format("application/x-ndjson", jsonl_file.write),
    Shape.BEANCOUNT: Format("text/plain; charset=utf-8", beancount.write),
}
# What any table can be.
TABLES = (Shape.CSV, Shape.XLSX, Shape.HTML, Shape.PARQUET, Shape.JSONL)
