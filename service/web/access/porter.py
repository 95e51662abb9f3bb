"""How are doors kept that people go through? By the session, where it came from, and the form."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from service.ledger import audit
from service.ledger.engine import Ledger
from service.ledger.users import User
from service.web.access.cookies import Cookies, csrf_of, is_csrf
from service.web.access.origin import Origin, is_from_elsewhere
from service.web.access.page import message, page, wants_json
from service.web.access.station import Turned
from service.web.access.words import language_of, say
from service.web.doors import UNSAFE, Door, Person, Role, may
from service.work.admit import Admission

LOGIN = "/console/login"
PASSWORD = "/console/password"  # noqa: S105  a path
# what is open to somebody whose password was given out
_FIRST = frozenset({"access.password", "access.password.change", "access.sign_out"})
NOTED_EVERY = timedelta(minutes=1)
NOTED_LIMIT = 1_000


def address_of(request: Request) -> str:
    """Where it came from; behind a trusted proxy that is what the proxy says."""
    return request.client.host if request.client else ""


class Noted:
    """Writes refusals into the audit, one of a kind a minute: nobody fills it by asking again."""

    def __init__(self, ledger: Ledger, clock: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._last: dict[tuple[str, str], datetime] = {}
        self._lock = threading.Lock()

    def note(self, who: str, door: Door, address: str) -> None:
        """Somebody known wanted in where they may not."""
        now = self._clock()
        with self._lock:
            last = self._last.get((who, door.name))
            if last is not None and last <= now < last + NOTED_EVERY:
                return
            if len(self._last) >= NOTED_LIMIT:
                self._last.clear()
            self._last[who, door.name] = now
        audit.note(self._ledger, who=who, what=f"refused: {door.name}", why=address, now=now)


class Porter:
    """Keeps the console's doors (a `Keeper`)."""

    def __init__(
        self,
        admission: Admission,
        clock: Callable[[], datetime],
        cookies: Cookies,
        origin: Origin,
    ) -> None:
        self._admission = admission
        self._clock = clock
        self._cookies = cookies
        self._origin = origin
        self._noted = Noted(admission.ledger, clock)

    def admit(self, request: Request, door: Door) -> None:
        """Know who asks and whether they may; raises Turned."""
        if not self._origin.is_ours(request.scope):
            raise Turned(message(request, 421))
        user = self._know(request)
        person = request.state.person if user else None
        if door.role is not None:
            if person is None:
                raise Turned(self._stranger(request, door))
            if user and user.must_change and door.name not in _FIRST:
                raise Turned(RedirectResponse(PASSWORD, 303))
            if not may(person, door.role):
                self._noted.note(person.name, door, address_of(request))
                raise Turned(message(request, 403))
        if door.method in UNSAFE and not self._origin.is_same(request.scope):
            raise Turned(message(request, 403))

    def check(self, request: Request, door: Door) -> None:
        """The form must be one that we made for this session."""
        del door
        given = request.state.form.getlist("csrf")
        holder: str | None = request.state.holder
        if holder is None or len(given) != 1 or not is_csrf(str(given[0]), holder):
            raise Turned(message(request, 403))

    def refusal(self, request: Request, status: int, detail: str = "") -> Response:
        """A page, or a problem for whoever asked for JSON."""
        return message(request, status, detail)

    def _know(self, request: Request) -> User | None:
        """Put person, csrf and what it is made of into the request's state."""
        secret = self._cookies.secret(request.headers, self._cookies.session)
        found = self._admission.whose(secret, now=self._clock()) if secret else None
        visit = self._cookies.secret(request.headers, self._cookies.visit)
        holder = secret if found else visit
        request.state.holder = holder
        request.state.csrf = csrf_of(holder) if holder else ""
        if found is None:
            return None
        user, session = found
        request.state.person, request.state.user = person_of_user(user), user
        request.state.session = session
        return user

    def _stranger(self, request: Request, door: Door) -> Response:
        """Nobody known: to the sign-in, and back afterwards."""
        if wants_json(request):
            return message(request, 401)
        path = request.scope["path"]
        query = request.scope["query_string"].decode("latin-1")
        here = quote(path, safe="/~.-_") + (f"?{query}" if query else "")
        if request.headers.get("hx-request"):
            return Response(status_code=401, headers={"HX-Redirect": LOGIN})
        if door.method in UNSAFE:
            return message(request, 401)
        if is_from_elsewhere(request.headers):
            # the browser keeps a strict cookie back when a link elsewhere led here
            return page(
                request,
                "message.html",
                "going_on",
                onward=here,
                text=say(language_of(request), "going_on"),
                sign_in=False,
            )
        response = RedirectResponse(f"{LOGIN}?next={quote(here, safe='')}", 303)
        if self._cookies.session in request.headers.get("cookie", ""):
            self._cookies.sign_out(response)
        return response


def person_of_user(user: User) -> Person:
    """What doors and pages need to know of somebody."""
    return Person(
        id=user.id,
        name=user.name,
        roles=frozenset(role for role in Role if role.value in user.roles),
        accounts=user.accounts,
        language="en" if user.language == "en" else "zh",
    )
