"""How is a program's request answered? The token known, the question read, the answer sealed."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from msgspec.json import encode
from starlette.requests import Request
from starlette.responses import Response

from service.ledger import answers, tokens
from service.ledger.engine import Ledger
from service.ledger.tokens import USED_EVERY, Token
from service.web.access.origin import Origin
from service.web.access.page import problem
from service.web.access.porter import Noted, address_of
from service.web.access.station import Turned
from service.web.api.acting import ACTING
from service.web.api.ask import Ask, Endpoint, Wrong, read_body, read_params
from service.web.api.filing import FILING
from service.web.api.openapi import PATH, document
from service.web.api.reading import READING
from service.web.api.scopes import roles_of
from service.web.doors import Door, Person, may
from service.work.admit import digest_of

ENDPOINTS: tuple[Endpoint, ...] = (*READING, *FILING, *ACTING)
TITLES = {
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 409: "Conflict", 413: "Content Too Large",
    415: "Unsupported Media Type", 421: "Misdirected Request", 422: "Unprocessable Content",
    500: "Internal Server Error", 503: "Service Unavailable",
}  # fmt: skip
SECRET_LIMIT = 200
KEY_LIMIT = 200
_KEEP = "private, no-cache"


def _problem(status: int, detail: str = "", field: str = "") -> Response:
    more = {name: value for name, value in (("detail", detail), ("field", field)) if value}
    return problem(status, TITLES.get(status, "Error"), **more)


class TokenKeeper:
    """Keeps the API's doors (a `Keeper`): by the token alone, a cookie opens nothing here."""

    def __init__(self, ledger: Ledger, clock: Callable[[], datetime], origin: Origin) -> None:
        self._ledger = ledger
        self._clock = clock
        self._origin = origin
        self._noted = Noted(ledger, clock)

    def admit(self, request: Request, door: Door) -> None:
        """Know the token and whether it may; raises Turned."""
        if not self._origin.is_ours(request.scope):
            raise Turned(_problem(421))
        if door.role is None:
            return
        token = self._token(request)
        if token is None:
            response = _problem(401, "a good token is needed: Authorization: Bearer plt_…")
            response.headers["www-authenticate"] = 'Bearer realm="pingledger"'
            raise Turned(response)
        person = Person(
            token.id, f"{token.name} ({token.id})", roles_of(token.scopes), token.accounts
        )
        request.state.person = person
        if not may(person, door.role) or (door.scope and door.scope not in token.scopes):
            self._noted.note(person.name, door, address_of(request))
            raise Turned(_problem(403, f"the token has not the scope for {door.name}"))

    def check(self, request: Request, door: Door) -> None:
        """A token is in no browser's keeping, so no form of ours must prove anything."""

    def refusal(self, request: Request, status: int, detail: str = "") -> Response:
        """A problem."""
        del request
        return _problem(status, detail)

    def _token(self, request: Request) -> Token | None:
        given = request.headers.getlist("authorization")
        scheme, _, secret = (given[0] if len(given) == 1 else "").partition(" ")
        if scheme.lower() != "bearer" or not secret or len(secret) > SECRET_LIMIT:
            return None
        now = self._clock()
        with self._ledger.read() as connection:
            token = tokens.find(connection, digest_of(secret), now=now)
        if token and (token.used_at is None or now - token.used_at >= USED_EVERY):
            with self._ledger.begin() as connection:
                tokens.use(connection, token.id, now=now)
        return token


def api_doors() -> tuple[Door, ...]:
    """The API's table of doors; its document is open, for it says nothing of anybody."""
    made = encode(document(ENDPOINTS))

    def openapi(request: Request) -> Response:
        return _tagged(request, made)

    doors = (
        Door(one.path, one.method, one.role, _answering(one), one.name, scope=one.scope)
        for one in ENDPOINTS
    )
    return (Door(PATH, "GET", None, openapi, "openapi"), *doors)


def _answering(endpoint: Endpoint) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        try:
            ask = Ask(
                request.state.person,
                request.app.state,
                read_params(request, endpoint.params),
                read_body(request, endpoint.body),
            )
            if endpoint.media:
                return endpoint.answer(ask)
            if endpoint.method == "GET":
                return _tagged(request, _made(endpoint, ask))
            return _once(request, endpoint, ask)
        except Wrong as wrong:
            return _problem(wrong.status, wrong.detail, wrong.field)

    return answer


def _made(endpoint: Endpoint, ask: Ask) -> bytes:
    """The answer as its document says; one that was otherwise would be our fault, not an answer."""
    return encode(msgspec.convert(endpoint.answer(ask), endpoint.view))


def _tagged(request: Request, body: bytes) -> Response:
    """The answer, or that it is what the asker has already."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"etag": tag, "cache-control": _KEEP, "vary": "authorization"}
    known = request.headers.get("if-none-match", "")
    if tag in (one.strip().removeprefix("W/") for one in known.split(",")):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


def _once(request: Request, endpoint: Endpoint, ask: Ask) -> Response:
    """Do it; under an Idempotency-Key only if it was not done under it before."""
    keys = request.headers.getlist("idempotency-key")
    if not keys:
        return _json(endpoint.status, _made(endpoint, ask))
    if len(keys) > 1 or not 0 < len(keys[0]) <= KEY_LIMIT or not keys[0].isprintable():
        raise Wrong(400, "it should be some printable text", "Idempotency-Key")
    digest, asked = digest_of(keys[0]), _asked(request)
    with ask.ledger.begin() as connection:
        kept = answers.claim(connection, ask.person.id, digest, asked, now=ask.now)
    if kept is not None:
        return _again(kept, asked)
    try:
        body = _made(endpoint, ask)
    except BaseException:
        with ask.ledger.begin() as connection:
            answers.forget(connection, ask.person.id, digest)
        raise
    with ask.ledger.begin() as connection:
        answers.keep(connection, ask.person.id, digest, endpoint.status, body.decode())
    return _json(endpoint.status, body)


def _again(kept: answers.Kept, asked: str) -> Response:
    if kept.asked != asked:
        raise Wrong(422, "this key was used for something else", "Idempotency-Key")
    if kept.status is None or kept.body is None:
        raise Wrong(409, "the same is being done just now")
    return _json(kept.status, kept.body.encode())


def _asked(request: Request) -> str:
    text = f"{request.method}\0{request.scope['path']}\0".encode()
    return hashlib.sha256(text + request.state.body).hexdigest()


def _json(status: int, body: bytes) -> Response:
    return Response(body, status, media_type="application/json")


def describe() -> dict[str, Any]:
    """The document, for whoever writes it into docs/."""
    return document(ENDPOINTS)
