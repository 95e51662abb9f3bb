"""What does the browser hold, and what does it prove?"""

import base64
import hashlib
import hmac
import re
import secrets

from starlette.datastructures import Headers
from starlette.responses import Response

from service.web.access.origin import HOME
from service.web.access.words import LANGUAGE_COOKIE

_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
_BYTES = 32
LANGUAGE_SECONDS = 365 * 86_400


class Cookies:
    """session: who is signed in. visit: the browser before that, for the sign-in's own form.

    secure: reached by https, so that no other host and no plain connection can set or see them.
    """

    def __init__(self, *, secure: bool) -> None:
        self._secure = secure
        prefix = "__Host-" if secure else ""
        self.session = f"{prefix}pingledger_session"
        self.visit = f"{prefix}pingledger_visit"

    def secret(self, headers: Headers, name: str) -> str | None:
        """The one value of a cookie of ours; two of a name are none."""
        found = [
            value.strip()
            for header in headers.getlist("cookie")
            for key, _, value in (part.partition("=") for part in header.split(";"))
            if key.strip() == name
        ]
        return found[0] if len(found) == 1 and _SECRET.fullmatch(found[0]) else None

    def sign_in(self, response: Response, secret: str) -> None:
        """Let the browser hold a session; it ends with the browser or with us."""
        self._set(response, self.session, secret, "strict")

    def greet(self, response: Response, secret: str) -> None:
        """Know the browser again; it has to come along from an identity provider's page."""
        self._set(response, self.visit, secret, "lax")

    def speak(self, response: Response, language: str) -> None:
        """Remember the language where the console does too: of two paths the wider one wins."""
        response.set_cookie(
            LANGUAGE_COOKIE,
            language,
            max_age=LANGUAGE_SECONDS,
            path=HOME,
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )

    def sign_out(self, response: Response) -> None:
        """Let it forget the session."""
        response.delete_cookie(
            self.session, path="/", secure=self._secure, httponly=True, samesite="strict"
        )

    def _set(self, response: Response, name: str, secret: str, same_site: str) -> None:
        response.set_cookie(
            name,
            secret,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="strict" if same_site == "strict" else "lax",
        )


def new_secret() -> str:
    """256 random bits as text."""
    return secrets.token_urlsafe(_BYTES)


def csrf_of(secret: str) -> str:
    """What only a page made for the holder of this secret knows."""
    digest = hmac.digest(secret.encode(), b"pingledger csrf", hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def is_csrf(given: str, secret: str) -> bool:
    """Whether a form was made for the holder of this secret."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), csrf_of(secret).encode())
