"""How does somebody sign in, change the password and sign out?"""

import math
from collections.abc import Callable
from datetime import datetime
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from service import telemetry
from service.core.errors import TryLater
from service.core.passwords import BYTES_LIMIT
from service.ledger import audit
from service.web.access.cookies import Cookies, csrf_of, new_secret
from service.web.access.origin import safe_next
from service.web.access.page import message, page, reads, style
from service.web.access.porter import LOGIN, PASSWORD, address_of
from service.web.access.words import say
from service.web.doors import LANGUAGES, Door, Role
from service.work.admit import Admission, Refused, TooSoon, Weak

_log = telemetry.logger("access")


class Signing:
    """The doors of people's own accounts. oidc: whether the page offers another way in."""

    def __init__(
        self,
        admission: Admission,
        clock: Callable[[], datetime],
        cookies: Cookies,
        *,
        oidc: bool,
    ) -> None:
        self._admission = admission
        self._clock = clock
        self._cookies = cookies
        self._oidc = oidc

    def doors(self) -> tuple[Door, ...]:
        """The table of them."""
        return (
            Door("/", "GET", None, self.front, "access.front"),
            Door("/console/access/style.css", "GET", None, style, "access.style"),
            Door(LOGIN, "GET", None, self.form, "access.login"),
            Door(LOGIN, "POST", None, self.sign_in, "access.sign_in", hashes=True),
            Door(PASSWORD, "GET", Role.VIEWER, self.password, "access.password"),
            Door(PASSWORD, "POST", Role.VIEWER, self.change, "access.password.change", hashes=True),
            Door("/console/sign-out", "POST", Role.VIEWER, self.sign_out, "access.sign_out"),
        )

    def front(self, _request: Request) -> Response:
        """The bare address leads to the console."""
        return RedirectResponse("/console", 303)

    def form(self, request: Request) -> Response:
        """The page where somebody signs in."""
        after = safe_next(request.query_params.get("next", ""))
        if hasattr(request.state, "person") and "language" not in request.query_params:
            return RedirectResponse(after, 303)
        chosen = request.query_params.get("language")
        if chosen in LANGUAGES:
            response: Response = RedirectResponse(f"{LOGIN}?next={quote(after, safe='')}", 303)
            self._cookies.speak(response, chosen)
            return response
        return self._form(request, after)

    def _form(self, request: Request, after: str, status: int = 200, problem: str = "") -> Response:
        holder = self._cookies.secret(request.headers, self._cookies.visit) or new_secret()
        response = page(
            request, "login.html", "sign_in", status,
            csrf=csrf_of(holder), next=after, oidc=self._oidc, problem=problem,
        )  # fmt: skip
        self._cookies.greet(response, holder)
        return response

    def sign_in(self, request: Request) -> Response:
        """Name and password for a session; whatever is wrong, the same is said."""
        name, password = _field(request, "name"), _field(request, "password")
        after = safe_next(_field(request, "next"))
        if len(password.encode("utf-8", "surrogatepass")) > BYTES_LIMIT or "\0" in name + password:
            return message(request, 400)
        address, now = address_of(request), self._clock()
        try:
            secret = self._admission.sign_in(name, password, address=address, now=now)
        except Refused:
            _log.info("access.refused")
            text = say(reads(request), "refused")
            return self._form(request, after, 401, text)
        except TooSoon as error:
            return self._too_soon(
                request, error, lambda text: self._form(request, after, 429, text)
            )
        except TryLater:
            return self._form(request, after, 429, say(reads(request), "busy"))
        audit.note(
            self._admission.ledger, who=name.casefold(), what="signed in", why=address, now=now
        )
        response = RedirectResponse(after, 303)
        self._cookies.sign_in(response, secret)
        return response

    def _too_soon(
        self, request: Request, error: TooSoon, shown: Callable[[str], Response]
    ) -> Response:
        seconds = math.ceil(error.after.total_seconds()) if error.after else 1
        response = shown(say(reads(request), "too_soon").format(seconds=seconds))
        response.headers["retry-after"] = str(seconds)
        return response

    def password(self, request: Request) -> Response:
        """The page where the password is changed."""
        return self._password(request)

    def _password(self, request: Request, status: int = 200, problem: str = "") -> Response:
        user = request.state.user
        return page(
            request, "password.html", "change", status,
            must_change=user.must_change, has_password=user.password is not None,
            name=user.name, problem=problem,
        )  # fmt: skip

    def change(self, request: Request) -> Response:
        """Change it; all other sessions end, and this one goes on under a new secret."""
        language = reads(request)
        new = _field(request, "new")
        if request.state.user.password is None:
            return self._password(request, 400)
        if new != _field(request, "again"):
            return self._password(request, 400, say(language, "differ"))
        try:
            secret = self._admission.change_password(
                request.state.user, _field(request, "old"), new,
                address=address_of(request), now=self._clock(),
            )  # fmt: skip
        except Refused:
            return self._password(request, 400, say(language, "old_refused"))
        except Weak as error:
            return self._password(request, 400, say(language, f"weak.{error.why}"))
        except TooSoon as error:
            return self._too_soon(request, error, lambda text: self._password(request, 429, text))
        except TryLater:
            return self._password(request, 429, say(language, "busy"))
        response = RedirectResponse("/console", 303)
        self._cookies.sign_in(response, secret)
        return response

    def sign_out(self, request: Request) -> Response:
        """End the session, here and everywhere it is known."""
        self._admission.sign_out(request.state.holder)
        response = RedirectResponse(LOGIN, 303)
        self._cookies.sign_out(response)
        response.headers["clear-site-data"] = '"cache"'
        return response


def _field(request: Request, name: str) -> str:
    values = request.state.form.getlist(name)
    return str(values[0]) if len(values) == 1 and isinstance(values[0], str) else ""
