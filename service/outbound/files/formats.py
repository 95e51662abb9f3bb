"""Which formats are there, how is each file called, and who writes it?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO

from service.core.report.sheet import Document, Look, Written
from service.outbound.files import csv_file

Write = Callable[[Document, BinaryIO, Look, Callable[[], None]], list[Written]]


class Shape(StrEnum):
    """The name of a format, which is also the end of its files' names."""

    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Format:
    """One format. seeks: it is written into a file only, and not into a pipe."""

    media_type: str
    write: Write
    seeks: bool = False


FORMATS: Mapping[Shape, Format] = {
    Shape.CSV: Format("text/csv; charset=utf-8", csv_file.write),
}
TABLES = (Shape.CSV,)
