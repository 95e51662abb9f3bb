"""Which rows does a file have? CSV or XLSX, told apart by its first bytes."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from service.core.statement.lines import Row
from service.core.statement.mapping import Reading
from service.work.statement.csv_table import csv_rows
from service.work.statement.limits import (
    CELLS_LIMIT,
    CHUNK_BYTES,
    FILE_BYTES_LIMIT,
    ROWS_LIMIT,
    BadFile,
)
from service.work.statement.xlsx_table import xlsx_rows

_ZIP = b"PK\x03\x04"
_WRONG = {
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "is an old or an encrypted Excel file: save it as XLSX"
    " without a password, or as CSV",
    b"%PDF": "is a PDF: statements are CSV or XLSX",
    b"\x1f\x8b": "is packed with gzip: unpack it first",
    b"\xff\xfe": "is UTF-16: save it as CSV in UTF-8",
    b"\xfe\xff": "is UTF-16: save it as CSV in UTF-8",
    b"Rar!": "is a RAR archive: unpack it first",
    b"7z\xbc\xaf": "is a 7z archive: unpack it first",
}


def digest_of(path: Path) -> str:
    """The sha256 of a file's bytes; raises BadFile for what is no file, empty or too large."""
    digest = hashlib.sha256()
    try:
        if not path.is_file():
            raise BadFile(f"{path.name}: is not a file")
        size = path.stat().st_size
        if not 0 < size <= FILE_BYTES_LIMIT:
            raise BadFile(f"{path.name}: has {size:,} bytes; 1 to {FILE_BYTES_LIMIT:,} can be read")
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
    except OSError as error:
        raise BadFile(f"{path.name}: cannot be read: {error.strerror}") from None
    except ValueError:
        raise BadFile("the path holds a NUL byte") from None
    return digest.hexdigest()


def is_xlsx(path: Path) -> bool:
    """Whether it is a ZIP, as XLSX is; raises BadFile for what is known to be neither."""
    with path.open("rb") as file:
        head = file.read(8)
    for magic, sentence in _WRONG.items():
        if head.startswith(magic):
            raise BadFile(f"{path.name}: {sentence}")
    return head.startswith(_ZIP)


def rows_of(path: Path, reading: Reading) -> Iterator[Row]:
    """Every row that is not empty, one at a time; raises BadFile where reading cannot go on."""
    read = xlsx_rows if is_xlsx(path) else csv_rows
    for count, row in enumerate(read(path, reading), 1):
        if count > ROWS_LIMIT:
            raise BadFile(f"{path.name}: has more than {ROWS_LIMIT:,} rows")
        if len(row.cells) > CELLS_LIMIT:
            raise BadFile(f"{path.name}: line {row.number} has more than {CELLS_LIMIT} cells")
        yield row
