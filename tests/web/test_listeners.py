"""Does each listener answer what is its own, whatever a request says of itself?"""

import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from service.runtime import open_runtime
from service.settings import Settings
from service.web.app import create_app
from service.web.desk import Desk
from service.web.protocol import DEFAULT_LIMITS, BoundedConfig, BoundedServer, listen
from tests.conftest import put_vault_key
from tests.days import RULES
from tests.web.visitor import QUICK, Visitor

pytestmark = pytest.mark.parametrize("dialect", ["sqlite"])


@pytest.fixture
def ports(database_url: str, tmp_path: Path, now: datetime) -> Iterator[tuple[int, int]]:
    """A receiver's port and a desk's port of one server."""
    given = {
        "data_dir": str(tmp_path),
        "vault": {"keys": str(put_vault_key(tmp_path))},
        "database": {"url": database_url},
    }
    settings = Settings.model_validate(given, context={"folder": tmp_path})
    with open_runtime(settings) as runtime:
        sockets = [listen("127.0.0.1", 0), listen("127.0.0.1", 0)]
        public, private = (each.getsockname()[1] for each in sockets)
        app = create_app(
            ledger=runtime.ledger,
            rings={},
            tell=lambda _connection, _arrival: None,
            clock=lambda: now,
            closing=RULES,
            desk=Desk(runtime, loopback=True, hashing=QUICK).app(),
            desk_port=private,
        )
        server = BoundedServer(BoundedConfig(app, DEFAULT_LIMITS, []), app.stop)
        thread = threading.Thread(target=server.run, kwargs={"sockets": sockets})
        thread.start()
        try:
            yield public, private
        finally:
            server.should_exit = True
            thread.join()
            for each in sockets:
                each.close()


def test_neither_listener_answers_for_the_other(ports: tuple[int, int]) -> None:
    public, private = (Visitor(port) for port in ports)
    for path in ("/console/login", "/console", "/api/v1/openapi.json", "/"):
        assert public.get(path, host=f"127.0.0.1:{ports[1]}").status == 404, path
    assert private.get("/console/login").status == 200
    assert private.get("/api/v1/openapi.json").status == 200
    for path in ("/webhooks/shop", "/metrics", "/health/live", "/internal/refusals"):
        assert private.get(path, host=f"127.0.0.1:{ports[0]}").status == 404, path
    assert public.get("/health/live").status == 200
