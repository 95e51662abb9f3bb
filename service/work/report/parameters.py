"""What may be asked of a report?

The one list of parameters: the command's options, the console's form and the API's query are
made from it, and `work.report.question` reads what they are given.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from service.core.report.sheet import Language, Words
from service.ledger.reporting.detail import By
from service.outbound.files.formats import Shape
from service.work.report.table import REPORTS, Days, Report


class Form(StrEnum):
    """How a value is written, as a pattern: a day, a word or name, any text of one line."""

    DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
    NAME = r"^[A-Za-z0-9_.:@-]{1,200}$"
    TEXT = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]{1,200}$"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. name: in a query; the command's option has - for _.

    choices: the words that are taken, if only some are; those of one report may be fewer.
    """

    name: str
    title: Words
    about: Words
    form: Form
    choices: tuple[str, ...] = ()


_SHEETS = tuple(dict.fromkeys(sheet for one in REPORTS.values() for sheet in one.sheets))

_ALL = (
    Parameter(
        "day",
        Words("业务日", "Business day"),
        Words("一个业务日；不写日期即昨天", "One business day; else yesterday"),
        Form.DAY,
    ),
    Parameter(
        "since",
        Words("起始日", "First day"),
        Words("从该业务日起（含）", "From this business day on"),
        Form.DAY,
    ),
    Parameter(
        "until",
        Words("截止日", "Last day"),
        Words("到该业务日止（含）", "To the end of this business day"),
        Form.DAY,
    ),
    Parameter(
        "account",
        Words("账户", "Account"),
        Words("仅此账户", "Of this account only"),
        Form.NAME,
    ),
    Parameter("app", Words("应用", "App"), Words("仅此应用", "Of this app only"), Form.NAME),
    Parameter(
        "by",
        Words("日期依据", "Days go by"),
        Words("按创建时间，或按入账时间", "By the time of making, or of the money's move"),
        Form.NAME,
        tuple(By),
    ),
    Parameter(
        "book",
        Words("科目", "Ledger account"),
        Words(
            "仅此科目：wallet:APP-cus_003、fees 等",
            "Of one account of the journal only: wallet:APP-cus_003, fees, …",
        ),
        Form.TEXT,
    ),
    Parameter(
        "as_known",
        Words("截至何日所知", "As known at the end of"),
        Words("按该日终时所知出具", "As it was known at the end of this day"),
        Form.DAY,
    ),
    Parameter(
        "sheet",
        Words("工作表", "Sheet"),
        Words("仅此工作表", "This sheet of it only"),
        Form.NAME,
        _SHEETS,
    ),
    Parameter(
        "format",
        Words("格式", "Format"),
        Words("文件格式", "The format of the file"),
        Form.NAME,
        tuple(Shape),
    ),
    Parameter(
        "language",
        Words("语言", "Language"),
        Words("表头与用词的语言", "Of headings and words"),
        Form.NAME,
        tuple(Language),
    ),
)
PARAMETERS: Mapping[str, Parameter] = {one.name: one for one in _ALL}
_OF_DAYS = frozenset({"day", "since", "until"})
_OF_ALL = frozenset({"account", "sheet", "format", "language"})


def taken_by(report: Report) -> tuple[Parameter, ...]:
    """What may be asked of a report, in the order of the list."""
    taken = _OF_ALL | report.takes
    if report.days is not Days.NONE:
        taken |= _OF_DAYS
    return tuple(_narrowed(one, report) for one in _ALL if one.name in taken)


def _narrowed(one: Parameter, report: Report) -> Parameter:
    choices = {"sheet": report.sheets, "format": tuple(report.shapes)}.get(one.name)
    return one if choices is None else replace(one, choices=choices)
