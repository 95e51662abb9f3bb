"""Which objects are there, and what is the whole story of one?"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from service.core.errors import Unreadable
from service.core.kinds import KINDS
from service.core.masking import mask_text
from service.core.observation import Key
from service.ledger import audit, journal, opened, reads, story, watches
from service.ledger.opened import Opened
from service.ledger.story import Line
from service.ledger.views import deliveries, mismatches, objects
from service.ledger.views.objects import Asked
from service.pingpp.signature import Refused as Forged
from service.pingpp.targets import is_id
from service.runtime import load_rings
from service.web.console.page import back_to, page
from service.web.console.visit import Refused, Visit, not_found, place_of
from service.web.console.words import N_, WORDS
from service.web.doors import Role

FOUND_LIMIT = 100
STORY_LIMIT = 400
POSTINGS_SHOWN = 200
REASON_LEAST, REASON_LIMIT = 4, 200
_STATUSES = tuple(WORDS["status"])
_ENDS = {"open": False, "final": True}
_FIELDS = ("q", "account", "kind", "status", "ends", "since", "until", "size", "after")


def listed(visit: Visit) -> Response:
    """What a search finds, or a page of the list."""
    visit.check_query(_FIELDS)
    text = visit.text("q")
    return _search(visit, text) if text else _list(visit)


def _search(visit: Visit, text: str) -> Response:
    apps = {app for name in visit.accounts() for app in visit.settings.accounts[name].apps}
    with visit.looking() as connection:
        found = objects.search(connection, visit.scope, text, apps=apps, limit=FOUND_LIMIT)
        number = objects.delivery_of(connection, visit.scope, text)
    if number is not None and not found:
        return back_to(f"/console/deliveries/{number}")
    if len(found) == 1:
        return back_to(path_of(found[0].key))
    return _page(visit, Asked(), found, None, text)


def _list(visit: Visit) -> Response:
    since, until = visit.span()
    ends = visit.choice("ends", tuple(_ENDS))
    asked = Asked(
        account=visit.account(),
        kind=visit.choice("kind", tuple(KINDS)),
        status=visit.choice("status", _STATUSES),
        final=None if ends is None else _ENDS[ends],
        since=since,
        until=until,
    )
    after = visit.after(datetime, str, str, str)
    with visit.looking() as connection:
        found = objects.page(connection, visit.scope, asked, after=after, size=visit.size())
    return _page(visit, asked, found.rows, place_of(found.following), "")


def _page(
    visit: Visit, asked: Asked, rows: list[Any], following: str | None, text: str
) -> Response:
    return page(
        visit,
        "objects.html",
        asked=asked,
        rows=rows,
        following=following,
        text=text,
        kinds=list(KINDS),
        statuses=_STATUSES,
    )


def path_of(key: Key) -> str:
    """The address of an object's page."""
    return "/console/objects/" + "/".join(quote(part, safe="") for part in key)


def _named(visit: Visit) -> Key:
    """The object of the path, known or not."""
    given = visit.request.path_params
    key = Key(given["account"], given["kind"], given["id"])
    if key.kind not in KINDS or not is_id(key.object_id) or not visit.person.sees(key.account):
        raise not_found()
    return key


def _key(visit: Visit) -> Key:
    key = _named(visit)
    with visit.ledger.read() as connection:
        if not reads.is_known(connection, key):
            raise not_found()
    return key


def one(visit: Visit) -> Response:
    """One object: what is believed, what belongs to it, its money, and all that happened."""
    visit.check_query(("done",))
    key = _named(visit)
    with visit.ledger.read() as connection:
        believed = objects.one(connection, visit.scope, key)
        if believed is None and not reads.is_known(connection, key):
            raise not_found()
        lines = story.tell(connection, key)
        postings = journal.of_one(connection, key, limit=POSTINGS_SHOWN)
        values: dict[str, Any] = {
            "related": objects.related(connection, believed) if believed else [],
            "findings": mismatches.of_object(connection, key),
        }
    told = _folded(_with_postings(lines, postings))
    return page(
        visit,
        "object.html",
        key=key,
        believed=believed,
        lines=told[-STORY_LIMIT:],
        left_out=max(len(told) - STORY_LIMIT, 0),
        postings=postings,
        here=path_of(key),
        may_look=visit.may(Role.OPERATOR),
        may_open=visit.may(Role.FINANCE),
        **values,
    )


def _with_postings(lines: list[Line], postings: Iterable[journal.Line]) -> list[Line]:
    """The story with its money: a posting stands behind what made it known."""
    told = [Line(one.known_at, "posting", one._asdict()) for one in postings]
    ahead = [line for line in lines if line.what == "watch"]
    past = [line for line in lines if line.what != "watch"]
    return [*sorted([*past, *told], key=lambda line: line.at), *ahead]


def _folded(lines: list[Line]) -> list[Line]:
    """What was seen again and again, one after the other, and changed nothing is one line."""
    told: list[Line] = []
    for line in lines:
        last = told[-1] if told else None
        if last is not None and _is_again(last, line):
            times = last.figures.get("times", 1) + 1
            told[-1] = Line(last.at, last.what, last.figures | {"times": times, "upto": line.at})
        else:
            told.append(line)
    return told


def _is_again(last: Line, line: Line) -> bool:
    if line.what != "observation" or last.what != line.what:
        return False
    return line.figures.get("decision") == "unchanged" and all(
        last.figures.get(name) == value for name, value in line.figures.items() if name != "seen_at"
    )


def look(visit: Visit) -> Response:
    """Have Ping++ asked about it as soon as the next round of questions goes out."""
    key = _key(visit)
    with visit.ledger.begin() as connection:
        watches.request(connection, key, now=visit.now, place={})
    return back_to(path_of(key), done="look")


@dataclass(frozen=True, slots=True)
class Shown:
    """Bytes as they came; key: the fingerprint of what signed them; problem: why they do not open.

    checked: whether there is a signature to judge.
    """

    source: str
    number: int
    text: str
    checked: bool
    key: str | None


def open_object(visit: Visit) -> Response:
    """The bytes that showed an object, for who says why; noted before anything is shown."""
    key = _key(visit)
    reason = noted(visit, " ".join(key))
    found = opened.everything_of(visit.ledger, key)
    return shown(visit, found, path_of(key), key.object_id, reason)


def noted(visit: Visit, what: str) -> str:
    """Write down who opens what and why; refuses without a reason."""
    reason = visit.field("reason", limit=REASON_LIMIT)
    if len(reason) < REASON_LEAST:
        raise Refused(400, N_("Say why you open it: the reason is kept."), "reason")
    who = f"{visit.person.name} ({visit.person.id})"
    audit.note(visit.ledger, who=who, what=what, why=mask_text(reason), now=visit.now)
    return reason


def shown(visit: Visit, found: Iterable[Opened], back: str, name: str, reason: str) -> Response:
    """The page with opened bytes, each with the verdict on its signature."""
    problem, rows = "", list[Shown]()
    try:
        rows = [_verified(visit, one) for one in found]
    except Unreadable as error:
        problem = error.cause
    return page(
        visit, "opened.html", rows=rows, problem=problem, back=back, name=name, reason=reason
    )


def _verified(visit: Visit, one: Opened) -> Shown:
    text = one.body.decode("utf-8", "backslashreplace")
    if one.source != "delivery":
        return Shown(one.source, one.number, text, checked=False, key=None)
    with visit.ledger.read() as connection:
        row = deliveries.one(connection, visit.scope, one.number)
        signature = deliveries.signature_of(connection, one.number)
    if row is None:
        raise not_found()
    ring = load_rings(visit.settings).get(row.account)
    try:
        key = ring.verify(one.body, signature.encode()) if ring else None
    except Forged:
        key = None
    return Shown(one.source, one.number, text, checked=True, key=key)
