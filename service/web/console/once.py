"""Was this very form sent before? A double click is answered as its first click was."""

import hashlib
import re
from collections.abc import Callable

from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response

from service.ledger import answers
from service.web.console.visit import Refused, Visit
from service.web.console.words import N_

FIELD = "once"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")


def once(visit: Visit, handler: Callable[[Visit], Response]) -> Response:
    """Do what a form asks for, unless the same form with the same fields was done already.

    Only what led on to another page counts as done: what was refused may be put right and sent
    again. A form without the token, or with a file, is simply done: a file is known by its bytes.
    """
    digest = _digest(visit)
    if digest is None:
        return handler(visit)
    who = visit.person.id
    with visit.ledger.begin() as connection:
        kept = answers.claim(connection, who, digest, digest, now=visit.now)
    if kept is not None:
        return _again(kept)
    led: str | None = None
    try:
        response = handler(visit)
        led = response.headers["location"] if response.status_code == 303 else None
    finally:
        with visit.ledger.begin() as connection:
            if led is None:
                answers.forget(connection, who, digest)
            else:
                answers.keep(connection, who, digest, 303, led)
    return response


def _again(kept: answers.Kept) -> Response:
    if kept.body is None:
        raise Refused(409, N_("The same form is being worked on just now."))
    return RedirectResponse(kept.body, 303)


def _digest(visit: Visit) -> str | None:
    form = visit.request.state.form
    token = form.get(FIELD)
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        return None
    fields = form.multi_items()
    if any(isinstance(value, UploadFile) for _, value in fields):
        return None
    asked = repr((visit.request.url.path, fields))
    return hashlib.sha256(asked.encode("utf-8", "surrogatepass")).hexdigest()
