"""Which reports can be taken away, of which days and whose, and in which format?"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, timedelta

from starlette.responses import Response, StreamingResponse

from service.core.errors import GiveUp
from service.core.report.sheet import Language
from service.outbound.files.formats import Shape
from service.web.console.page import page
from service.web.console.visit import SPAN_DAYS_LIMIT, Refused, Visit
from service.web.console.words import N_
from service.web.doors import LANGUAGES, Role
from service.work.report.ask import Ask
from service.work.report.make import Download, download
from service.work.report.table import REPORTS, Days, Report

# What spreadsheets open, with every sheet of a report.
FIRST_CHOICE = Shape.XLSX


def listed(visit: Visit) -> Response:
    """Every report, and the form that asks for one."""
    visit.check_query(("report",))
    return _page(visit, visit.choice("report", tuple(REPORTS)))


def _page(visit: Visit, chosen: str | None, status: int = 200, problem: str = "") -> Response:
    speech = Language(visit.language)
    return page(
        visit,
        "reports.html",
        status,
        rows=[(one, one.title.of(speech), one.about.of(speech)) for one in REPORTS.values()],
        chosen=chosen,
        shapes=list(Shape),
        shape=visit.text("format") or FIRST_CHOICE,
        speech=visit.text("language") or speech,
        accounts=visit.accounts() if visit.scope is None else sorted(visit.scope),
        account=visit.text("account"),
        days=Days,
        problem=problem,
        may_act=visit.may(Role.FINANCE),
    )


def taken(visit: Visit) -> Response:
    """One report as a file; it is whole before the first byte of it is sent."""
    visit.check_query(("report", "since", "until", "account", "format", "language"))
    report = REPORTS.get(visit.choice("report", tuple(REPORTS)) or "")
    if report is None:
        raise Refused(400, N_("The field has no such choice."), "report")
    shape = Shape(visit.choice("format", tuple(Shape)) or FIRST_CHOICE)
    ask = _ask(visit, report)
    held = ExitStack()
    try:
        made = held.enter_context(download(visit.ledger, report.name, ask, shape))
    except GiveUp as error:
        return _page(visit, report.name, 400, str(error))
    headers = {
        "content-disposition": f'attachment; filename="{made.name}"',
        "content-length": str(made.size),
    }
    return StreamingResponse(_sent(held, made), headers=headers, media_type=made.media_type)


def _sent(held: ExitStack, made: Download) -> Iterator[bytes]:
    """Piece by piece; what was held is let go also when nobody reads to the end."""
    with held:
        yield from made.chunks


def _ask(visit: Visit, report: Report) -> Ask:
    speech = Language(visit.choice("language", LANGUAGES) or visit.language)
    ask = Ask(visit.now, visit.settings.zone, account=_account(visit), language=speech)
    first, last = _days(visit, report)
    return replace(ask, first_day=first, last_day=last)


def _account(visit: Visit) -> str | None:
    """Whose: one account for who sees only some, for a report is of one or of all."""
    given = visit.account()
    if given is not None or visit.scope is None:
        return given
    if len(visit.scope) == 1:
        return next(iter(visit.scope))
    raise Refused(400, N_("Choose an account: you may see only some."), "account")


def _days(visit: Visit, report: Report) -> tuple[date | None, date | None]:
    """As said; to today without a last one; yesterday where some are needed and none is said."""
    first, last = visit.day("since"), visit.day("until")
    if report.days is Days.NEEDED and first is None:
        if last is not None:
            raise Refused(400, N_("Say the first day too."), "since")
        yesterday = visit.today - timedelta(days=1)
        return yesterday, yesterday
    if first is not None and last is None:
        last = visit.today
    _check_days(first, last)
    return first, last


def _check_days(first: date | None, last: date | None) -> None:
    if first is None or last is None:
        return
    if first > last:
        raise Refused(400, N_("The first day is after the last."), "since")
    if last - first > timedelta(days=SPAN_DAYS_LIMIT):
        raise Refused(400, N_("A year is the longest span."), "until")
