"""Which rows does an XLSX file have? Its cells as they are written, never by way of a float.

An XLSX is a ZIP of XML. It is read as a stream by the standard library's parser, which refuses
here every declaration of a document type, so that no entity is ever expanded; what unpacks to too
much is refused by counting what really comes out.
"""

import zipfile
import zlib
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any
from xml.parsers import expat

from service.core.statement.lines import Row
from service.core.statement.mapping import Reading
from service.work.statement.limits import CELL_LIMIT, CELLS_LIMIT, CHUNK_BYTES, BadFile

# What all parts that are read may unpack to.
UNPACKED_BYTES_LIMIT = 2 * 1024 * 1024 * 1024
# A spreadsheet packs to a tenth or so; a bomb to a thousandth.
RATIO_LIMIT = 200
_RATIO_FREE_BYTES = 16 * 1024 * 1024
TEXTS_BYTES_LIMIT = 128 * 1024 * 1024
MEMBERS_LIMIT = 10_000
SHEETS_LIMIT = 256
_SMALL_BYTES_LIMIT = 4 * 1024 * 1024
_FEED_BYTES = 64 * 1024
_LETTERS = 26
_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError)


def xlsx_rows(path: Path, reading: Reading) -> Iterator[Row]:
    """The rows of the sheet that the mapping names, else of the first; numbers are marked raw."""
    try:
        with zipfile.ZipFile(path) as archive:
            if len(archive.infolist()) > MEMBERS_LIMIT:
                raise BadFile(f"{path.name}: holds too many parts for a spreadsheet")
            book = _Book(path.name, archive, _allowed(path.stat().st_size))
            yield from book.rows(reading.sheet)
    except _ERRORS:
        raise BadFile(f"{path.name}: is not a sound XLSX file") from None
    except expat.ExpatError:
        raise BadFile(f"{path.name}: a part of it is not sound XML") from None


def _allowed(size: int) -> int:
    """To how many bytes the parts of a file of this size may unpack."""
    return min(UNPACKED_BYTES_LIMIT, _RATIO_FREE_BYTES + RATIO_LIMIT * size)


class _Texts:
    """The shared texts, packed one behind the other: a million of them are their bytes."""

    def __init__(self) -> None:
        self._bytes, self._ends = bytearray(), array("Q", [0])

    def add(self, text: str) -> bool:
        """Keep one more; False when there is no room for it."""
        self._bytes += text.encode()
        self._ends.append(len(self._bytes))
        return len(self._bytes) + 8 * len(self._ends) <= TEXTS_BYTES_LIMIT

    def __getitem__(self, number: int) -> str:
        if not 0 <= number < len(self._ends) - 1:
            raise zipfile.BadZipFile
        return self._bytes[self._ends[number] : self._ends[number + 1]].decode()


class _Book:
    """One workbook that is being read."""

    def __init__(self, name: str, archive: zipfile.ZipFile, allowed: int) -> None:
        self._name = name
        self._allowed = allowed
        self._archive = archive
        self._unpacked = 0

    def rows(self, sheet: str) -> Iterator[Row]:
        """Find the sheet, read the shared texts, then stream its rows."""
        member = self._member(sheet)
        texts = self._texts()
        reader = _SheetReader(self._name, texts)
        with self._open(member) as part:
            for _ in self._feed(part, reader.parser):
                yield from reader.take()

    def _open(self, member: str) -> IO[bytes]:
        try:
            info = self._archive.getinfo(member)
        except KeyError:
            raise BadFile(f"{self._name}: is a ZIP, but no XLSX file") from None
        if info.flag_bits & 1:
            raise BadFile(f"{self._name}: is encrypted: save it without a password")
        return self._archive.open(info)

    def _feed(self, part: IO[bytes], parser: Any) -> Iterator[None]:
        while chunk := part.read(_FEED_BYTES):
            self._unpacked += len(chunk)
            if self._unpacked > self._allowed:
                raise BadFile(
                    f"{self._name}: unpacks to more than {self._allowed // CHUNK_BYTES:,} MB"
                )
            parser.Parse(chunk, False)
            yield
        parser.Parse(b"", True)
        yield

    def _small(self, member: str, start: Callable[[str, dict[str, str]], None]) -> None:
        """Read a part that only lists things."""
        parser = _parser(self._name)
        parser.StartElementHandler = start
        with self._open(member) as part:
            data = part.read(_SMALL_BYTES_LIMIT + 1)
        if len(data) > _SMALL_BYTES_LIMIT:
            raise BadFile(f"{self._name}: {member} is too large")
        parser.Parse(data, True)

    def _member(self, sheet: str) -> str:
        """The part that holds the sheet of this name, else the first."""
        sheets: dict[str, str] = {}
        targets: dict[str, str] = {}

        def on_sheet(tag: str, attributes: dict[str, str]) -> None:
            if _bare(tag) == "workbookPr" and attributes.get("date1904") in ("1", "true"):
                raise BadFile(f"{self._name}: counts its days from 1904: save it as CSV")
            if _bare(tag) == "sheet" and len(sheets) < SHEETS_LIMIT:
                link = next((v for k, v in attributes.items() if _bare(k) == "id"), "")
                sheets[attributes.get("name", "")] = link

        def on_target(tag: str, attributes: dict[str, str]) -> None:
            if _bare(tag) == "Relationship":
                targets[attributes.get("Id", "")] = attributes.get("Target", "")

        self._small("xl/workbook.xml", on_sheet)
        self._small("xl/_rels/workbook.xml.rels", on_target)
        if sheet and sheet not in sheets:
            raise BadFile(f"{self._name}: has no sheet called as the mapping says")
        link = sheets[sheet] if sheet else next(iter(sheets.values()), "")
        target = targets.get(link, "worksheets/sheet1.xml")
        return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"

    def _texts(self) -> _Texts:
        texts, member = _Texts(), "xl/sharedStrings.xml"
        if member not in self._archive.namelist():
            return texts
        parser = _TextsReader(self._name, texts).parser
        with self._open(member) as part:
            for _ in self._feed(part, parser):
                pass
        return texts


class _TextsReader:
    """Collects the shared texts; how a text is pronounced is no part of it."""

    def __init__(self, name: str, texts: _Texts) -> None:
        self._name = name
        self._texts = texts
        self._parts: list[str] = []
        self._is_text = self._is_phonetic = False
        self.parser = _parser(name)
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._data

    def _start(self, tag: str, _attributes: dict[str, str]) -> None:
        match _bare(tag):
            case "si":
                self._parts = []
            case "rPh":
                self._is_phonetic = True
            case "t":
                self._is_text = not self._is_phonetic
            case _:
                pass

    def _end(self, tag: str) -> None:
        match _bare(tag):
            case "t":
                self._is_text = False
            case "rPh":
                self._is_phonetic = False
            case "si":
                if not self._texts.add("".join(self._parts)[:CELL_LIMIT]):
                    raise BadFile(f"{self._name}: holds more text than can be kept at hand")
            case _:
                pass

    def _data(self, text: str) -> None:
        if self._is_text and len(self._parts) < CELL_LIMIT:
            self._parts.append(text)


class _SheetReader:
    """Collects rows while the parser is fed."""

    def __init__(self, name: str, texts: _Texts) -> None:
        self._name = name
        self._texts = texts
        self._rows: list[Row] = []
        self._number = 0
        self._cells: list[str] = []
        self._raw: set[int] = set()
        self._kind, self._column = "", 0
        self._reading = False
        self._parts: list[str] = []
        self.parser = _parser(name)
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._data

    def take(self) -> list[Row]:
        """The rows that are complete."""
        rows, self._rows = self._rows, []
        return rows

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        match _bare(tag):
            case "row":
                number = attributes.get("r", "")
                self._number = int(number) if number.isdecimal() else self._number + 1
                self._cells, self._raw = [], set()
            case "c":
                self._kind = attributes.get("t", "n")
                self._column = self._place(attributes.get("r", ""))
                self._parts = []
            case "v" | "t":
                self._reading = True
            case _:
                pass

    def _end(self, tag: str) -> None:
        match _bare(tag):
            case "v" | "t":
                self._reading = False
            case "c":
                self._put("".join(self._parts))
            case "row":
                if any(self._cells):
                    self._rows.append(Row(self._number, self._cells, frozenset(self._raw)))
            case _:
                pass

    def _data(self, text: str) -> None:
        if self._reading:
            self._parts.append(text)
            if len(self._parts) > CELL_LIMIT:
                raise BadFile(f"{self._name}: row {self._number} has a cell that is too long")

    def _place(self, reference: str) -> int:
        """The column of "BC12", counted from 0; without one, behind the last."""
        letters = reference.rstrip("0123456789")
        if not letters:
            return len(self._cells)
        place = 0
        for letter in letters[:4].upper():
            place = place * _LETTERS + ord(letter) - ord("A") + 1
        if not 1 <= place <= CELLS_LIMIT:
            raise BadFile(f"{self._name}: row {self._number} has more than {CELLS_LIMIT} cells")
        return place - 1

    def _put(self, text: str) -> None:
        """What the cell shows: a formula is what it came to, an error is text like any other."""
        if self._kind == "s":
            text = self._texts[int(text)] if text.isdecimal() else ""
        elif self._kind == "n" and text:
            self._raw.add(self._column)
        missing = self._column + 1 - len(self._cells)
        if missing > 0:
            self._cells += [""] * missing
        self._cells[self._column] = text[: CELL_LIMIT + 1]


def _parser(name: str) -> Any:
    parser: Any = expat.ParserCreate()
    parser.buffer_text = True

    def refuse(*_: object) -> None:
        raise BadFile(f"{name}: declares a document type, which no spreadsheet does")

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    return parser


def _bare(tag: str) -> str:
    return tag.rpartition(":")[2]
