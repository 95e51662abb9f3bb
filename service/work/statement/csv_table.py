"""Which rows does a CSV file have? In UTF-8 or GB18030, whatever parts its cells."""

import codecs
import csv
import threading
from collections.abc import Iterator
from pathlib import Path

from service.core.statement.lines import Row, columns_of
from service.core.statement.mapping import Reading
from service.work.statement.limits import CELL_LIMIT, CHUNK_BYTES, PREAMBLE_ROWS, BadFile

_DELIMITERS = {"comma": ",", "tab": "\t", "semicolon": ";", "pipe": "|"}
_ENCODINGS = {"utf-8": "utf-8-sig", "gbk": "gb18030", "gb18030": "gb18030"}
# the limit of a cell is the csv module's own, and one for the whole process
_limiting = threading.Lock()


def csv_rows(path: Path, reading: Reading) -> Iterator[Row]:
    """The rows with the number of the line each begins at."""
    encoding = encoding_of(path, reading.encoding)
    with _limiting:
        csv.field_size_limit(CELL_LIMIT)
    delimiter = _delimiter(path, encoding, reading)
    yield from _read(path, encoding, delimiter)


def _read(path: Path, encoding: str, delimiter: str) -> Iterator[Row]:
    with path.open(encoding=encoding, newline="") as file:
        parsed = csv.reader(file, delimiter=delimiter)
        begins = 1
        try:
            for cells in parsed:
                if any(cells):
                    yield Row(begins, cells)
                begins = parsed.line_num + 1
        except csv.Error:
            raise BadFile(
                f"{path.name}: line {begins}: a cell is longer than {CELL_LIMIT:,} letters;"
                " is a quotation mark left open?"
            ) from None
        except UnicodeDecodeError:
            raise BadFile(f"{path.name}: after line {begins}: is not {encoding} text") from None


def encoding_of(path: Path, asked: str = "auto") -> str:
    """What it is written in: as asked, else UTF-8 when all of it is that, else GB18030."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    utf8 = True
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            if b"\0" in chunk:
                raise BadFile(f"{path.name}: holds NUL bytes: it is neither CSV nor XLSX")
            if utf8:
                utf8 = _decodes(decoder, chunk)
    utf8 = utf8 and _decodes(decoder, b"", final=True)
    if asked != "auto":
        return _ENCODINGS[asked]
    return "utf-8-sig" if utf8 else "gb18030"


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True


def _delimiter(path: Path, encoding: str, reading: Reading) -> str:
    """The one with which the headings are found, first; the comma when none is."""
    if reading.delimiter != "auto":
        return _DELIMITERS[reading.delimiter]
    for delimiter in _DELIMITERS.values():
        for count, row in enumerate(_read(path, encoding, delimiter)):
            if count >= PREAMBLE_ROWS:
                break
            if columns_of(reading, row.cells) is not None:
                return delimiter
    return ","
