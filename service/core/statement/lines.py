"""What does one row say: a payment, a refund or a withdrawal; or what is wrong with which cell?"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from service.core.statement.cells import BadCell, clean, fen, instant, narrowed, number, word
from service.core.statement.mapping import COLUMNS, WHATS, Reading

NUMBER_LIMIT = 140
WORD_LIMIT = 40
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_CURRENCIES = {"RMB": "cny", "人民币": "cny", "人民币元": "cny"}
# An order_no, a number of the channel or an id: one of them must be there.
NUMBERS = ("order_no", "transaction_no", "refund_no", "object_id")


class Row(NamedTuple):
    """One row of a file: where it begins, its cells, which of them are a spreadsheet's numbers."""

    number: int
    cells: Sequence[str]
    raw: frozenset[int] = frozenset()


class Line(NamedTuple):
    """What one row says; amount and fee in minor units, day as days since 1970."""

    number: int
    what: str
    order_no: str | None
    transaction_no: str | None
    refund_no: str | None
    object_id: str | None
    amount: int
    fee: int | None
    currency: str
    status: str
    done: bool
    at: datetime
    day: int

    @property
    def digest(self) -> str:
        """Equal for lines that say the same, in whichever file and row they stand."""
        said = "\x1f".join(str(value) for value in self[1:])
        return hashlib.sha256(said.encode()).hexdigest()[:32]


class Refused(NamedTuple):
    """What is wrong with a row: its line, the heading of the column, a sentence."""

    number: int
    column: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the rows of one file: `found` says in which cell each of our columns stands."""

    reading: Reading
    found: Mapping[str, int]
    zone: ZoneInfo

    def line(self, row: Row) -> Line | Refused | None:
        """The line, what is wrong with it, or None for a row that is not of our business."""
        column = ""
        try:
            cells = self._cells(row)
            column = "type"
            what = self._what(cells)
            if what is None:
                return None
            column = self._amount_column(what)
            amount = self._fen(row, cells, column)
            if amount is None:
                return None if self._is_any(what) else self._refused(row, column, "is empty")
            if not what:
                what = "refund" if amount < 0 else "payment"
            column = "fee"
            fee = self._fen(row, cells, "fee")
            column = "at"
            at = self._at(row, cells)
            numbers: dict[str, str | None] = {}
            for column in NUMBERS:
                numbers[column] = self._number(row, cells, column)
            if not any(numbers.values()):
                return self._refused(row, "order_no", "no number says what this is of")
            column = "status"
            status, done = self._status(cells, what)
            column = "currency"
            currency = self._currency(cells)
        except BadCell as error:
            return self._refused(row, column, str(error))
        day = at.astimezone(self.zone).toordinal() - _EPOCH_ORDINAL
        return Line(
            row.number,
            what,
            **numbers,
            amount=abs(amount),
            fee=None if fee is None else abs(fee),
            currency=currency,
            status=status,
            done=done,
            at=at,
            day=day,
        )

    def _refused(self, row: Row, column: str, sentence: str) -> Refused:
        return Refused(row.number, self.heading(column), sentence)

    def heading(self, column: str) -> str:
        """What a column of ours is called in this source's files."""
        names = self.reading.columns.get(column)
        return names[0] if names else column

    def _cells(self, row: Row) -> dict[str, str]:
        count = len(row.cells)
        return {name: row.cells[n] if n < count else "" for name, n in self.found.items()}

    def _what(self, cells: Mapping[str, str]) -> str | None:
        """The kind of line; "" when the sign decides, None when the row is left out."""
        types = self.reading.types
        if "type" not in cells:
            return next((name for name in WHATS if self._is_any(name)), "")
        said = narrowed(clean(cells["type"])).casefold()
        for name, known in types.items():
            if any(said == narrowed(one).casefold() for one in known):
                return name
        if any(said == narrowed(one).casefold() for one in self.reading.skips):
            return None
        raise BadCell("is a type that the mapping does not name: types or skips")

    def _is_any(self, what: str) -> bool:
        """Whether every row that has an amount is of this kind."""
        return "*" in self.reading.types.get(what, ())

    def _amount_column(self, what: str) -> str:
        return "refund_amount" if what == "refund" and "refund_amount" in self.found else "amount"

    def _fen(self, row: Row, cells: Mapping[str, str], column: str) -> int | None:
        if column not in cells:
            return None
        return fen(cells[column], self.reading.unit, raw=self.found[column] in row.raw)

    def _at(self, row: Row, cells: Mapping[str, str]) -> datetime:
        formats = self.reading.time_formats
        at = instant(cells.get("at", ""), formats, self.zone, raw=self.found["at"] in row.raw)
        if not datetime(2000, 1, 1, tzinfo=UTC) <= at < datetime(2100, 1, 1, tzinfo=UTC):
            raise BadCell("lies outside 2000 to 2099")
        return at

    def _number(self, row: Row, cells: Mapping[str, str], column: str) -> str | None:
        raw = self.found.get(column) in row.raw
        return number(cells.get(column, ""), NUMBER_LIMIT, raw=raw) or None

    def _status(self, cells: Mapping[str, str], what: str) -> tuple[str, bool]:
        own = what == "refund" and "refund_status" in cells
        said = word(cells.get("refund_status" if own else "status", ""), WORD_LIMIT)
        done = not said or said.upper() in {one.upper() for one in self.reading.done}
        return said, done

    def _currency(self, cells: Mapping[str, str]) -> str:
        said = word(cells.get("currency", ""), WORD_LIMIT)
        if not said:
            return self.reading.currency
        return _CURRENCIES.get(said.upper(), said.lower())


def columns_of(reading: Reading, cells: Sequence[str]) -> dict[str, int] | None:
    """Which cell holds which of our columns, if this row is the heading; None when it is not."""
    names = [narrowed(clean(cell)).casefold() for cell in cells]
    found: dict[str, int] = {}
    for column in COLUMNS:
        for heading in reading.columns.get(column, ()):
            wanted = narrowed(heading).casefold()
            if wanted in names:
                found[column] = names.index(wanted)
                break
    has_number = any(name in found for name in NUMBERS)
    return found if has_number and "amount" in found and "at" in found else None
