"""How does one path answer? The door is chosen, the asker known, the body read, then it is done."""

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol, TypeVar

import anyio.to_thread
from anyio import CapacityLimiter
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from service import telemetry
from service.core.errors import TryLater
from service.web.doors import UNSAFE, Door
from service.web.protocol import MORE_TIME
from service.web.replies import RETRY_AFTER_SECONDS
from service.work.hashing import AT_ONCE
from service.work.hashing import WAITING_LIMIT as HASHES_WAITING

FORM_BYTES = 1024 * 1024
FIELDS_LIMIT = 2_000
THREADS = 8
WAITING_LIMIT = 64

_Given = TypeVar("_Given")
_log = telemetry.logger("desk")


class Turned(Exception):
    """Somebody does not get in; the answer says why, or where to go first."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class Keeper(Protocol):
    """Who keeps doors: by sessions for people, by tokens for programs."""

    def admit(self, request: Request, door: Door) -> None:
        """Put the person into the request's state; raises Turned."""
        ...

    def check(self, request: Request, door: Door) -> None:
        """Look at what was sent, now that it is read; raises Turned."""
        ...

    def refusal(self, request: Request, status: int, detail: str = "") -> Response:
        """An answer that says no, as people or as programs read it."""
        ...


class Full(TryLater):
    """Too many wait already; `status` is how that is answered."""

    def __init__(self, status: int) -> None:
        super().__init__("too many wait")
        self.status = status


class Crowd:
    """How many answers are made at once, and how many may wait for a thread."""

    def __init__(
        self, threads: int = THREADS, waiting: int = WAITING_LIMIT, full: int = 503
    ) -> None:
        self._threads = threads
        self._places = threads + waiting
        self._full = full
        self._limiter: CapacityLimiter | None = None
        self._inside = 0

    async def run(self, work: Callable[[], _Given]) -> _Given:
        """Run it in a thread; raises Full when too many wait."""
        if self._inside >= self._places:
            raise Full(self._full)
        self._limiter = self._limiter or CapacityLimiter(self._threads)
        self._inside += 1
        try:
            return await anyio.to_thread.run_sync(work, limiter=self._limiter)
        finally:
            self._inside -= 1


class Crowds:
    """All of a desk. Who waits for a password's hash takes no thread from those who work."""

    def __init__(self) -> None:
        self.all = Crowd()
        self.hashing = Crowd(AT_ONCE, HASHES_WAITING, 429)


class Station:
    """Every door of one path, as an ASGI endpoint."""

    def __init__(self, doors: Sequence[Door], keeper: Keeper, crowds: Crowds) -> None:
        self._doors: Mapping[str, Door] = {door.method: door for door in doors}
        self._keeper = keeper
        self._crowds = crowds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; whatever happens, it is answered."""
        request = Request(scope, receive)
        response = await self._respond(request, scope["method"])
        await response(scope, receive, send)

    async def _respond(self, request: Request, method: str) -> Response:
        door = self._doors.get("GET" if method == "HEAD" else method)
        if door is None:
            response = self._keeper.refusal(request, 405)
            response.headers["allow"] = ", ".join(sorted(self._doors))
            return response
        try:
            return await self._answer(request, door)
        except Turned as turned:
            return turned.response
        except HTTPException as error:
            return self._keeper.refusal(request, error.status_code)
        except TryLater as error:
            status = error.status if isinstance(error, Full) else 503
            response = self._keeper.refusal(request, status)
            response.headers["retry-after"] = str(RETRY_AFTER_SECONDS)
            return response
        except Exception:  # noqa: BLE001  the last resort: logged with a number, shown without a word
            number = secrets.token_hex(6)
            _log.exception("desk.failed", door=door.name, number=number)
            return self._keeper.refusal(request, 500, number)

    async def _answer(self, request: Request, door: Door) -> Response:
        await self._crowds.all.run(lambda: self._keeper.admit(request, door))
        if door.method not in UNSAFE:
            return await self._crowds.all.run(lambda: door.answer(request))
        if door.file_seconds:
            _grant(request, door.file_seconds)
        form = await self._read(request, door)
        crowd = self._crowds.hashing if door.hashes else self._crowds.all
        try:
            return await crowd.run(lambda: self._checked(request, door))
        finally:
            await form.close()

    def _checked(self, request: Request, door: Door) -> Response:
        self._keeper.check(request, door)
        return door.answer(request)

    async def _read(self, request: Request, door: Door) -> FormData:
        """Put the form, or the bytes, into the request's state; never more than the door takes."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        is_file = kind == "multipart/form-data"
        if is_file and not door.file_bytes:
            raise Turned(self._keeper.refusal(request, 415))
        limit = FORM_BYTES + (door.file_bytes if is_file else 0)
        sent = Request(request.scope, self._bounded(request, limit))
        request.state.form, request.state.body = FormData(), b""
        if is_file or kind == "application/x-www-form-urlencoded":
            form = await sent.form(max_files=1, max_fields=FIELDS_LIMIT, max_part_size=FORM_BYTES)
            request.state.form = form
        else:
            request.state.body = await sent.body()
        return request.state.form

    def _bounded(self, request: Request, limit: int) -> Callable[[], Awaitable[Message]]:
        left = limit

        async def receive() -> Message:
            nonlocal left
            message = await request.receive()
            left -= len(message.get("body", b""))
            if left < 0:
                refusal = self._keeper.refusal(request, 413)
                # what was not read to its end cannot be followed by another request
                refusal.headers["connection"] = "close"
                raise Turned(refusal)
            return message

        return receive


def _grant(request: Request, seconds: float) -> None:
    """Let somebody who is known take longer to send than a request may."""
    grant = request.scope.get("extensions", {}).get(MORE_TIME)
    if grant is not None:
        grant["grant"](seconds)


def routes(doors: Sequence[Door], keeper: Keeper, crowds: Crowds) -> list[Route]:
    """One route for each path, in the order of the table."""
    paths = dict.fromkeys(door.path for door in doors)
    return [
        Route(path, Station([door for door in doors if door.path == path], keeper, crowds))
        for path in paths
    ]
