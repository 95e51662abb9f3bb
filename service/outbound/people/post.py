"""How is a JSON document posted to a service, and what did it answer?

Within one deadline, to a public address that was looked at, without redirects and without proxies
of the environment: the same terms that the webhook keeps.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpcore2
import httpx2
import msgspec

from service.core.errors import Misconfigured
from service.outbound.address import Target, check_url
from service.outbound.pinned import Pinned, attempt
from service.outbound.sink import Later

REQUEST_SECONDS = 10.0
ANSWER_BYTES = 64 * 1024
_HEADERS: Mapping[bytes | str, bytes | str] = {
    "content-type": "application/json; charset=utf-8",
    "user-agent": "pingledger",
    "accept-encoding": "identity",
}


@dataclass(frozen=True, slots=True)
class Said:
    """A service's answer: its status, and its body as far as it is a JSON object."""

    status: int
    body: Mapping[str, Any]


class Poster:
    """Posts to one service. Raises Misconfigured for an address that will never do."""

    def __init__(
        self, name: str, base: str, *, seconds: float = REQUEST_SECONDS, key: str = ""
    ) -> None:
        try:
            self._target: Target = check_url(base, loopback=True)
        except ValueError as error:
            raise Misconfigured(key or f"people.{name}.url", str(error)) from None
        self._seconds = seconds
        context = httpx2.create_ssl_context(trust_env=False)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._pool = httpcore2.ConnectionPool(
            ssl_context=context,
            max_connections=1,
            keepalive_expiry=5.0,
            network_backend=Pinned(here=self._target.here),
        )

    def post(self, path: str, document: Mapping[str, Any]) -> Said | Later:
        """Post below the base; a failure to reach the service is its answer."""
        body = msgspec.json.encode(document)
        return attempt(self._seconds, lambda: self._post(path, body))

    def close(self) -> None:
        """Close what is kept alive."""
        self._pool.close()

    def _post(self, path: str, body: bytes) -> Said:
        url = f"{self._target.url}{path}"
        limits = {"timeout": {"pool": self._seconds}}
        with self._pool.stream(
            "POST", url, headers=_HEADERS, content=body, extensions=limits
        ) as answer:
            return Said(answer.status, _object(_read(answer)))


def _read(answer: httpcore2.Response) -> bytes:
    data = b""
    for piece in answer.iter_stream():
        data += piece
        if len(data) > ANSWER_BYTES:
            break
    return data[:ANSWER_BYTES]


def _object(data: bytes) -> Mapping[str, Any]:
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        return {}
