"""What does not agree, and what do people do about it?"""

from datetime import datetime, timedelta
from typing import Any

from starlette.responses import Response

from service.core.kinds import KINDS
from service.core.observation import Key
from service.ledger import desk as books
from service.ledger import journal
from service.ledger.desk import Act
from service.ledger.journal import Span
from service.ledger.rules import BY_CODE
from service.ledger.views import mismatches, objects
from service.ledger.views.mismatches import Asked
from service.web.console.page import back_to, page
from service.web.console.visit import Refused, Visit, day_of, not_found, place_of
from service.web.console.words import N_, WORDS
from service.web.doors import Role
from service.work.respond import respond

CHOSEN_LIMIT = 200
NOTE_LIMIT = books.NOTE_LIMIT
POSTINGS_SHOWN = 50
_STATES = tuple(WORDS["mismatch"])
_SEVERITIES = tuple(WORDS["severity"])
_FIELDS = (
    "account", "rule", "state", "severity", "kind", "owner", "size", "after", "done", "refused",
)  # fmt: skip

ACTS = {
    "acknowledge": N_("Acknowledge"),
    "assign": N_("Assign"),
    "comment": N_("Comment"),
    "waive": N_("Waive"),
    "reopen": N_("Open again"),
}


def desk(visit: Visit) -> Response:
    """The list, with its filters."""
    visit.check_query(_FIELDS)
    asked = Asked(
        account=visit.account(),
        rule=visit.choice("rule", tuple(BY_CODE)),
        state=visit.choice("state", _STATES) or "live",
        severity=visit.choice("severity", _SEVERITIES),
        kind=visit.choice("kind", tuple(KINDS)),
        owner=visit.text("owner"),
    )
    after = visit.after(int)
    with visit.looking() as connection:
        found = mismatches.page(connection, visit.scope, asked, after=after, size=visit.size())
    return page(
        visit,
        "mismatches.html",
        asked=asked,
        rows=found.rows,
        following=place_of(found.following),
        rules=sorted(BY_CODE),
        states=_STATES,
        severities=_SEVERITIES,
        kinds=list(KINDS),
        acts=ACTS,
        may_act=visit.may(Role.FINANCE),
    )


def one(visit: Visit) -> Response:
    """Both sides, what is known of the object, and the history."""
    visit.check_query(("done",))
    return _shown(visit, visit.number("number"))


def _shown(
    visit: Visit, number: int, status: int = 200, problem: str = "", seen: int | None = None
) -> Response:
    """seen: how many acts the person knew of; what came after is marked."""
    with visit.ledger.read() as connection:
        found = mismatches.one(connection, visit.scope, number)
        if found is None:
            raise not_found()
        key = Key(found.account, found.kind, found.id)
        believed = objects.one(connection, visit.scope, key)
        values: dict[str, Any] = {
            "believed": believed,
            "related": objects.related(connection, believed) if believed else [],
            "others": [
                each
                for each in mismatches.of_object(connection, key)
                if each.number != found.number
            ],
            "history": list(books.history(connection, number)),
        }
    postings = journal.lines(visit.ledger, Span(), key=key, limit=POSTINGS_SHOWN)
    possible = [name for name in ACTS if found.state in books.states_for(name)]
    return page(
        visit,
        "mismatch.html",
        status,
        one=found,
        known_rule=BY_CODE.get(found.rule),
        postings=list(postings),
        acts={name: ACTS[name] for name in possible},
        problem=problem,
        seen=seen,
        may_act=visit.may(Role.FINANCE),
        soon=visit.today + timedelta(days=7),
        latest=visit.today + books.WAIVER_LIMIT - timedelta(days=1),
        **values,
    )


def act_on_one(visit: Visit) -> Response:
    """Do one thing about one mismatch, as it was seen; 409 when it is another by now."""
    number = visit.number("number")
    seen = _seen(visit)
    act = _act(visit, seen=seen)
    with visit.ledger.read() as connection:
        if not mismatches.visible(connection, visit.scope, [number]):
            raise not_found()
    (done,) = respond(visit.ledger, [(act, [number])], terms=visit.terms, now=visit.now)
    if number in done.refused:
        text = N_("Somebody acted on it meanwhile: below it stands as it is now.")
        return _shown(visit, number, 409, text, seen)
    return back_to(f"/console/mismatches/{number}", done=act.name)


def act_on_many(visit: Visit) -> Response:
    """Do one thing about all that were ticked; those that do not allow it stay as they were."""
    chosen = visit.numbers("number", limit=CHOSEN_LIMIT)
    if not chosen:
        raise Refused(400, N_("Nothing was chosen: tick some rows first."), "number")
    act = _act(visit, seen=None)
    with visit.ledger.read() as connection:
        visible = mismatches.visible(connection, visit.scope, chosen)
    if not visible:
        raise not_found()
    (done,) = respond(visit.ledger, [(act, visible)], terms=visit.terms, now=visit.now)
    return back_to(
        "/console/mismatches",
        done=len(done.done),
        refused=len(done.refused) or None,
        **_kept_filters(visit),
    )


def _kept_filters(visit: Visit) -> dict[str, str]:
    names = ("account", "rule", "state", "severity", "kind", "owner")
    return {name: given for name in names if (given := visit.field(f"filter_{name}"))}


def _seen(visit: Visit) -> int:
    given = visit.field("seen")
    if not (given.isascii() and given.isdecimal() and len(given) < 10):
        raise Refused(400, N_("The field should be a number in its range."), "seen")
    return int(given)


def _act(visit: Visit, *, seen: int | None) -> Act:
    """What the form says; raises Refused when it is wrong in itself."""
    name = visit.field("act")
    if name not in ACTS:
        raise Refused(400, N_("The field has no such choice."), "act")
    act = Act(
        name,
        visit.person.name[: books.NAME_LIMIT],
        visit.field("note", limit=NOTE_LIMIT),
        owner=visit.field("owner") or None if name == "assign" else None,
        until=_end(visit) if name == "waive" else None,
        seen=seen,
    )
    if act.problem(visit.now):
        raise Refused(400, *_missing(act))
    return act


def _end(visit: Visit) -> datetime | None:
    """A waiver lasts to the end of its last day."""
    day = day_of(visit.field("until"), "until")
    return None if day is None else visit.beginning(day + timedelta(days=1))


def _missing(act: Act) -> tuple[str, str]:
    """What a person has to put right, and in which field."""
    if act.name in ("comment", "waive") and not act.note:
        return N_("Say why, or what is to be remembered."), "note"
    if act.name == "assign":
        return N_("Say who looks after it."), "owner"
    if act.name == "waive":
        return N_("Say until which day it may stand: from today, a year at most."), "until"
    return N_("That cannot be done."), "act"
