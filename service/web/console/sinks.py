"""How do messages fare on their way out, and what becomes of those that nobody would take?"""

from collections.abc import Iterator
from dataclasses import dataclass

from starlette.responses import Response

from service.ledger import sinks
from service.ledger.letters import Chosen
from service.ledger.views import outgoing
from service.web.console.page import back_to, page
from service.web.console.visit import Refused, Visit, not_found, place_of
from service.web.console.words import N_
from service.web.doors import Role
from service.work.resend import drop, resend

CHOSEN_LIMIT = 200
REASON_LIMIT = 200
_PARTED = "@"


@dataclass(frozen=True, slots=True)
class Row:
    """One sink: of the settings, of the ledger, or of both."""

    name: str
    type: str | None
    state: str
    paused_for: str | None
    waiting: outgoing.Backlog
    last_error: str | None
    dead: int


def listed(visit: Visit) -> Response:
    """Every sink: its state, what waits for it, and what it would not take."""
    visit.check_query(("done",))
    return page(
        visit,
        "sinks.html",
        rows=list(_rows(visit)),
        limit=outgoing.COUNT_LIMIT,
        may_act=visit.may(Role.OPERATOR) and visit.scope is None,
    )


def _rows(visit: Visit) -> Iterator[Row]:
    configured = visit.settings.sinks
    with visit.ledger.read() as connection:
        known = {one.name: one for one in sinks.known(connection)}
        for name in sorted({*known, *configured}):
            found = known.get(name)
            state = found.state if found else "new"
            yield Row(
                name,
                configured[name].type if name in configured else None,
                state if name in configured else "not set up",
                found.paused_for if found else None,
                outgoing.backlog(connection, visit.scope, name),
                sinks.last_error(connection, name),
                outgoing.dead(connection, visit.scope, name),
            )


def act(visit: Visit) -> Response:
    """Pause a sink, or let it go on: for all accounts, so only by whoever sees all of them."""
    if visit.scope is not None:
        raise Refused(403, N_("A sink serves every account: you may see only some."))
    name = visit.request.path_params["name"]
    if name not in visit.settings.sinks:
        raise not_found()
    what = visit.field("act")
    if what not in ("pause", "resume"):
        raise Refused(400, N_("The field has no such choice."), "act")
    with visit.ledger.begin() as connection:
        if what == "resume":
            done = sinks.resume(connection, name)
        else:
            sinks.register(connection, name, past=False, since=None, now=visit.now)
            reason = visit.field("reason", limit=REASON_LIMIT)
            done = sinks.pause(connection, name, reason, now=visit.now)
    if not done:
        raise Refused(409, N_("Somebody was first: the sink is in that state already."))
    return back_to("/console/sinks", done=what)


def letters(visit: Visit) -> Response:
    """What was given up."""
    visit.check_query(("sink", "size", "after", "done"))
    after = visit.after(int, str)
    with visit.looking() as connection:
        names = [one.name for one in sinks.known(connection)]
        found = outgoing.dead_letters(
            connection,
            visit.scope,
            sink=visit.choice("sink", names),
            after=after,
            size=visit.size(),
        )
    return page(
        visit,
        "letters.html",
        rows=found.rows,
        following=place_of(found.following),
        sinks=names,
        sink=visit.text("sink"),
        parted=_PARTED,
        may_act=visit.may(Role.OPERATOR),
    )


def act_on_letters(visit: Visit) -> Response:
    """Send what was ticked once more, or give it up for good with a reason."""
    what = visit.field("act")
    reason = visit.field("reason", limit=REASON_LIMIT)
    if what not in ("replay", "drop"):
        raise Refused(400, N_("The field has no such choice."), "act")
    if what == "drop" and not reason:
        raise Refused(400, N_("Say why: dropped messages are never sent."), "reason")
    done = 0
    for message, sink in _chosen(visit):
        one = Chosen(states=("dead",), sink=sink, message_id=message)
        done += resend(visit.ledger, one) if what == "replay" else drop(visit.ledger, one, reason)
    return back_to("/console/letters", done=done)


def _chosen(visit: Visit) -> list[tuple[str, str]]:
    """(message, sink) of each box that was ticked, as far as they may be seen."""
    given = [str(one) for one in visit.request.state.form.getlist("letter")]
    if not given:
        raise Refused(400, N_("Nothing was chosen: tick some rows first."), "letter")
    if len(given) > CHOSEN_LIMIT or any(len(one) > 200 or _PARTED not in one for one in given):
        raise Refused(400, N_("Too many were chosen."), "letter")
    pairs = [(message, sink) for message, _, sink in (one.partition(_PARTED) for one in given)]
    with visit.ledger.read() as connection:
        seen = outgoing.visible(connection, visit.scope, [message for message, _ in pairs])
    found = [pair for pair in pairs if pair[0] in seen]
    if not found:
        raise not_found()
    return found
