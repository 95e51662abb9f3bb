"""Which servers are compared: bare Starlette, Starlette that only verifies, and the receiver.

python -m scripts.benchmarks.servers NAME FOLDER [URL] prints its port and serves until SIGTERM.
"""

import base64
import signal
import socket
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from scripts.benchmarks.databases import VAULT
from scripts.benchmarks.events import KEY
from service.cli.daemon import settle_memory
from service.core.errors import TryLater
from service.ledger.engine import Ledger, open_ledger
from service.ledger.migrations import read_epoch
from service.pingpp.signature import KeyRing, load_public_key
from service.web.app import App, create_app
from service.web.protocol import ServerLimits, listen, serve
from service.work.accept import tell_differences
from service.work.close import ClosingTerms
from service.work.drain import drain
from service.work.terms import AccountTerms, Terms

ACCOUNTS = [f"shop{number}" for number in range(10)]
SINKS = ("file",)


def clock() -> datetime:
    return datetime.now(UTC)


def read_terms(ledger: Ledger) -> Terms:
    with ledger.read() as connection:
        epoch = read_epoch(connection)
    return Terms(sinks=SINKS, epoch=epoch, accounts={name: AccountTerms() for name in ACCOUNTS})


def hello() -> ASGIApp:
    """What Starlette and uvicorn cost by themselves."""

    async def say(_request: Request) -> Response:
        return PlainTextResponse("hello\n")

    return Starlette(routes=[Route("/", say)])


def verify(folder: Path) -> ASGIApp:
    """The usual route: reads the body, verifies, stores nothing."""
    key = load_pem_public_key((folder / KEY).read_bytes())
    assert isinstance(key, RSAPublicKey)
    scheme, algorithm = PKCS1v15(), SHA256()

    async def take(request: Request) -> Response:
        body = await request.body()
        signature = base64.b64decode(request.headers["x-pingplusplus-signature"], validate=True)
        try:
            key.verify(signature, body, scheme, algorithm)
        except InvalidSignature:
            return PlainTextResponse("refused\n", 401)
        return PlainTextResponse("accepted\n")

    return Starlette(routes=[Route("/webhooks/{account}", take, methods=["POST"])])


def accept(folder: Path, ledger: Ledger) -> App:
    """The receiver as it is."""
    ring = KeyRing([load_public_key((folder / KEY).read_bytes())])
    return create_app(
        ledger=ledger,
        rings=dict.fromkeys(ACCOUNTS, ring),
        tell=tell_differences(read_terms(ledger), clock),
        clock=clock,
        closing=ClosingTerms("Asia/Shanghai"),
    )


def _serve_bare(app: ASGIApp, listener: socket.socket) -> None:
    config = uvicorn.Config(
        app,
        http="httptools",
        loop="uvloop",
        ws="none",
        access_log=False,
        proxy_headers=False,
        log_level="error",
    )
    uvicorn.Server(config).run(sockets=[listener])


def _drain_for_ever(ledger: Ledger, stop: threading.Event) -> None:
    terms = read_terms(ledger)
    while not stop.is_set():
        try:
            if not drain(ledger, terms=terms, clock=clock):
                stop.wait(0.2)
        except TryLater:
            stop.wait(0.2)


def _drain_alone(url: str) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    settle_memory()
    print(0, flush=True)
    with closing(open_ledger(url, VAULT)) as ledger:
        _drain_for_ever(ledger, stop)


def main() -> None:
    name, folder, *rest = sys.argv[1:]
    if name == "drain":
        _drain_alone(rest[0])
        return
    listener = listen("127.0.0.1", 0)
    print(listener.getsockname()[1], flush=True)
    if name == "hello":
        _serve_bare(hello(), listener)
        return
    if name == "verify":
        _serve_bare(verify(Path(folder)), listener)
        return
    settle_memory()
    with closing(open_ledger(rest[0], VAULT)) as ledger:
        stop = threading.Event()
        worker = threading.Thread(target=_drain_for_ever, args=(ledger, stop))
        if name == "working":
            worker.start()
        serve(accept(Path(folder), ledger), listener, limits=ServerLimits(linger_seconds=0))
        stop.set()
        if name == "working":
            worker.join()


if __name__ == "__main__":
    main()
