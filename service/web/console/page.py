"""How does an answer become a page, in the person's language, and what if there is none?"""

import hashlib
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from service.core.errors import TryLater
from service.ledger.rules import BY_CODE
from service.web.console import show
from service.web.console.once import once
from service.web.console.visit import Refused, Visit
from service.web.console.words import N_, said, translations
from service.web.doors import Language, Role
from service.web.replies import RETRY_AFTER_SECONDS

TEMPLATES = Path(__file__).parents[1] / "templates"
STATIC = Path(__file__).parents[1] / "static"
STATIC_PATH = "/console/static"

# The menu: a path, and its text.
MENU: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        N_("Money"),
        (
            ("today", N_("Today")),
            ("mismatches", N_("Mismatches")),
            ("objects", N_("Objects")),
            ("statements", N_("Statements")),
            ("closings", N_("Closings")),
            ("reports", N_("Reports")),
        ),
    ),
    (
        N_("Traffic"),
        (
            ("deliveries", N_("Deliveries")),
            ("provider", N_("How Ping++ notifies")),
            ("sinks", N_("Sinks")),
            ("letters", N_("Dead letters")),
            ("jobs", N_("Jobs")),
            ("accounts", N_("Accounts and keys")),
        ),
    ),
    (
        N_("Control"),
        (
            ("audit", N_("Audit")),
            ("settings", N_("Settings")),
        ),
    ),
)

Handler = Callable[[Visit], Response]


@cache
def _environment(language: Language) -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # the extension adds this, and says so to nobody
    install: Any = vars(made)["install_gettext_translations"]
    install(translations(language), newstyle=True)
    filters: dict[str, Callable[..., Any]] = made.filters
    filters.update(
        money=show.money,
        side=partial(show.side, language),
        book=partial(show.book, language),
        duration=partial(show.duration, language),
        size=show.size,
        percent=show.percent,
        short=show.short,
        day=show.day,
        word=partial(_word, language),
        rule=partial(_rule_text, language),
    )
    known: dict[str, Any] = made.globals
    known.update(asset=asset, Role=Role, menu=MENU)
    return made


def _word(language: Language, value: object, group: str) -> str:
    """What people call a word of a group."""
    return said(language, group, value)


def _rule_text(language: Language, code: str) -> str:
    """What a rule says of what it finds."""
    rule = BY_CODE.get(code)
    if rule is None:
        return code
    return rule.zh if language == "zh" else rule.en


@cache
def asset(name: str) -> str:
    """The address of a static file; it changes with the file, so that it can be kept for ever."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"{STATIC_PATH}/{digest}/{name}"


def page(visit: Visit, template: str, status: int = 200, /, **values: Any) -> HTMLResponse:
    """A page of the console."""
    made = _environment(visit.language).get_template(template)
    path = visit.request.url.path
    text = made.render(
        visit=visit,
        language=visit.language,
        path=path,
        section=path.split("/")[2] if path.count("/") > 1 else "",
        at=show.clock(visit.zone),
        link=partial(linked, visit),
        **values,
    )
    return HTMLResponse(text, status)


def linked(visit: Visit, **changed: object) -> str:
    """The same page with other parameters; None takes one away."""
    given: dict[str, object] = {**visit.request.query_params, **changed}
    kept = {name: value for name, value in given.items() if value not in (None, "")}
    return f"{visit.request.url.path}?{urlencode(kept)}" if kept else visit.request.url.path


def back_to(path: str, **said_there: object) -> RedirectResponse:
    """After something was done: the page that shows it, asked for anew."""
    query = urlencode({name: value for name, value in said_there.items() if value is not None})
    return RedirectResponse(f"{path}?{query}" if query else path, 303)


def answering(handler: Handler) -> Callable[[Request], Response]:
    """A handler as a door wants it; what it refuses becomes a page that says why."""

    def answer(request: Request) -> Response:
        visit = Visit(request)
        try:
            return once(visit, handler) if request.method == "POST" else handler(visit)
        except Refused as refused:
            values: Mapping[str, object] = {"text": refused.text, "field": refused.field}
            return page(visit, "error.html", refused.status, code=refused.status, **values)
        except TryLater:
            text = N_("The ledger is busy or away. Try again in a moment.")
            response = page(visit, "error.html", 503, code=503, text=text, field="")
            response.headers["retry-after"] = str(RETRY_AFTER_SECONDS)
            return response

    return answer
