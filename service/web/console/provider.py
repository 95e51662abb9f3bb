"""How well does Ping++ notify, week by week: what came late, twice, out of order, or never?"""

from datetime import date, timedelta

from starlette.responses import Response

from service.ledger import card_kept
from service.web.console.page import page
from service.web.console.visit import Refused, Visit
from service.web.console.words import N_
from service.work.report.provider import DEFAULT_SPAN

SPAN_LIMIT = timedelta(weeks=13)
ROWS_SHOWN = 500


def card(visit: Visit) -> Response:
    """A line per week, account, kind and channel, the newest week first, as it was measured."""
    visit.check_query(("since", "until", "account"))
    account = visit.account()
    first, last = _weeks(visit)
    with visit.ledger.read() as connection:
        rows = card_kept.lines(
            connection,
            visit.scope,
            since=first,
            until=last,
            account=account,
            limit=ROWS_SHOWN + 1,
        )
        measured = card_kept.measured(connection)
    return page(
        visit,
        "provider.html",
        rows=rows[:ROWS_SHOWN],
        is_cut=len(rows) > ROWS_SHOWN,
        limit=ROWS_SHOWN,
        account=account,
        span=_micros,
        measured_at=max(
            (at for week, at in measured.items() if first <= week <= last), default=None
        ),
    )


def _weeks(visit: Visit) -> tuple[date, date]:
    """The Mondays of the weeks that the days lie in; without days the last four weeks."""
    since, until = visit.day("since"), visit.day("until")
    last = min(until or visit.today, visit.today)
    first = since or last - DEFAULT_SPAN
    if since and until and since > until:
        raise Refused(400, N_("The first day is after the last."), "since")
    if last - first > SPAN_LIMIT:
        raise Refused(400, N_("Thirteen weeks are the longest span."), "since")
    return _monday(first), _monday(last)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _micros(duration: int | None) -> timedelta | None:
    return None if duration is None else timedelta(microseconds=duration)
