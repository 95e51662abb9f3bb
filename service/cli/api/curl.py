"""How a request looks as curl, with nothing in it that anybody could use: --dry-run."""

import json
import shlex
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2

from service.core.masking import HIDDEN, mask

# Secrets, and what is good for one request only.
_SECRET = frozenset({"authorization", "pingplusplus-signature"})
_SHOWN = (
    "authorization",
    "content-type",
    "pingplusplus-request-timestamp",
    "pingplusplus-signature",
)
SIGNATURE_SHOWN = 12


def as_curl(request: httpx2.Request) -> str:
    """The signed request; key and most of the signature hidden, personal data masked.

    The masked body no longer fits the signature: this is to be looked at and not to be run.
    """
    return " \\\n  ".join(_parts(request))


def _parts(request: httpx2.Request) -> Iterator[str]:
    yield f"curl -X {request.method} {shlex.quote(_url(request))}"
    for name in _SHOWN:
        value = request.headers.get(name)
        if value is not None:
            yield f"-H {shlex.quote(f'{_title(name)}: {_header(name, value)}')}"
    if request.content:
        yield f"--data-raw {shlex.quote(_body(request.content))}"


def _url(request: httpx2.Request) -> str:
    parts = urlsplit(str(request.url))
    query: Any = mask(dict(parse_qsl(parts.query)))
    return parts._replace(query=urlencode(query)).geturl()


def _title(name: str) -> str:
    return "-".join(word.capitalize() for word in name.split("-"))


def _header(name: str, value: str) -> str:
    if name == "authorization":
        return f"{value.partition(' ')[0]} {HIDDEN}"
    return f"{value[:SIGNATURE_SHOWN]}{HIDDEN}" if name in _SECRET else value


def _body(content: bytes) -> str:
    return json.dumps(mask(json.loads(content)), ensure_ascii=False, separators=(",", ":"))
