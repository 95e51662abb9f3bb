"""What came in, what became of it, and how is it read once more?"""

from starlette.responses import Response

from service.ledger import deliveries as inbox
from service.ledger import opened
from service.ledger.views import deliveries
from service.ledger.views.deliveries import Asked
from service.web.console.objects import noted, shown
from service.web.console.page import back_to, page
from service.web.console.visit import Refused, Visit, not_found, place_of
from service.web.console.words import N_, WORDS
from service.web.doors import Role

CHOSEN_LIMIT = 200
_STATES, _VERDICTS = tuple(WORDS["delivery"]), tuple(WORDS["verdict"])
# what may be read once more
_READABLE = ("quarantined", "kept", "applied")
_FIELDS = (
    "account", "state", "verdict", "type", "reason", "since", "until", "size", "after", "done",
)  # fmt: skip


def listed(visit: Visit) -> Response:
    """The list, with its filters."""
    visit.check_query(_FIELDS)
    since, until = visit.span()
    asked = Asked(
        account=visit.account(),
        state=visit.choice("state", _STATES),
        verdict=visit.choice("verdict", _VERDICTS),
        event_type=visit.text("type"),
        reason=visit.text("reason"),
        since=since,
        until=until,
    )
    after = visit.after(int)
    with visit.looking() as connection:
        found = deliveries.page(connection, visit.scope, asked, after=after, size=visit.size())
    return page(
        visit,
        "deliveries.html",
        asked=asked,
        rows=found.rows,
        following=place_of(found.following),
        states=_STATES,
        verdicts=_VERDICTS,
        readable=_READABLE,
        may_act=visit.may(Role.OPERATOR),
    )


def one(visit: Visit) -> Response:
    """One delivery without its bytes, and what it showed."""
    visit.check_query(("done",))
    number = visit.number("number")
    with visit.ledger.read() as connection:
        found = deliveries.one(connection, visit.scope, number)
        if found is None:
            raise not_found()
        seen = deliveries.objects_in(connection, number)
        signature = deliveries.signature_of(connection, number)
    return page(
        visit,
        "delivery.html",
        one=found,
        seen=seen,
        signature=signature,
        can_requeue=found.verdict == "accepted" and found.state in _READABLE,
        may_act=visit.may(Role.OPERATOR),
        may_open=visit.may(Role.FINANCE),
    )


def requeue(visit: Visit) -> Response:
    """Let what was chosen be read again, as on the day it came."""
    chosen = visit.numbers("number", limit=CHOSEN_LIMIT)
    if not chosen:
        raise Refused(400, N_("Nothing was chosen: tick some rows first."), "number")
    with visit.ledger.begin() as connection:
        rows = [deliveries.one(connection, visit.scope, number) for number in sorted(set(chosen))]
        states: dict[str, list[int]] = {}
        for row in rows:
            if row is not None:
                states.setdefault(row.state, []).append(row.id)
        if not states:
            raise not_found()
        done = sum(
            inbox.requeue(connection, state=state, ids=ids)
            for state, ids in states.items()
            if state in _READABLE
        )
    if len(chosen) == 1:
        return back_to(f"/console/deliveries/{chosen[0]}", done=done)
    return back_to("/console/deliveries", done=done, state=visit.field("filter_state") or None)


def open_delivery(visit: Visit) -> Response:
    """The signed bytes, for who says why."""
    number = visit.number("number")
    with visit.ledger.read() as connection:
        if deliveries.one(connection, visit.scope, number) is None:
            raise not_found()
    reason = noted(visit, f"delivery {number}")
    found = opened.delivery(visit.ledger, number)
    return shown(visit, found, f"/console/deliveries/{number}", f"#{number}", reason)
