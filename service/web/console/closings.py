"""Which business days are closed, with which figures, and is what was closed still what it was?"""

from datetime import date

from starlette.responses import Response

from service.core.closing import Closing, Total
from service.ledger import closings
from service.ledger.closings import Closed
from service.web.console.page import page
from service.web.console.visit import Visit, not_found
from service.web.doors import Role
from service.work.close import derive

DAYS_SHOWN = 62


def listed(visit: Visit) -> Response:
    """Day by day, the newest first."""
    visit.check_query(())
    found = closings.closings(visit.ledger, limit=DAYS_SHOWN)
    rows = [(one, _counted(visit, one.closing)) for one in found]
    return page(visit, "closings.html", rows=rows, may_verify=visit.may(Role.FINANCE))


def _counted(visit: Visit, made: Closing) -> dict[str, int]:
    """How many postings and adjustments of the day may be seen."""
    return {
        "totals": sum(one.count for one in _seen(visit, made.totals)),
        "adjustments": sum(one.count for one in _seen(visit, made.adjustments)),
    }


def _seen(visit: Visit, totals: tuple[Total, ...]) -> list[Total]:
    return [one for one in totals if visit.person.sees(one.account)]


def one(visit: Visit) -> Response:
    """One day: its totals, what came late, and how each account of the journal stood."""
    visit.check_query(())
    return _shown(visit, _find(visit), None)


def verify(visit: Visit) -> Response:
    """Make the day again from its postings, and compare."""
    found = _find(visit)
    text, differing = derive(visit.ledger, found)
    return _shown(visit, found, differing if text != found.text else [])


def _find(visit: Visit) -> Closed:
    try:
        day = date.fromisoformat(visit.request.path_params["day"])
    except ValueError:
        raise not_found() from None
    found = closings.closing(visit.ledger, day)
    if found is None:
        raise not_found()
    return found


def _shown(visit: Visit, found: Closed, differing: list[str] | None) -> Response:
    made = found.closing
    return page(
        visit,
        "closing.html",
        one=found,
        made=made,
        totals=_seen(visit, made.totals),
        adjustments=_seen(visit, made.adjustments),
        balances=[one for one in made.balances if visit.person.sees(one.account)],
        unsettled=[one for one in made.mismatches if visit.person.sees(one.account)],
        differing=differing,
        may_verify=visit.may(Role.FINANCE),
    )
