"""Did our own page send this, and was it meant for us?"""

import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from service.settings.values import is_loopback

HOME = "/console"
NEXT_LIMIT = 500
_NEXT = re.compile(r"/console(/[A-Za-z0-9._~%-]+)*/?(\?[A-Za-z0-9._~%&=+:@,-]*)?")
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?|\[[0-9a-fA-F:.]{2,45}\](:[0-9]{1,5})?")


class Origin:
    """url: what the settings say browsers see; empty: whatever Host they name.

    loopback: only this machine's own names are answered, so that no page elsewhere can give its own
    name our address.
    """

    def __init__(self, url: str, *, loopback: bool) -> None:
        self._url = url
        self._host = urlsplit(url).netloc.lower()
        self._loopback = loopback
        self.secure = url.startswith("https://")

    def is_ours(self, scope: Scope) -> bool:
        """Whether the Host is one that we answer to."""
        hosts = Headers(scope=scope).getlist("host")
        if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
            return False
        host = hosts[0].lower()
        if self._host and host == self._host:
            return True
        if self._loopback:
            return is_loopback(urlsplit(f"//{host}").hostname or "")
        return not self._host

    def is_same(self, scope: Scope) -> bool:
        """Whether a page of ours sent it; every browser says so with what changes something."""
        headers = Headers(scope=scope)
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return False
        origins = headers.getlist("origin")
        return len(origins) == 1 and origins[0].lower() in self._origins(scope, headers)

    def _origins(self, scope: Scope, headers: Headers) -> tuple[str, ...]:
        seen = f"{scope['scheme']}://{headers.get('host', '').lower()}"
        return (self._url, seen) if self._loopback or not self._url else (self._url,)


def is_from_elsewhere(headers: Headers) -> bool:
    """Whether a link elsewhere led here: the browser then keeps our cookies back."""
    return headers.get("sec-fetch-site") == "cross-site" and (
        headers.get("sec-fetch-mode", "navigate") == "navigate"
    )


def safe_next(given: str) -> str:
    """A path of the console to go on to; anything else becomes its first page."""
    if len(given) > NEXT_LIMIT or not _NEXT.fullmatch(given):
        return HOME
    return given
