"""How does a page around signing in look? A frame of its own, before anybody has come in."""

from functools import cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from service.web.access.words import language_of, say
from service.web.doors import Language, Person

TEMPLATES = Path(__file__).parent / "templates"


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined
    )


def person_of(request: Request) -> Person | None:
    """Who asks, if that is known."""
    return getattr(request.state, "person", None)


def reads(request: Request) -> Language:
    """In which language to answer."""
    person = person_of(request)
    return language_of(request, person.language if person else None)


def page(
    request: Request, template: str, title: str, status: int = 200, /, **values: Any
) -> HTMLResponse:
    """A page under the title of that word."""
    language = reads(request)
    given = {
        "language": language,
        "title": say(language, title),
        "say": partial(say, language),
        "csrf": getattr(request.state, "csrf", ""),
        "problem": "",
        "onward": "",
    }
    text = _environment().get_template(template).render(given | values)
    return HTMLResponse(text, status)


def message(request: Request, status: int, number: str = "") -> Response:
    """A refusal: a page for people, a problem for whoever asked for JSON. number: of a log line."""
    language = reads(request)
    text = say(language, str(status))
    if wants_json(request):
        return problem(status, text)
    shown = f"{text} ({number})" if number else text
    return page(
        request, "message.html", str(status), status, text=shown, sign_in=status in (401, 403)
    )


def problem(status: int, title: str, **more: Any) -> JSONResponse:
    """An error for programs (RFC 9457)."""
    body = {"type": "about:blank", "title": title, "status": status, **more}
    return JSONResponse(body, status, media_type="application/problem+json")


def wants_json(request: Request) -> bool:
    """Whether a program asks, and no person."""
    accept = request.headers.get("accept", "")
    return "json" in accept and "html" not in accept


def style(_request: Request) -> Response:
    """The one style sheet of these pages."""
    return Response(
        _style(), headers={"cache-control": "public, max-age=3600"}, media_type="text/css"
    )


@cache
def _style() -> bytes:
    return (TEMPLATES / "style.css").read_bytes()
