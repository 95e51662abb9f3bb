"""What is a report made of: columns with headings in two languages, rows that come one by one."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from enum import Enum, StrEnum, auto
from typing import Any, NamedTuple


class Language(StrEnum):
    """Chinese first; English too."""

    ZH = "zh"
    EN = "en"


class Words(NamedTuple):
    """One text in both languages."""

    zh: str
    en: str

    def of(self, language: Language) -> str:
        """The text in one of them."""
        return self.zh if language is Language.ZH else self.en


class Form(Enum):
    """What the cells of a column are: how they are typed, written and aligned.

    TEXT: a str. ID: a str that no program may take for a number. WORD: a word of ours, shown by
    the column's labels. AMOUNT: int, minor units. COUNT: int. PERCENT: hundredths of a percent,
    int. TIME: an aware datetime. DAY: a date of the business zone. None is an empty cell in each.
    """

    TEXT = auto()
    ID = auto()
    WORD = auto()
    AMOUNT = auto()
    COUNT = auto()
    PERCENT = auto()
    TIME = auto()
    DAY = auto()


CURRENCY = "currency"
_NO_LABELS: Mapping[str, Words] = {}


@dataclass(frozen=True, slots=True)
class Column:
    """One column. name: for programs. labels: how its words are shown. summed: it has a total."""

    name: str
    zh: str
    en: str
    form: Form = Form.TEXT
    labels: Mapping[str, Words] = field(default_factory=lambda: _NO_LABELS)
    summed: bool = False

    def heading(self, language: Language) -> str:
        """What stands above it."""
        return self.zh if language is Language.ZH else self.en


Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table. rows: values in the order of the columns, read once and while they are written.

    name: for programs and for `--sheet`.
    """

    name: str
    title: Words
    columns: tuple[Column, ...]
    rows: Iterable[Row]


class Remark(NamedTuple):
    """One line that is said of a report: what it is about, and the fact.

    warns: it must not be overlooked, such as a day that is not closed.
    """

    what: Words
    text: Words
    warns: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """One report: its sheets in the order in which they must be read, the main one first."""

    name: str
    title: Words
    remarks: tuple[Remark, ...]
    sheets: tuple[Sheet, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """How a report is written: in which language, and in which zone its times are shown."""

    language: Language
    zone: tzinfo

    def shown(self, column: Column, value: Any) -> Any:
        """A word as a person reads it, a time on the business zone's clock; the rest as it is."""
        if column.form is Form.WORD:
            label = column.labels.get(value)
            return value if label is None else label.of(self.language)
        return value.astimezone(self.zone) if column.form is Form.TIME else value


@dataclass(slots=True)
class Tally:
    """What the rows of one sheet add up to: by currency, or under "" without such a column."""

    columns: tuple[Column, ...]
    rows: int = 0
    sums: defaultdict[str, Counter[str]] = field(
        default_factory=lambda: defaultdict[str, Counter[str]](Counter)
    )
    _summed: tuple[tuple[int, str], ...] = ()
    _currency: int | None = None

    def __post_init__(self) -> None:
        places = list(enumerate(self.columns))
        self._summed = tuple((place, one.name) for place, one in places if one.summed)
        self._currency = next((place for place, one in places if one.name == CURRENCY), None)

    def counted(self, rows: Iterable[Row], on_row: Callable[[], None]) -> Iterable[Row]:
        """The rows as they are, each of them added up when it is given."""
        for row in rows:
            self.add(row)
            on_row()
            yield row

    def add(self, row: Row) -> None:
        """Add one row."""
        self.rows += 1
        if not self._summed:
            return
        sums = self.sums["" if self._currency is None else row[self._currency] or ""]
        for place, name in self._summed:
            sums[name] += row[place] or 0

    def totals(self) -> list[tuple[str, Mapping[str, int]]]:
        """Each currency, in order, with the sums of the columns that have one."""
        names = [name for _, name in self._summed]
        return [
            (currency, {name: sums[name] for name in names})
            for currency, sums in sorted(self.sums.items())
        ]


class Written(NamedTuple):
    """What was written of one sheet: how many rows, and what they add up to by currency."""

    sheet: str
    rows: int
    totals: tuple[tuple[str, Mapping[str, int]], ...]


def written(sheet: Sheet, tally: Tally) -> Written:
    """What to say of a sheet that is done."""
    return Written(sheet.name, tally.rows, tuple(tally.totals()))


def day_text(value: date) -> str:
    """A day as everybody reads it."""
    return value.isoformat()


def time_text(value: datetime) -> str:
    """A time of the business zone to the second, as spreadsheets take it."""
    return value.strftime("%Y-%m-%d %H:%M:%S")
