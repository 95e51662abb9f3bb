"""Where do people and programs come in, and what is behind the doors?"""

from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from service.core.errors import Misconfigured
from service.ledger import users
from service.runtime import Runtime, lifetime_of
from service.settings import Settings
from service.settings.values import is_loopback
from service.web.access.armour import Armour
from service.web.access.cookies import Cookies
from service.web.access.oidc import Provider, Vouching
from service.web.access.origin import Origin
from service.web.access.page import message, problem
from service.web.access.porter import Porter
from service.web.access.signing import Signing
from service.web.access.station import Crowds, routes
from service.web.api.desk import TokenKeeper, api_doors
from service.web.console import console_doors
from service.web.doors import Door
from service.work.admit import Admission
from service.work.hashing import Hashing


@dataclass(frozen=True, slots=True)
class Place:
    """Where the desk is. is_own: on a listener of its own, else on the receiver's."""

    host: str
    port: int
    is_own: bool

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        return is_loopback(self.host)


def place_of(settings: Settings) -> Place | None:
    """Where the settings want it; None: nowhere.

    Unless they say so, it is not opened to others: only on loopback, or where `listen` puts it.
    """
    console = settings.console
    host, port = settings.listen.host, settings.listen.port
    if console.listen:
        host, _, text = console.listen.rpartition(":")
        host, port = host.strip("[]"), int(text)
    is_own = bool(console.listen) and (
        port == 0 or (host, port) != (settings.listen.host, settings.listen.port)
    )
    place = Place(host, port, is_own)
    wanted = bool(console.listen) or place.is_loopback
    enabled = wanted if console.enabled is None else console.enabled
    return place if enabled else None


def check_place(runtime: Runtime, place: Place) -> None:
    """Fail closed: where others reach it, somebody must be there to keep them out."""
    if place.is_loopback:
        return
    with runtime.ledger.read() as connection:
        if users.is_anyone_in(connection):
            return
    raise Misconfigured(
        "console",
        f"would be open to others at {place.host} and there is no user: make one with"
        " `pingledger user add NAME --role admin`, or set console.listen to 127.0.0.1:PORT,"
        " or console.enabled to false",
    )


class Desk:
    """All doors of people and programs, and the application that they make."""

    def __init__(self, runtime: Runtime, *, loopback: bool, hashing: Hashing | None = None) -> None:
        console = runtime.settings.console
        origin = Origin(console.url, loopback=loopback)
        cookies = Cookies(secure=origin.secure)
        admission = Admission(runtime.ledger, hashing or Hashing(), lifetime_of(runtime.settings))
        self._runtime = runtime
        self._origin = origin
        self._porter = Porter(admission, runtime.clock, cookies, origin)
        signing = Signing(admission, runtime.clock, cookies, oidc=bool(console.oidc.issuer))
        self._keeper = TokenKeeper(runtime.ledger, runtime.clock, origin)
        vouching: tuple[Door, ...] = ()
        if console.oidc.issuer:
            provider = Provider(console)
            vouching = Vouching(provider, admission, runtime.clock, cookies).doors()
        self._pages = (*signing.doors(), *vouching, *console_doors(console))
        self._api = api_doors()

    @property
    def doors(self) -> tuple[Door, ...]:
        """All tables, one after the other."""
        return (*self._pages, *self._api)

    def app(self) -> ASGIApp:
        """What answers."""
        crowds = Crowds()
        made = Starlette(
            routes=[
                *routes(self._pages, self._porter, crowds),
                *routes(self._api, self._keeper, crowds),
            ],
            exception_handlers={404: _not_found},
        )
        made.router.redirect_slashes = False
        runtime = self._runtime
        made.state.runtime = runtime
        made.state.ledger = runtime.ledger
        made.state.settings = runtime.settings
        made.state.clock = runtime.clock
        made.state.terms = runtime.terms
        made.state.clients = runtime.clients
        made.state.rings = runtime.rings
        return Armour(made, secure=self._origin.secure)


async def _not_found(request: Request, _error: Exception) -> Response:
    if request.scope["path"].startswith("/api/"):
        return problem(404, "Not Found")
    return message(request, 404)
