"""The daemon can ask and cannot do: nothing that it holds or imports sends anything but a GET."""

import inspect
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import grimp
import httpx2
import pytest

from service.pingpp.access import Access, Host
from service.pingpp.answers import NotThere
from service.pingpp.client import Client
from service.pingpp.endpoints import OPERATIONS

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
WRITES = "service.pingpp.caller"
DAEMON = ("service.web", "service.scheduler", "service.runtime", "service.work")

# Everything a Client does for whoever holds it; a new one must be looked at here.
FACE: dict[str, Callable[[Client], object]] = {
    "concurrency": lambda client: client.concurrency,
    "skew": lambda client: client.skew,
    "room": lambda client: client.room(),
    "away_seconds": lambda client: client.away_seconds(),
    "first_of": lambda client: client.first_of("order", ["/v1/orders/1", "/v1/orders/2"]),
    "get": lambda client: client.get("/v1/orders/1"),
    "close": lambda client: client.close(),
}


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("service", cache_dir=None)


def test_no_module_of_the_daemon_imports_the_face_that_writes(imports: grimp.ImportGraph) -> None:
    chains = {
        importer: imports.find_shortest_chain(importer, WRITES)
        for part in DAEMON
        for importer in {part, *imports.find_descendants(part)}
    }
    assert {"service.work.poll", "service.web.receiver", "service.runtime"} <= set(chains)
    assert {importer: chain for importer, chain in chains.items() if chain} == {}


def test_the_commands_of_the_daemon_do_not_import_it_either(imports: grimp.ImportGraph) -> None:
    assert imports.find_shortest_chain("service.cli.daemon", WRITES) is None


def test_nobody_but_the_two_faces_holds_a_wire(imports: grimp.ImportGraph) -> None:
    holders = imports.find_modules_that_directly_import("service.pingpp.wire")
    assert holders == {"service.pingpp.client", WRITES}


def test_the_face_is_what_is_known_of_it() -> None:
    public = {name for name, _ in inspect.getmembers(Client) if not name.startswith("_")}
    assert public == set(FACE)


def test_whatever_is_asked_of_a_client_leaves_as_a_get_without_a_body() -> None:
    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        status = 404 if request.url.path.endswith("/1") else 200
        return httpx2.Response(status, stream=httpx2.ByteStream(b"{}"))

    client = Client(
        Access("https://api.test", "sk_live_1"),
        Host(),
        clock=lambda: START,
        chance=lambda: 0.5,
        transport=httpx2.MockTransport(answer),
    )
    for use in FACE.values():
        with suppress(NotThere):
            use(client)
    assert [request.method for request in asked] == ["GET", "GET", "GET"]
    assert all(request.content == b"" for request in asked)


def test_what_moves_money_is_out_of_reach_of_a_get() -> None:
    assert all(row.method != "GET" for row in OPERATIONS.values() if row.moves_money)
