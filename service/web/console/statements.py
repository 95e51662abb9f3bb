"""What do the other side's records say? Upload, look at how they are read, import, match."""

import hashlib
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from starlette.datastructures import UploadFile
from starlette.responses import Response

from service.core.errors import GiveUp
from service.core.statement.mapping import Reading
from service.ledger import statements
from service.settings.statements import readings
from service.web.console.page import back_to, page
from service.web.console.visit import Refused, Visit, day_of, not_found
from service.web.console.words import N_
from service.web.doors import Role
from service.work.statement.match import match
from service.work.statement.take import EPOCH, Order, Refusal, preview, take

LINES_SHOWN, LINES_LISTED = 12, 100
LISTED_LIMIT = 200
NAME_LIMIT = 120
REASON_LIMIT = 200
FOLDER = "uploads"
# what was looked at and not imported by then is forgotten
KEPT_FOR = timedelta(hours=1)
_DIGEST = re.compile(r"[0-9a-f]{64}")
_PIECE = 1 << 20


def listed(visit: Visit) -> Response:
    """What was imported, and the form for another one."""
    visit.check_query(("done", "found", "again", "known"))
    return _page(visit)


def _page(visit: Visit, status: int = 200, **more: Any) -> Response:
    with visit.ledger.read() as connection:
        found = statements.listed(connection)
    values: dict[str, Any] = {"seen": None, "order": None, "problem": "", "digest": ""}
    return page(
        visit,
        "statements.html",
        status,
        rows=[one for one in found if visit.person.sees(one.account)][:LISTED_LIMIT],
        sources=sorted(readings(visit.settings.statements)),
        may_act=visit.may(Role.FINANCE),
        **{**values, **more},
    )


def one(visit: Visit) -> Response:
    """One statement and its lines as they were kept."""
    visit.check_query(("done",))
    number = visit.number("number")
    with visit.ledger.read() as connection:
        found = statements.find(connection, number)
        if found is None or found.state == "staged" or not visit.person.sees(found.account):
            raise not_found()
        lines = statements.lines_of(connection, number, LINES_LISTED)
    return page(
        visit,
        "statement.html",
        one=found,
        lines=lines,
        limit=LINES_LISTED,
        may_act=visit.may(Role.FINANCE),
    )


@dataclass(frozen=True, slots=True)
class _Kept:
    """An uploaded file beside the ledger, under the digest of its bytes."""

    path: Path
    digest: str


def upload(visit: Visit) -> Response:
    """Show how a file would be read, or import and match it."""
    wish = visit.field("do")
    if wish not in ("preview", "import"):
        raise Refused(400, N_("The field has no such choice."), "do")
    source, account, days = _source(visit), _account(visit), _days(visit)
    kept = _keep(visit)
    order = Order(kept.path, account, source[0], source[1], days)
    try:
        if wish == "preview":
            seen = preview(order, keep=LINES_SHOWN)
            return _page(visit, seen=seen, order=order, digest=kept.digest)
        return _import(visit, order, kept)
    except Refusal as refusal:
        return _page(visit, 422, seen=refusal.seen, order=order, digest="")
    except GiveUp as error:
        return _page(visit, 422, problem=str(error), order=order)


def _import(visit: Visit, order: Order, kept: _Kept) -> Response:
    taken = take(visit.ledger, order, now=visit.now)
    shutil.rmtree(kept.path.parent, ignore_errors=True)
    if taken.again:
        return back_to("/console/statements", again=taken.id)
    done = match(
        visit.ledger,
        order.account,
        order.source,
        order.reading,
        terms=visit.terms,
        now=visit.now,
    )
    return back_to(
        "/console/statements", done=taken.id, found=done.found.total(), known=taken.known
    )


def remove(visit: Visit) -> Response:
    """Let a statement count no longer, with the reason; it and its lines stay."""
    number = visit.number("number")
    reason = visit.field("reason", limit=REASON_LIMIT)
    if not reason:
        raise Refused(400, N_("Say why it counts no longer: the reason is kept."), "reason")
    with visit.ledger.begin() as connection:
        found = statements.find(connection, number)
        if found is None or not visit.person.sees(found.account):
            raise not_found()
        if not statements.remove(connection, number, reason, visit.now):
            raise Refused(409, N_("It was removed before."))
    reading = readings(visit.settings.statements).get(found.source)
    if reading is not None:
        match(
            visit.ledger,
            found.account,
            found.source,
            reading,
            terms=visit.terms,
            now=visit.now,
        )
    return back_to(f"/console/statements/{number}", done="remove")


def _source(visit: Visit) -> tuple[str, Reading]:
    known = readings(visit.settings.statements)
    name = visit.field("source")
    if name not in known:
        raise Refused(400, N_("The field has no such choice."), "source")
    return name, known[name]


def _account(visit: Visit) -> str:
    name = visit.field("account")
    if name not in visit.accounts():
        raise Refused(400, N_("The field has no such choice."), "account")
    return name


def _days(visit: Visit) -> tuple[int, int] | None:
    first = day_of(visit.field("first_day"), "first_day")
    last = day_of(visit.field("last_day"), "last_day")
    if first is None and last is None:
        return None
    begin, end = _number(first or last), _number(last or first)
    if begin > end:
        raise Refused(400, N_("The first day is after the last."), "first_day")
    return begin, end


def _number(day: date | None) -> int:
    return ((day or EPOCH) - EPOCH).days


def _keep(visit: Visit) -> _Kept:
    """The file that was sent, or the one that was looked at before."""
    folder = visit.settings.data_dir / FOLDER
    _sweep(folder, visit)
    given = visit.request.state.form.get("file")
    if isinstance(given, UploadFile) and given.filename:
        return _write(folder, given, visit.settings.console.upload_bytes)
    digest = visit.field("digest")
    if _DIGEST.fullmatch(digest):
        found = next(iter((folder / digest).glob("*")), None)
        if found is not None:
            return _Kept(found, digest)
    raise Refused(400, N_("Choose the file once more."), "file")


def _write(folder: Path, given: UploadFile, limit: int) -> _Kept:
    digest, size = hashlib.sha256(), 0
    folder.mkdir(mode=0o700, exist_ok=True)
    name = re.sub(r"[^\w.() -]", "_", Path(given.filename or "").name)[-NAME_LIMIT:].lstrip(".")
    for piece in iter(partial(given.file.read, _PIECE), b""):
        digest.update(piece)
        size += len(piece)
        if size > limit:
            raise Refused(413, N_("The file is too large."), "file")
    given.file.seek(0)
    place = folder / digest.hexdigest()
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(mode=0o700)
    with (place / (name or "statement")).open("wb") as file:
        shutil.copyfileobj(given.file, file, _PIECE)
    return _Kept(place / (name or "statement"), digest.hexdigest())


def _sweep(folder: Path, visit: Visit) -> None:
    before = (visit.now - KEPT_FOR).timestamp()
    for old in folder.glob("*"):
        with suppress(OSError):
            if old.stat().st_mtime < before:
                shutil.rmtree(old, ignore_errors=True)
