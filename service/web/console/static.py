"""Which files do pages need, and for how long may a browser keep them?"""

from functools import cache

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from service.web.console.page import STATIC, asset

_TYPES = {
    "console.css": "text/css",
    "console.js": "text/javascript",
    "htmx-4.0.1.min.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
# under a name of their own content they never change
_KEEP = {"cache-control": "public, max-age=31536000, immutable"}
_GONE = {"cache-control": "no-store"}


def file(request: Request) -> Response:
    """One of the files by its digest; under another digest there is none."""
    name = request.path_params["name"]
    if name not in _TYPES or request.url.path != asset(name):
        return PlainTextResponse("not found\n", 404, headers=_GONE)
    return Response(_read(name), headers=_KEEP, media_type=_TYPES[name])


@cache
def _read(name: str) -> bytes:
    return (STATIC / name).read_bytes()
