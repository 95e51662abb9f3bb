"""How do the processes that stay run: `up`, `serve` and `work`?"""

import ctypes
import gc
import os
import signal
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from starlette.types import ASGIApp

from service import telemetry, traces
from service.cli.exits import Unavailable, Usage
from service.cli.options import Config, settings_of
from service.core.errors import Misconfigured
from service.ledger.durability import durability
from service.ledger.slots import Replica
from service.runtime import Runtime, alone_on, closing_terms_of, new_replica, open_runtime
from service.scheduler.jobs import jobs
from service.scheduler.loop import Scheduler
from service.settings import Settings
from service.web.app import App, create_app
from service.web.desk import Desk, Place, check_place, place_of
from service.web.inside import Inside
from service.web.protocol import ServerLimits, listen, serve
from service.web.receiver import ReceiverLimits
from service.work.accept import tell_differences

# What is left of fifteen seconds after the receiver has finished; Kubernetes kills after thirty.
STOP_SECONDS = 12.0

# glibc's malloc.h
_M_ARENA_MAX = -8
# new objects before the young are looked at; rounds of that before the older ones are
_COLLECT_AFTER = (20_000, 20, 20)

_log = telemetry.logger("daemon")


@dataclass(frozen=True, slots=True)
class Role:
    """What one process does: take deliveries in, do the jobs, or both."""

    name: str
    receives: bool
    works: bool


UP = Role("up", receives=True, works=True)
SERVE = Role("serve", receives=True, works=False)
WORK = Role("work", receives=False, works=True)


def up(context: typer.Context, config: Config = None) -> None:
    """Receive deliveries and do all the work, in one process."""
    _run(settings_of(context, config), UP, listens=True)


def serve_only(context: typer.Context, config: Config = None) -> None:
    """Receive deliveries; others do the work (`pingledger work`)."""
    _run(settings_of(context, config), SERVE, listens=True)


def work(
    context: typer.Context,
    config: Config = None,
    listen_at: Annotated[
        str, typer.Option("--listen", help="HOST:PORT for /health and /metrics.")
    ] = "",
) -> None:
    """Do the work: drain, poll, publish, reconcile; others receive (`pingledger serve`)."""
    settings = settings_of(context, config)
    if listen_at:
        host, _, port = listen_at.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or int(port) > 65_535:
            raise Usage("--listen should be HOST:PORT")
        place = settings.listen.model_copy(update={"host": host.strip("[]"), "port": int(port)})
        settings = settings.model_copy(update={"listen": place})
    _run(settings, WORK, listens=bool(listen_at))


def _run(settings: Settings, role: Role, *, listens: bool) -> None:
    settle_memory()
    console = {"json": False, "console": True}.get(settings.log.format)
    log = telemetry.configure(level=settings.log.level, console=console)
    try:
        with (
            open_runtime(settings, receives=role.receives, makes=role is UP) as runtime,
            alone_on(runtime.ledger),
            _traced(settings),
        ):
            in_order = _live(runtime, role, listens=listens)
            _log.info("daemon.stopped", in_order=in_order)
            if not in_order:
                # a thread that does not end must not keep the process
                log.stop()
                os._exit(0)
    finally:
        log.stop()


@contextmanager
def _traced(settings: Settings) -> Generator[None]:
    """Trace what this process does, where the settings name a collector."""
    endpoint = settings.traces.endpoint
    if endpoint is None:
        yield
        return
    try:
        tracing = traces.start(endpoint, settings.traces.share)
    except ModuleNotFoundError:
        raise Misconfigured(
            "traces.endpoint",
            "needs a library that is not installed: pip install 'pingledger[otel]'",
        ) from None
    try:
        yield
    finally:
        tracing.stop()


def settle_memory() -> None:
    """Make memory ready for long work; both were measured (docs/performance.md).

    What is loaded by now stays for good: the collector need not look at it, nor after every 700 new
    objects. Threads share two heaps: glibc gives each its own, and what one freed stays there.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)
    # elsewhere than on glibc there is nothing to do
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def _live(runtime: Runtime, role: Role, *, listens: bool) -> bool:
    """Run until told to stop; whether everything had come to its end then."""
    place = place_of(runtime.settings) if role.receives else None
    if place is not None:
        check_place(runtime, place)
    at = runtime.settings.listen
    listener = _listen(at.host, at.port, "listen.host") if listens else None
    replica = new_replica(runtime, role.name, _address(listener))
    scheduler = Scheduler(runtime, replica, jobs(runtime) if role.works else ())
    stopper = _Stopper(runtime, scheduler)
    _warn(runtime)
    _log.info("daemon.started", role=role.name, holder=replica.name, at=replica.address)
    stopper.start()
    try:
        if listener is None:
            _wait(runtime.stopping)
        else:
            _serve(runtime, role, replica, scheduler, listener, place)
    finally:
        runtime.stopping.set()
        stopper.join(STOP_SECONDS)
    return stopper.in_order


def _warn(runtime: Runtime) -> None:
    """Say loudly when the database may forget what was acknowledged."""
    for name, value, good in durability(runtime.ledger):
        if not good:
            _log.warning("ledger.not_durable", setting=name, value=value)


class _Stopper(threading.Thread):
    """Starts the jobs, and ends them while the receiver still finishes its requests."""

    def __init__(self, runtime: Runtime, scheduler: Scheduler) -> None:
        super().__init__(name="stopper", daemon=True)
        self._stopping = runtime.stopping
        self._scheduler = scheduler
        self.in_order = False

    def run(self) -> None:
        """Wait for the end."""
        self._scheduler.start()
        self._stopping.wait()
        self.in_order = self._scheduler.stop()


def _serve(
    runtime: Runtime,
    role: Role,
    replica: Replica,
    scheduler: Scheduler,
    listener: socket.socket,
    place: Place | None,
) -> None:
    is_own = place is not None and place.is_own
    own = _listen(place.host, place.port, "console.listen") if place and is_own else None
    if place is not None:
        host, port = (own or listener).getsockname()[:2]
        _log.info("console.open", at=f"{host}:{port}")
    desk = Desk(runtime, loopback=place.is_loopback).app() if place else None
    app = _app(runtime, role, replica, scheduler, desk, own.getsockname()[1] if own else None)
    receiver = runtime.settings.receiver

    def stopping() -> None:
        app.stop()
        runtime.stopping.set()

    serve(
        app,
        *([listener, own] if own else [listener]),
        limits=ServerLimits(
            header_seconds=receiver.header_seconds,
            request_seconds=receiver.request_seconds,
            connections=receiver.connections,
            linger_seconds=receiver.linger_seconds,
        ),
        trusted_proxies=runtime.settings.listen.trusted_proxies,
        on_stopping=stopping,
    )


def _app(
    runtime: Runtime,
    role: Role,
    replica: Replica,
    scheduler: Scheduler,
    desk: ASGIApp | None,
    desk_port: int | None,
) -> App:
    at = runtime.settings.listen
    return create_app(
        ledger=runtime.ledger,
        rings=runtime.rings if role.receives else {},
        tell=tell_differences(runtime.terms, runtime.clock),
        clock=runtime.clock,
        closing=closing_terms_of(runtime.settings),
        token=replica.token,
        tick_age_seconds=scheduler.tick_age_seconds,
        receiver_limits=ReceiverLimits(body_bytes=runtime.settings.receiver.body_bytes),
        desk=desk,
        desk_port=desk_port,
        inside=Inside(at.inside, proxied=bool(at.trusted_proxies)),
    )


def _listen(host: str, port: int, key: str) -> socket.socket:
    try:
        return listen(host, port)
    except OSError as error:
        raise Unavailable(f"cannot listen on {host}:{port}: {error.strerror}") from None
    except UnicodeError:
        raise Misconfigured(key, "is not a host") from None


def _address(listener: socket.socket | None) -> str | None:
    """Where other processes reach this one's pages."""
    if listener is None:
        return None
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104  a comparison, nothing is bound here
        host = socket.gethostname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _wait(stopping: threading.Event) -> None:
    """Until SIGTERM or SIGINT; a second one ends the process at once."""

    def stop(_signal: int, _frame: Any) -> None:
        if stopping.is_set():
            os._exit(1)
        stopping.set()

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, stop)
    # a bounded wait lets the signal handler run
    while not stopping.wait(0.5):
        pass
