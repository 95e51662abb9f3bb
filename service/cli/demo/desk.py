"""How the merchant asks the provider: by an operation's name, over the table, signed."""

from collections.abc import Callable, Generator
from datetime import datetime
from itertools import count
from random import Random
from typing import Any, NamedTuple

import httpx2

from service.core.kinds import KINDS
from service.pingpp.endpoints import OPERATIONS
from service.pingpp.endpoints.request import body_bytes, sort_out, targets
from service.pingpp.signature import RequestSigner

APP = "app_aTyD009mv5mTj1yD"

# How long the merchant waits for the other side, and how often it asks again.
WAIT_SECONDS = 1.0
ASKS_LIMIT = 12

Story = Generator[float, None, None]


class Told(NamedTuple):
    """An object that the merchant tells pingledger about: it has no event, or no list."""

    kind: str
    id: str
    order_id: str = ""


class Partner(NamedTuple):
    """A sub-merchant whose account is open: its user, its app, its bank account."""

    user: str
    sub_app: str
    account: str


class Refused(Exception):
    """The provider did not do what it was asked for; the story ends there."""


class Signed(httpx2.Auth):
    """Every request carries the API key and the merchant's signature (facts 4.1, 4.2)."""

    requires_request_body = True

    def __init__(self, api_key: str, signer: RequestSigner, clock: Callable[[], datetime]) -> None:
        self._api_key = api_key
        self._signer = signer
        self._clock = clock

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Sign the request as it goes out."""
        target = request.url.raw_path.decode("ascii")
        at = int(self._clock().timestamp())
        request.headers.update(self._signer.headers(request.content, target, at))
        request.headers["Authorization"] = f"Bearer {self._api_key}"
        yield request


class Desk:
    """Asks, and remembers whom it deals with; `tell` hears of what pingledger could not know of.

    wallets: users who can pay by balance. savings: users whose money lies still.
    partners: sub-merchants that money can be shared with.
    known: the newest object of each kind. family: an order with its charge and both its refunds.
    """

    def __init__(self, client: httpx2.Client, chance: Random, tell: Callable[[Told], None]) -> None:
        self._client = client
        self._tell = tell
        self._numbers = count(1)
        self.chance = chance
        self.wallets: list[str] = []
        self.savings: list[str] = []
        self.partners: list[Partner] = []
        self.known: dict[str, str] = {}
        self.family: dict[str, str] = {}

    def number(self, prefix: str) -> str:
        """A number of the merchant's that was never used."""
        return f"{prefix}{next(self._numbers):08d}"

    def tell(self, kind: str, object_id: str, order: str = "") -> None:
        """Tell pingledger of an object, if it is of a kind that it follows."""
        if kind in KINDS:
            self._tell(Told(kind, object_id, order))

    def do(self, name: str, **values: Any) -> Any:
        """Have an operation done; Refused when the provider declines."""
        row = OPERATIONS[name]
        given = sort_out(row, values)
        target, body = targets(row, given)[0], body_bytes(row, given)
        answer = self._client.request(row.method, target, content=body)
        if not answer.is_success:
            raise Refused(answer.text)
        shown = answer.json()
        if "id" in shown:
            self.known[row.answers] = shown["id"]
        return shown

    def ask(self, name: str, **values: Any) -> dict[str, Any]:
        """The object, or nothing when the answer is broken: it is asked for again anyway."""
        try:
            return self.do(name, **values)
        except (Refused, httpx2.HTTPError, ValueError):
            return {}

    def await_status(
        self, ends: tuple[str, ...], name: str, **values: Any
    ) -> Generator[float, None, str]:
        """Ask until one of the ends is there; "" when it does not come."""
        for _ in range(ASKS_LIMIT):
            yield WAIT_SECONDS
            status = self.ask(name, **values).get("status")
            if status in ends:
                return str(status)
        return ""
