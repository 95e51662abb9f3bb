"""May somebody who is signed in send a large statement over a slow line, and nobody else?"""

import socket
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from service.core.errors import Misconfigured
from service.settings import load
from service.web.doors import Door
from service.web.protocol import MORE_TIME, ServerLimits
from tests.web.conftest import Pair, drain, status
from tests.web.console.stage import BOOK
from tests.web.visitor import Visited, Visitor, visited

pytestmark = pytest.mark.parametrize("dialect", ["sqlite"])

QUICK = ServerLimits(header_seconds=0.5, request_seconds=0.8, keep_alive_seconds=1)
MIB = 2**20


@pytest.fixture
def desk(database_url: str, tmp_path: Path, key_pair: Pair, now: datetime) -> Iterator[Visited]:
    console = {"upload_bytes": 2 * MIB, "upload_seconds": 60}
    with visited(database_url, tmp_path, key_pair, now, limits=QUICK, console=console) as running:
        yield running


def test_a_statement_may_come_slower_than_any_other_request(desk: Visited) -> None:
    finance = desk.signed_in("lin", "finance")
    csrf = finance.get("/console/statements").csrf
    body = statement(csrf, BOOK.encode())
    with begin(desk, finance, "/console/statements", len(body)) as slow:
        slow.sendall(body[:300])
        # begun later and as slowly, another form of the same person's is cut off
        with begin(desk, finance, "/console/language", 1_000, form=True) as other:
            other.sendall(b"csrf=")
            assert drain(other) == b""
        slow.sendall(body[300:])
        answer = drain(slow)
    assert status(answer) == 200, answer
    assert "读取预览" in answer.decode()


def test_who_may_not_upload_is_given_no_time(desk: Visited) -> None:
    viewer = desk.signed_in("lin", "viewer")
    for visitor, refused in ((desk.visitor(), 401), (viewer, 403)):
        with begin(desk, visitor, "/console/statements", 10**9) as wire:
            assert status(drain(wire)) == refused


def test_a_statement_beyond_the_limit_is_not_read_to_its_end(desk: Visited) -> None:
    finance = desk.signed_in("lin", "finance")
    csrf = finance.get("/console/statements").csrf
    for more, expected in ((0, 200), (4 * MIB, 413)):
        body = statement(csrf, BOOK.encode() + b"\n" * more)
        with begin(desk, finance, "/console/statements", len(body)) as wire:
            try:
                wire.sendall(body)
            except OSError:
                # answered, and closed before all of it was sent
                assert expected == 413
            answer = drain(wire)
        assert status(answer) in ((413, 0) if expected == 413 else (200,))
    assert list((desk.runtime.settings.data_dir / "uploads").glob("*/*")) != []


def test_the_settings_say_how_large_and_how_long(desk: Visited, tmp_path: Path) -> None:
    (door,) = (one for one in desk.desk.doors if one.file_bytes)
    assert (door.file_bytes, door.file_seconds) == (2 * MIB, 60.0)
    assert_only_files(desk.desk.doors)
    config = tmp_path / "pingledger.toml"
    config.write_text("[console]\nupload_seconds = 3\n", encoding="utf-8")
    with pytest.raises(Misconfigured, match=r"console\.upload_seconds"):
        load(config, {})


def assert_only_files(doors: tuple[Door, ...]) -> None:
    assert [one.name for one in doors if bool(one.file_seconds) != bool(one.file_bytes)] == []


@pytest.mark.parametrize("granted", [0.1, 1.2])
def test_time_that_was_granted_ends_as_well(serve: Any, granted: float) -> None:
    left: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del send
        scope["extensions"][MORE_TIME]["grant"](granted)
        while (message := await receive())["type"] == "http.request":
            pass
        left.append(message["type"])

    with serve(desk=app, server_limits=QUICK) as served, served.connect() as wire:
        wire.sendall(b"POST /console/x HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\n\r\nx")
        assert drain(wire) == b""
    assert left == ["http.disconnect"]


def statement(csrf: str, file: bytes) -> bytes:
    """A form with a file, as a browser sends it."""
    fields = {"csrf": csrf, "do": "preview", "source": "book", "account": "shop"}
    parts = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    head = '--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    return f"{parts}{head}".encode() + file + b"\r\n--x--\r\n"


def begin(
    desk: Visited, visitor: Visitor, path: str, length: int, *, form: bool = False
) -> socket.socket:
    """The head of a request; its body is the test's to send."""
    kind = "application/x-www-form-urlencoded" if form else "multipart/form-data; boundary=x"
    cookies = "; ".join(f"{name}={value}" for name, value in visitor.jar.items())
    lines = (
        f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{desk.port}", "Connection: close",
        f"Origin: http://127.0.0.1:{desk.port}", f"Content-Type: {kind}",
        f"Content-Length: {length}", f"Cookie: {cookies}",
    )  # fmt: skip
    wire = desk.served.connect()
    wire.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    return wire
