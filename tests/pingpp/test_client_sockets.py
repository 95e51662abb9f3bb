"""Over real sockets: a server that drips, hangs, floods or hangs up never holds the client."""

import gzip
import socket
import ssl
import threading
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from service.pingpp.access import Access, Host
from service.pingpp.answers import Rejected, Unanswered
from service.pingpp.client import Client
from service.pingpp.deadline import DeadlineTransport
from tests.conftest import KeyPair

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

Script = Callable[[socket.socket, threading.Event], None]


@dataclass(frozen=True)
class Tls:
    """A server's identity, and the trust store of a client that knows it."""

    server: ssl.SSLContext
    client: ssl.SSLContext


def make_tls(folder: Path, key_pair: KeyPair, name: str, days: int = 1) -> Tls:
    """A certificate by its own hand for `name`, which ends in so many days."""
    now, subject = datetime.now(UTC), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    alternative = x509.IPAddress(ip_address(name)) if name[0].isdigit() else x509.DNSName(name)
    certificate = (
        x509.CertificateBuilder(subject, subject, key_pair.public_key, 1)
        .not_valid_before(now - timedelta(days=10))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key_pair.private_key, SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(key_pair.private_pem + certificate.public_bytes(Encoding.PEM))
    server, client = (ssl.SSLContext(p) for p in (ssl.PROTOCOL_TLS_SERVER, ssl.PROTOCOL_TLS_CLIENT))
    server.load_cert_chain(file)
    client.load_verify_locations(file)
    return Tls(server, client)


@contextmanager
def serving(
    script: Script, seconds: float = 20, tls: Tls | None = None, *, trusts: bool = True
) -> Generator[Client]:
    """A provider on loopback that plays one script per connection, until the test is over."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_serve, args=(server, script, over, tls))
        thread.start()
        scheme, context = ("https", tls.client) if tls else ("http", None)
        base = f"{scheme}://127.0.0.1:{server.getsockname()[1]}"
        client = Client(
            Access(base, "sk_test", rate=1000, seconds=seconds),
            Host(),
            clock=lambda: datetime.now(UTC),
            chance=lambda: 0.5,
            transport=DeadlineTransport(connections=2, context=context if trusts else None),
        )
        try:
            with closing(client):
                yield client
        finally:
            over.set()
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def _serve(server: socket.socket, script: Script, over: threading.Event, tls: Tls | None) -> None:
    while not over.is_set():
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with suppress(OSError), _wrapped(connection, tls) as stream:
            stream.recv(65536)
            script(stream, over)


def _wrapped(connection: socket.socket, tls: Tls | None) -> socket.socket:
    if tls is None:
        return connection
    with connection:  # a handshake that fails closes it
        return tls.server.wrap_socket(connection, server_side=True)


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


def small(connection: socket.socket, _over: threading.Event) -> None:
    connection.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")


def test_tls_is_spoken_and_has_the_same_deadline(tmp_path: Path, key_pair: KeyPair) -> None:
    tls = make_tls(tmp_path, key_pair, "127.0.0.1")
    with serving(small, tls=tls) as client:
        assert client.get("/v1/orders/1").body == b"{}"
    with serving(drip_head, 0.6, tls) as client, pytest.raises(Unanswered) as caught:
        client.get("/v1/orders/1")
    assert caught.value.word == "timeout"


@pytest.mark.parametrize(
    ("name", "days", "trusts"),
    [("127.0.0.1", 1, False), ("api.pingxx.example", 1, True), ("127.0.0.1", -1, True)],
    ids=["nobody's certificate", "another name", "expired"],
)
def test_a_server_that_cannot_prove_its_name_is_told_nothing(
    tmp_path: Path, key_pair: KeyPair, name: str, days: int, trusts: bool
) -> None:
    heard: list[bytes] = []

    def listens(connection: socket.socket, _over: threading.Event) -> None:
        heard.append(connection.recv(1))

    tls = make_tls(tmp_path, key_pair, name, days)
    with serving(listens, tls=tls, trusts=trusts) as client, pytest.raises(Unanswered) as caught:
        client.get("/v1/orders/1")
    assert (caught.value.word, heard) == ("tls", [])


def test_nobody_listening_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    access = Access(f"http://127.0.0.1:{port}", "sk_test")
    client = Client(access, Host(), clock=lambda: datetime.now(UTC), chance=lambda: 0.5)
    with closing(client), pytest.raises(Unanswered) as caught:
        client.get("/v1/orders/1")
    assert caught.value.word == "transport"
