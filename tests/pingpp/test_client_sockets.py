"""Over real sockets: a server that drips, hangs, floods or hangs up never holds the client."""

import gzip
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime

import pytest

from service.pingpp.answers import Rejected, Unanswered
from service.pingpp.client import Access, Client, Host

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

Script = Callable[[socket.socket, threading.Event], None]


@contextmanager
def serving(script: Script, seconds: float = 20) -> Generator[Client]:
    """A provider on loopback that plays one script per connection, until the test is over."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_serve, args=(server, script, over))
        thread.start()
        access = Access(
            f"http://127.0.0.1:{server.getsockname()[1]}", "sk_test", rate=1000, seconds=seconds
        )
        client = Client(access, Host(), clock=lambda: datetime.now(UTC), chance=lambda: 0.5)
        try:
            with closing(client):
                yield client
        finally:
            over.set()
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def _serve(server: socket.socket, script: Script, over: threading.Event) -> None:
    while not over.is_set():
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            connection.recv(65536)
            with suppress(OSError):
                script(connection, over)


def drip_body(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(HEAD + b"Content-Length: 100000\r\n\r\n")
    _drip(connection, over, b"{")


def drip_head(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(HEAD + b"X-Slow: ")
    _drip(connection, over, b"a")


def _drip(connection: socket.socket, over: threading.Event, byte: bytes) -> None:
    while not over.wait(0.05):
        connection.sendall(byte)


def hang_after_head(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(HEAD + b"Content-Length: 10\r\n\r\n{")
    over.wait(30)


def early_close(connection: socket.socket, _over: threading.Event) -> None:
    connection.sendall(HEAD + b'Content-Length: 100\r\n\r\n{"object"')


def hang_up(_connection: socket.socket, _over: threading.Event) -> None:
    return


def nonsense(connection: socket.socket, _over: threading.Event) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.7\r\n")


def continue_for_ever(connection: socket.socket, over: threading.Event) -> None:
    while not over.is_set():
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


def huge_head(connection: socket.socket, _over: threading.Event) -> None:
    for _ in range(64):
        connection.sendall((HEAD if _ == 0 else b"") + b"X-Big: " + b"a" * 8192 + b"\r\n")


def gzip_bomb(connection: socket.socket, _over: threading.Event) -> None:
    head = HEAD + b"Content-Encoding: gzip\r\nContent-Length: 100000000\r\n\r\n"
    connection.sendall(head + gzip.compress(bytes(20_000_000)))


def flood(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(HEAD + b"Content-Length: 100000000\r\n\r\n")
    while not over.is_set():
        connection.sendall(bytes(65536))


@pytest.mark.parametrize(
    ("script", "word"),
    [
        (drip_body, "timeout"),
        (drip_head, "timeout"),
        (hang_after_head, "timeout"),
        (continue_for_ever, "timeout"),
        (early_close, "transport"),
        (hang_up, "transport"),
        (nonsense, "transport"),
        (huge_head, "transport"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_bad_server_gets_no_more_than_its_time(script: Script, word: str) -> None:
    with serving(script, seconds=0.6) as client, pytest.raises(Unanswered) as caught:
        client.get("/v1/orders/1")
    assert caught.value.word == word


@pytest.mark.parametrize("script", [gzip_bomb, flood], ids=lambda script: script.__name__)
def test_too_much_is_not_read(script: Script) -> None:
    with serving(script) as client, pytest.raises(Rejected) as caught:
        client.get("/v1/orders/1")
    assert caught.value.word == "too_large"


def test_a_good_server_keeps_the_connection() -> None:
    connections: list[int] = []

    def answers(connection: socket.socket, _over: threading.Event) -> None:
        connections.append(1)
        for _ in range(3):
            connection.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")
            connection.recv(65536)

    with serving(answers) as client:
        for _ in range(3):
            assert client.get("/v1/orders/1").body == b"{}"
    assert len(connections) == 1


def test_nobody_listening_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    access = Access(f"http://127.0.0.1:{port}", "sk_test")
    client = Client(access, Host(), clock=lambda: datetime.now(UTC), chance=lambda: 0.5)
    with closing(client), pytest.raises(Unanswered) as caught:
        client.get("/v1/orders/1")
    assert caught.value.word == "transport"
