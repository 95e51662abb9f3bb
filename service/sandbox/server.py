"""How a sandbox is served on loopback: in the foreground, or in a thread beside something else."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime

import uvicorn

from service.sandbox.app import Terms, build_app, build_box, sending_client

HOST = "127.0.0.1"
START_SECONDS = 10.0


def wall_clock() -> datetime:
    """The sandbox's host is its clock."""
    return datetime.now(UTC)  # noqa: TID251


def serve(terms: Terms, port: int) -> None:
    """Serve until interrupted."""
    _server(terms, port).run()


def _server(terms: Terms, port: int) -> uvicorn.Server:
    box = build_box(terms, wall_clock, sending_client())
    config = uvicorn.Config(
        build_app(box),
        host=HOST,
        port=port,
        log_level="warning",
        # every answer carries the sandbox's own Date
        date_header=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


@contextmanager
def serving(terms: Terms, port: int = 0) -> Generator[str]:
    """Serve in a thread; gives the base address. Raises RuntimeError when it does not start."""
    server = _server(terms, port)
    started = threading.Event()
    thread = threading.Thread(target=server.run, name="sandbox", daemon=True)
    thread.start()
    waited = 0.0
    while not server.started and thread.is_alive() and waited < START_SECONDS:
        started.wait(0.02)
        waited += 0.02
    if not server.started:
        raise RuntimeError("the sandbox did not start")
    bound = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://{HOST}:{bound}"
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)
