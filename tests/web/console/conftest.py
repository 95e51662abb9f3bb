"""One shop's days, served once for all tests of pages; a browser, once."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser
from starlette.testclient import TestClient

from service.ledger.engine import Ledger
from service.settings import Settings
from tests.conftest import KeyPair
from tests.reused import Shelf
from tests.web.console import stage
from tests.web.console.chromium import chromium
from tests.web.console.stage import Visitor, console_app

NOW = datetime(2026, 11, 24, 10, 40, tzinfo=UTC)


@pytest.fixture(
    scope="session", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
)
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, key_pair: KeyPair
) -> Generator[tuple[Ledger, Settings]]:
    """A ledger with a shop's last days, and its settings; once on each database."""
    folder = tmp_path_factory.mktemp("console")
    with database(request, folder) as url, stage.furnished(folder, url, key_pair, NOW) as one:
        yield one


@contextmanager
def database(request: pytest.FixtureRequest, folder: Path) -> Generator[str]:
    """A migrated, empty one of the kind that is asked for."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        (folder / "ledger.db").write_bytes(template.read_bytes())
        yield f"sqlite:///{folder / 'ledger.db'}"
        return
    shelf: Shelf = request.getfixturevalue("postgres_shelf")
    name = shelf.take()
    yield shelf.url(name)
    shelf.give_back(name)


@pytest.fixture
def visitor() -> Visitor:
    """An admin, unless a test makes it somebody else."""
    return Visitor()


@pytest.fixture
def console(shop: tuple[Ledger, Settings], visitor: Visitor) -> Generator[TestClient]:
    """A client without JavaScript; it follows where a form leads."""
    ledger, settings = shop
    with TestClient(console_app(ledger, settings, lambda: NOW, visitor)) as client:
        client.headers["host"] = "console"
        yield client


@pytest.fixture(scope="session")
def base_url(shop: tuple[Ledger, Settings]) -> Generator[str]:
    """Where the console is served for browsers."""
    ledger, settings = shop
    app: Any = console_app(ledger, settings, lambda: NOW, Visitor())
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    """Chromium, once for a file of tests."""
    with chromium() as opened:
        yield opened
