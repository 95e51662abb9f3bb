"""How a connection is made: to an address that was looked at, and within one deadline per request.

The name is resolved here and nowhere else, so that what was checked is what is connected to (DNS
rebinding, failure S06); TLS still asks for the name.
"""

import math
import ssl
from collections.abc import Callable, Iterable
from typing import Any, Self, TypeVar

import httpcore2

from service.outbound.address import AddressRefused, Resolve, addresses, resolve
from service.outbound.sink import Later
from service.sockets import Bounded, seconds_left, within

CONNECTS_LIMIT = 3

_Answer = TypeVar("_Answer")


class NotResolved(httpcore2.ConnectError):
    """The name has no address, or nobody said so in time."""


class NotTrusted(httpcore2.ConnectError):
    """TLS could not be agreed on: certificate, name or version."""


def attempt(seconds: float, send: Callable[[], _Answer]) -> _Answer | Later:
    """Send within a deadline; what kept it from being answered is a reason to come again.

    away: nobody was reached, so that the next message would not fare better.
    """
    try:
        with within(seconds):
            return send()
    except AddressRefused:
        return Later("address", away=True)
    except NotResolved:
        return Later("resolve", away=True)
    except NotTrusted:
        return Later("tls", away=True)
    except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
        return Later("connect", away=True)
    except httpcore2.TimeoutException:
        return Later("timeout")
    except (httpcore2.NetworkError, httpcore2.ProtocolError):
        return Later("broken answer")


class Pinned(httpcore2.NetworkBackend):
    """Opens sockets to addresses that passed; here: to this machine itself, on purpose."""

    def __init__(self, *, here: bool, ask: Resolve = resolve) -> None:
        self._here = here
        self._ask = ask
        self._sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Try the first few addresses in turn. Raises AddressRefused, or httpcore2's errors."""
        seconds = seconds_left(timeout)
        patience = math.inf if seconds is None else seconds
        try:
            found = addresses(host, port, seconds=patience, here=self._here, ask=self._ask)
        except OSError as error:
            raise NotResolved("the name was not resolved") from error
        failure: Exception = httpcore2.ConnectError("no address")
        for address in found[:CONNECTS_LIMIT]:
            try:
                inner = self._sockets.connect_tcp(
                    address, port, seconds_left(timeout), local_address, socket_options
                )
            except httpcore2.ConnectError as error:
                failure = error
            else:
                return _Trusting(inner)
        raise failure


class _Trusting(Bounded):
    """A socket that tells a peer which cannot be trusted from one that is away."""

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> Self:
        try:
            return super().start_tls(ssl_context, server_hostname, timeout)
        except httpcore2.ConnectError as error:
            raise NotTrusted("TLS failed") from error
