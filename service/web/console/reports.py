"""Which reports can be taken away, and what may be asked of each?"""

from collections.abc import Iterator
from typing import NamedTuple

from starlette.responses import Response

from service.core.errors import GiveUp
from service.core.report.sheet import Language
from service.outbound.files.formats import Shape
from service.web.console.page import page
from service.web.console.visit import Refused, Visit, not_found
from service.web.console.words import N_
from service.web.doors import Role
from service.web.filed import filed
from service.work.report.parameters import PARAMETERS, Form, Parameter, taken_by
from service.work.report.question import Asker, Question, Senseless, Unseen, question
from service.work.report.table import REPORTS, Days, Report

# What spreadsheets open, with every sheet of a report.
FIRST_CHOICE = Shape.XLSX
# A form has the first and the last day; a link may name one day.
_LEFT_OUT = frozenset({"day"})


class Field(NamedTuple):
    """One field of the form. kind: day, choice or text; choices: a value, and how it is called."""

    name: str
    title: str
    hint: str
    kind: str
    value: str
    choices: tuple[tuple[str, str], ...] = ()


def listed(visit: Visit) -> Response:
    """Every report, and the form that asks for one."""
    visit.check_query(("report", *PARAMETERS))
    return _page(visit, REPORTS[visit.choice("report", tuple(REPORTS)) or next(iter(REPORTS))])


def taken(visit: Visit) -> Response:
    """One report as a file; it is whole before the first byte of it is sent."""
    visit.check_query(("report", *PARAMETERS))
    report = REPORTS.get(visit.choice("report", tuple(REPORTS)) or "")
    if report is None:
        raise Refused(400, N_("The field has no such choice."), "report")
    try:
        return filed(visit.ledger, _asked(visit, report))
    except Unseen:
        raise not_found() from None
    except Senseless as error:
        return _page(visit, report, error.words.of(Language(visit.language)), error.field)
    except GiveUp as error:
        return _page(visit, report, str(error))


def _asked(visit: Visit, report: Report) -> Question:
    """What the form asks; a field that is empty asks nothing."""
    given = {name: text for name in PARAMETERS if (text := visit.text(name)) is not None}
    asker = Asker(
        visit.now,
        visit.settings.zone,
        visit.scope,
        shape=FIRST_CHOICE,
        language=Language(visit.language),
    )
    return question(report, given, asker)


def _page(visit: Visit, chosen: Report, problem: str = "", field: str = "") -> Response:
    speech = Language(visit.language)
    return page(
        visit,
        "reports.html",
        400 if problem else 200,
        rows=[(one, one.title.of(speech), one.about.of(speech)) for one in REPORTS.values()],
        chosen=chosen,
        title=chosen.title.of(speech),
        about=chosen.about.of(speech),
        fields=list(_fields(visit, chosen)),
        days=Days,
        problem=problem,
        field=field,
        may_act=visit.may(Role.FINANCE),
    )


def _fields(visit: Visit, report: Report) -> Iterator[Field]:
    speech = Language(visit.language)
    for one in taken_by(report):
        is_plain = one.name == "sheet" and len(one.choices) == 1
        if one.name not in _LEFT_OUT and not is_plain:
            value, choices = visit.text(one.name) or "", tuple(_choices(visit, one))
            kind = "choice" if choices else "day" if one.form is Form.DAY else "text"
            chosen = value or {"format": FIRST_CHOICE, "language": speech}.get(one.name, "")
            title, hint = one.title.of(speech), one.about.of(speech)
            yield Field(one.name, title, hint, kind, chosen, choices)


def _choices(visit: Visit, one: Parameter) -> Iterator[tuple[str, str]]:
    """What can be chosen; an empty value first where nothing need be."""
    if one.name == "account":
        if visit.scope is None:
            yield "", visit.say(N_("all"))
        seen = visit.accounts() if visit.scope is None else sorted(visit.scope)
        yield from ((name, name) for name in seen)
        return
    if one.name == "sheet":
        yield "", visit.say(N_("every one, or the first"))
    yield from ((name, visit.word(one.name, name)) for name in one.choices)
