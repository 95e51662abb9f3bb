"""Which paths a process answers, and who answers each."""

import hmac
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from service import telemetry
from service.ledger.engine import Ledger
from service.ledger.inbox import DEFAULT_LIMITS as INBOX_LIMITS
from service.ledger.inbox import InboxLimits, InboxWriter
from service.ledger.repeats import Tell
from service.pingpp.signature import KeyRing
from service.settings.values import PRIVATE_NETWORKS
from service.web.doors import Door
from service.web.health import Health
from service.web.inside import Inside
from service.web.metrics import Metrics
from service.web.receiver import DEFAULT_LIMITS as RECEIVER_LIMITS
from service.web.receiver import PREFIX, Receiver, ReceiverLimits
from service.web.refusals import Refusals
from service.work.accept import Acceptor
from service.work.close import ClosingTerms

TOKEN_HEADER = "x-pingledger-token"  # noqa: S105  the header's name, not a secret
REFUSALS_PATH = "/internal/refusals"
_NO_STORE = {"cache-control": "no-store"}
INSIDE = Inside(PRIVATE_NETWORKS, proxied=False)

_log = telemetry.logger("web")


class App(Starlette):
    """A Starlette application with the receiver before it: its requests pass no middleware.

    desk: answers people and programs; desk_port: the listener that is the desk's alone, and the
    only one where it answers; None: it shares the receiver's, by path.
    """

    def __init__(
        self,
        receiver: Receiver,
        pages: "Pages",
        inbox: InboxWriter,
        desk: ASGIApp | None,
        desk_port: int | None,
    ) -> None:
        @asynccontextmanager
        async def writing(_app: Starlette) -> AsyncGenerator[None]:
            inbox.start()
            yield
            await inbox.close()

        super().__init__(routes=pages.routes(), lifespan=writing)
        self.router.redirect_slashes = False
        self.health = pages.health
        self._receiver = receiver
        self._desk = desk
        self._desk_port = desk_port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
        elif self._desk is not None and self._is_for_desk(scope):
            await self._desk(scope, receive, send)
        elif scope["path"].startswith(PREFIX):
            await self._receiver(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    def _is_for_desk(self, scope: Scope) -> bool:
        """The socket it came in by decides, and where that is shared, the path; no header does."""
        if self._desk_port is not None:
            return scope["server"][1] == self._desk_port
        path: str = scope["path"]
        return path in ("/", "/console") or path.startswith(("/console/", "/api/"))

    def stop(self) -> None:
        """Be not ready from now on; safe in a signal handler."""
        self.health.stopping = True


class Pages:
    """The answers to probes and to `doctor`."""

    def __init__(
        self,
        health: Health,
        metrics: Metrics,
        refusals: Refusals,
        token: str,
        inside: Inside = INSIDE,
    ) -> None:
        self.health = health
        self._inside = inside
        self._metrics = metrics
        self._refusals = refusals
        self._token = token.encode()

    def doors(self) -> tuple[Door, ...]:
        """The table of paths; what is inner asks for the token that stands in the ledger."""
        return (
            Door("/health/live", "GET", None, self.live, "probe.live"),
            Door("/health/ready", "GET", None, self.ready, "probe.ready"),
            Door("/metrics", "GET", None, self.metrics, "probe.metrics"),
            Door(REFUSALS_PATH, "GET", None, self.refusals, "probe.refusals"),
        )

    def routes(self) -> list[Route]:
        """What Starlette makes of them."""
        threaded = [Route(door.path, door.answer) for door in self.doors()[1:]]
        return [Route("/health/live", self._live), *threaded]

    async def _live(self, request: Request) -> Response:
        """In the event loop itself: that it turns is what is asked."""
        return self.live(request)

    def live(self, _request: Request) -> Response:
        """The event loop turns."""
        return PlainTextResponse("live\n", headers=_NO_STORE)

    def ready(self, request: Request) -> Response:
        """200, or 503; who is inside is told the reason in a word."""
        reason = self.health.reason()
        shown = reason if self._inside.is_from(request.scope) else "not ready"
        return PlainTextResponse(
            f"{shown if reason else 'ready'}\n", 503 if reason else 200, headers=_NO_STORE
        )

    def metrics(self, request: Request) -> Response:
        """For Prometheus, inside; elsewhere there is nothing."""
        if not self._inside.is_from(request.scope):
            return PlainTextResponse("not found\n", 404, headers=_NO_STORE)
        text = self._metrics.text()
        return Response(text, headers=_NO_STORE, media_type=CONTENT_TYPE_PLAIN_0_0_4)

    def refusals(self, request: Request) -> Response:
        """The sample of refused deliveries, for whoever can read the ledger."""
        given = request.headers.get(TOKEN_HEADER, "").encode("latin-1")
        if not self._token or not hmac.compare_digest(given, self._token):
            return PlainTextResponse("not found\n", 404, headers=_NO_STORE)
        return JSONResponse(self._refusals.latest(), headers=_NO_STORE)


def create_app(
    *,
    ledger: Ledger,
    rings: Mapping[str, KeyRing],
    tell: Tell,
    clock: Callable[[], datetime],
    closing: ClosingTerms,
    token: str = "",
    tick_age_seconds: Callable[[], float | None] | None = None,
    inbox_limits: InboxLimits = INBOX_LIMITS,
    receiver_limits: ReceiverLimits = RECEIVER_LIMITS,
    desk: ASGIApp | None = None,
    desk_port: int | None = None,
    inside: Inside = INSIDE,
) -> App:
    """Build the application; its inbox writes from startup to shutdown.

    rings: the public keys by account. tell: told of deliveries that differ under a known id.
    closing: when business days close, for what /metrics says of those that have not.
    token: opens the internal pages; empty closes them. tick_age_seconds: since the jobs of this
    process ticked last; None when it runs none. desk, desk_port: see App. inside: who may read the
    metrics.
    """
    inbox = InboxWriter(ledger, tell, limits=inbox_limits, on_failure=_note_failure)
    refusals = Refusals()
    receiver = Receiver(Acceptor(rings, inbox, clock), refusals, clock, receiver_limits)
    pages = Pages(
        Health(ledger, tick_age_seconds),
        Metrics(telemetry.REGISTRY, ledger, clock, closing),
        refusals,
        token,
        inside,
    )
    return App(receiver, pages, inbox, desk, desk_port)


def _note_failure(error: Exception) -> None:
    """Count each; say which class of error it was, never its text: that may quote the row."""
    telemetry.INBOX_FAILURES.inc()
    _log.warning("inbox.failed", error_class=type(error.__cause__ or error).__name__)
