"""How the pieces of a fake provider are put together and served."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from random import Random

import httpx2
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.sandbox import control, page
from service.sandbox.api import places
from service.sandbox.box import Box
from service.sandbox.cast import play_cast
from service.sandbox.clock import SandboxClock
from service.sandbox.events import Press
from service.sandbox.faults import Faults
from service.sandbox.gate import endpoint, not_here
from service.sandbox.keys import check_request, sign
from service.sandbox.sender import SENDS_AT_ONCE, Clock, Sender
from service.sandbox.truth import Pace, Truth


@dataclass(frozen=True, slots=True)
class Terms:
    """What a sandbox is started with; `rates` are faults by name, from 0 to 1.

    start: its time at the start, else its host's. frozen: only steps move its time. cast: the app
    that has the document's people from the start.
    """

    key: RSAPrivateKey
    api_key: str
    merchant_key: RSAPublicKey | None = None
    webhook_url: str = ""
    pace: Pace = field(default_factory=Pace)
    rates: Mapping[str, float] = field(default_factory=dict[str, float])
    seed: int = 0
    livemode: bool = True
    start: datetime | None = None
    frozen: bool = False
    cast: str = ""


def build_box(terms: Terms, base: Clock, client: httpx2.AsyncClient) -> Box:
    """A fake provider, at rest until its `run` is; base is the clock that its own follows."""
    clock = SandboxClock(base, start=terms.start, frozen=terms.frozen)
    chance = Random(terms.seed)  # noqa: S311  chance for a game, not for a secret
    truth = Truth(chance, terms.pace, livemode=terms.livemode)
    faults = Faults(Random(terms.seed + 1), terms.rates)  # noqa: S311
    signer = partial(sign, terms.key)
    if terms.cast:
        play_cast(truth, terms.cast, clock())
    return Box(
        truth=truth,
        faults=faults,
        press=Press(truth, faults, signer),
        sender=Sender(client, terms.webhook_url, clock, terms.pace),
        clock=clock,
        sign=signer,
        api_keys=frozenset({terms.api_key}),
        check_request=partial(check_request, terms.merchant_key) if terms.merchant_key else None,
    )


def build_app(box: Box) -> Starlette:
    """/v1 and /sandbox; the sandbox's time runs while it is served."""

    async def nothing(_request: Request, _error: Exception) -> Response:
        return not_here(box)

    @asynccontextmanager
    async def running(_app: Starlette) -> AsyncGenerator[None]:
        task = asyncio.create_task(box.run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    operations = [
        Route(path, endpoint(box, rows), methods=[method])
        for (method, path), rows in places().items()
    ]
    app = Starlette(
        routes=[*operations, *control.routes(box), *page.routes(box)],
        exception_handlers={404: nothing, 405: nothing},
        lifespan=running,
    )
    app.router.redirect_slashes = False
    return app


def sending_client() -> httpx2.AsyncClient:
    """The client that events are sent with: loopback, no redirects, no proxies."""
    limits = httpx2.Limits(max_connections=SENDS_AT_ONCE)
    return httpx2.AsyncClient(limits=limits, follow_redirects=False, trust_env=False)
