"""How well does Ping++ notify, week by week: what came late, twice, out of order, or never?"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

from starlette.responses import Response

from service.ledger.provider_card import Line, read, weeks
from service.web.console.page import page
from service.web.console.visit import Refused, Visit
from service.web.console.words import N_
from service.work.report.provider import DEFAULT_SPAN

# Each week is a question of its own to every object of it.
SPAN_LIMIT = timedelta(weeks=13)
ROWS_SHOWN = 500


def card(visit: Visit) -> Response:
    """A line per week, account, kind and channel, the newest week first."""
    visit.check_query(("since", "until", "account"))
    account = visit.account()
    lines = _lines(visit, *_span(visit))
    wanted = (line for line in lines if _is_wanted(visit, account, line))
    rows = list(islice(wanted, ROWS_SHOWN + 1))
    return page(
        visit,
        "provider.html",
        rows=rows[:ROWS_SHOWN],
        is_cut=len(rows) > ROWS_SHOWN,
        limit=ROWS_SHOWN,
        account=account,
        span=_micros,
    )


def _is_wanted(visit: Visit, account: str | None, line: Line) -> bool:
    whose = line.group.account
    return visit.person.sees(whose) and account in (None, whose)


def _lines(visit: Visit, begin: datetime, end: datetime) -> Iterator[Line]:
    """The lines of every week, read when they are asked for and one week at a time."""
    for week in reversed(list(weeks(begin, end, visit.settings.zone))):
        with visit.ledger.read() as connection:
            found = read(connection, *week, now=visit.now)
        yield from found


def _span(visit: Visit) -> tuple[datetime, datetime]:
    """As said, else the last four weeks; of what is still to come there is nothing."""
    since, until = visit.span()
    end = min(until or visit.now, visit.now)
    begin = since or end - DEFAULT_SPAN
    if end - begin > SPAN_LIMIT:
        raise Refused(400, N_("Thirteen weeks are the longest span."), "since")
    return begin, end


def _micros(duration: int | None) -> timedelta | None:
    return None if duration is None else timedelta(microseconds=duration)
