"""What a webhook sends, and what it makes of every kind of answer (failure model F45, S05-S20)."""

import base64
import json
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID
from standardwebhooks import Webhook as Verifier

from service.core.errors import Misconfigured
from service.core.messages import Message, change_message
from service.outbound.sink import Dead, Later, Receipt, Sent
from service.outbound.webhook import Webhook
from tests.conftest import KeyPair
from tests.outbound.receiver import Answer, Receiver, raw, status

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER_SECRET = "whsec_" + base64.b64encode(bytes(range(1, 33))).decode()
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    receiver.start()
    yield receiver
    receiver.stop()


@pytest.fixture
def message(now: datetime) -> Message:
    after = {"status": "paid", "amount": 100, "currency": "cny"}
    return change_message(
        "epoch", "shop", "order", "2011708160000060000", 1,
        before=None, after=after, correction=False, source="webhook", at=now,
    )  # fmt: skip


def send(
    receiver: Receiver, message: Message, *, seconds: float = 5, now: datetime | None = None
) -> Receipt:
    sink = Webhook("shop", receiver.url, [SECRET], loopback=True, request_seconds=seconds)
    try:
        return sink.send([message], now=now or datetime.now(UTC))
    finally:
        sink.close()


def test_any_library_of_standard_webhooks_verifies_what_is_sent(
    receiver: Receiver, message: Message
) -> None:
    assert send(receiver, message) == Sent()
    (taken,) = receiver.taken
    verified: Any = Verifier(SECRET).verify(taken.body, taken.headers)
    assert verified == json.loads(message.body)
    assert taken.body == message.body
    assert taken.headers["webhook-id"] == message.message_id
    assert taken.target == "/in?x=1"


def test_what_is_sent_is_a_cloud_event(receiver: Receiver, message: Message) -> None:
    send(receiver, message)
    (taken,) = receiver.taken
    event = from_http_event(HTTPMessage(taken.headers, taken.body))
    assert event.get_id() == message.message_id
    assert event.get_type() == "pingpp.order.paid.v1"
    assert event.get_subject() == "order/2011708160000060000"
    assert event.get_specversion() == "1.0"


def test_the_time_of_signing_is_the_same_instant_in_any_zone(message: Message) -> None:
    sink = Webhook("shop", "https://hooks.example.com/", [SECRET])
    at = datetime(2026, 11, 23, 12, tzinfo=UTC)
    there = at.astimezone(timezone(timedelta(hours=8)))
    assert sink.headers(message, at) == sink.headers(message, there)
    assert sink.headers(message, there)["webhook-timestamp"] == str(int(at.timestamp()))


def test_a_resend_has_the_same_id_and_bytes_and_its_own_time(
    receiver: Receiver, message: Message
) -> None:
    now = datetime.now(UTC)
    send(receiver, message, now=now - timedelta(minutes=2))
    send(receiver, message, now=now)
    first, second = receiver.taken
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


def test_while_secrets_are_rotated_both_sign(receiver: Receiver, message: Message) -> None:
    sink = Webhook("shop", receiver.url, [SECRET, OTHER_SECRET], loopback=True)
    sink.send([message], now=datetime.now(UTC))
    sink.close()
    (taken,) = receiver.taken
    for secret in (SECRET, OTHER_SECRET):
        Verifier(secret).verify(taken.body, taken.headers)


def test_a_connection_is_used_again(receiver: Receiver, message: Message) -> None:
    peers: set[Any] = set()

    def answer(taken: Any, peer: Any) -> bool:
        peers.add(peer.getpeername())
        return status(200)(taken, peer)

    receiver.answer = answer
    sink = Webhook("shop", receiver.url, [SECRET], loopback=True)
    for _ in range(3):
        assert sink.send([message], now=datetime.now(UTC)) == Sent()
    sink.close()
    assert len(peers) == 1


ANSWERS: list[tuple[str, Answer, Receipt]] = [
    ("200", status(200), Sent()),
    ("202", status(202), Sent()),
    ("204", status(204), Sent()),
    ("206", status(206), Sent()),
    ("301", status(301, "Location: http://127.0.0.1:1/"), Later("status 301")),
    ("302", status(302, "Location: http://169.254.169.254/"), Later("status 302")),
    ("307", status(307, "Location: /in"), Later("status 307")),
    ("304", status(304), Later("status 304")),
    ("400", status(400), Later("status 400")),
    ("401", status(401), Later("status 401")),
    ("404", status(404), Later("status 404")),
    ("410", status(410), Dead("gone", gone=True)),
    ("413", status(413), Later("status 413")),
    ("429", status(429, "Retry-After: 7"), Later("status 429", timedelta(seconds=7))),
    ("429 far", status(429, "Retry-After: 99999999999"), Later("status 429", timedelta(hours=1))),
    ("429 silent", status(429), Later("status 429")),
    ("429 odd", status(429, "Retry-After: soon"), Later("status 429")),
    ("429 negative", status(429, "Retry-After: -5"), Later("status 429")),
    (
        "503 past",
        status(503, "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT"),
        Later("status 503", timedelta()),
    ),
    ("500", status(500, "Retry-After: 7"), Later("status 500")),
    ("503", status(503), Later("status 503")),
    ("garbage", raw(b"\x00\xff\x17garbage\r\n\r\n"), Later("broken answer")),
    ("HTTP/0.9", raw(b"<html>hello</html>\r\n"), Later("broken answer")),
    ("close", raw(), Later("broken answer")),
    ("reset", raw(reset=True), Later("broken answer")),
    ("half a head", raw(b"HTTP/1.1 200 OK\r\nContent-"), Later("broken answer")),
    ("endless head", raw(b"X-A: " + b"a" * 4000 + b"\r\n", times=100), Later("broken answer")),
    ("early 200", raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", reset=True), Sent()),
    ("bad chunk", raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), Sent()),
    (
        "100 MB",
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", *[b"x" * 65536] * 50),
        Sent(),
    ),
    (
        "gzip bomb",
        raw(b"HTTP/1.1 500 No\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08"),
        Later("status 500"),
    ),
    ("after 100", raw(b"HTTP/1.1 100 Continue\r\n\r\n", OK), Sent()),
    ("101", raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), Later("broken answer")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "receipt"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS]
)
def test_each_answer_has_one_meaning(
    receiver: Receiver, message: Message, answer: Answer, receipt: Receipt
) -> None:
    receiver.answer = answer
    assert send(receiver, message) == receipt
    assert len(receiver.taken) == 1, "no redirect is followed, and nothing is tried twice"


def test_a_date_says_when_to_come_again(receiver: Receiver, message: Message) -> None:
    receiver.answer = status(429, "Retry-After: Mon, 23 Nov 2026 12:10:00 GMT")
    receipt = send(receiver, message, now=datetime(2026, 11, 23, 12, tzinfo=UTC))
    assert receipt == Later("status 429", timedelta(minutes=10))


SLOW: list[tuple[str, Answer, Receipt]] = [
    ("hangs", raw(b"", pause=3), Later("timeout")),
    ("drips its head", raw(b"H", pause=0.05, times=100), Later("timeout")),
    ("1xx for ever", raw(b"HTTP/1.1 100 C\r\n\r\n", pause=0.01, times=400), Later("timeout")),
    (
        "drips its body",
        lambda taken, peer: (
            raw(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n")(taken, peer)
            or raw(b"x", pause=0.05, times=100)(taken, peer)
        ),
        Sent(),
    ),
]


@pytest.mark.parametrize(
    ("answer", "receipt"), [row[1:] for row in SLOW], ids=[row[0] for row in SLOW]
)
def test_the_whole_request_has_one_limit(
    receiver: Receiver, message: Message, answer: Answer, receipt: Receipt
) -> None:
    receiver.answer = answer
    started = time.monotonic()
    got = send(receiver, message, seconds=0.5)
    assert time.monotonic() - started < 3
    assert got == receipt


def test_nobody_there_is_the_sinks_fault_and_not_the_messages(
    receiver: Receiver, message: Message
) -> None:
    receiver.stop()
    assert send(receiver, message) == Later("connect", away=True)


def test_a_name_that_leads_inside_is_not_connected_to(receiver: Receiver, message: Message) -> None:
    """Also when it led outside before: it is asked for each connection (S06)."""
    asked: list[str] = []

    def ask(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"]

    sink = Webhook(
        "shop", f"https://hooks.example.com:{receiver.port}/", [SECRET],
        ports={receiver.port}, ask=ask,
    )  # fmt: skip
    for _ in range(2):
        assert sink.send([message], now=datetime.now(UTC)) == Later("address", away=True)
    sink.close()
    assert asked == ["hooks.example.com"] * 2
    assert receiver.taken == []


def test_the_environment_has_no_say(
    receiver: Receiver, message: Message, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1/")
    keys = tmp_path / "keys"
    monkeypatch.setenv("SSLKEYLOGFILE", str(keys))
    assert send(receiver, message) == Sent()
    assert not keys.exists()


Certify = Callable[..., Path]


@pytest.fixture
def certify(key_pair: KeyPair, tmp_path: Path) -> Certify:
    """Write a self-signed certificate for a name, with its key, and give the file."""

    def make(name: str, *, days: int = 1) -> Path:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key_pair.public_key)
            .serial_number(1)
            .not_valid_before(now - timedelta(days=10))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key_pair.private_key, hashes.SHA256())
        )
        path = tmp_path / f"{name}.pem"
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        path.write_bytes(key_pair.private_pem + pem)
        return path

    return make


@pytest.mark.parametrize(
    ("certified", "days", "trusted", "receipt"),
    [
        ("localhost", 1, True, Sent()),
        ("localhost", 1, False, Later("tls", away=True)),
        ("other.example.com", 1, True, Later("tls", away=True)),
        ("localhost", -1, True, Later("tls", away=True)),
    ],
    ids=["own authority", "unknown authority", "another name", "expired"],
)
def test_a_certificate_must_be_for_the_name(
    receiver: Receiver,
    message: Message,
    certify: Certify,
    certified: str,
    days: int,
    trusted: bool,
    receipt: Receipt,
) -> None:
    """The name is asked for, though the connection goes to an address."""
    pem = certify(certified, days=days)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    receiver.stop()
    receiver.start(context)
    sink = Webhook(
        "shop",
        f"https://localhost:{receiver.port}/",
        [SECRET],
        loopback=True,
        ca_file=pem if trusted else None,
        ask=lambda host, port: ["127.0.0.1"],
    )
    assert sink.send([message], now=datetime.now(UTC)) == receipt
    sink.close()


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", "geheim", "whsec_c2hvcnQ=", base64.b64encode(bytes(32)).decode(), "whsec_!!!!"],
)
def test_a_secret_that_will_not_do_is_named_and_not_shown(secret: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        Webhook("shop", "https://hooks.example.com/", [secret])
    assert refused.value.key == "sinks.shop.secret"
    assert not secret or secret not in str(refused.value).replace("whsec_ and base64", "")


def test_a_bad_url_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"sinks\.shop\.url"):
        Webhook("shop", "https://10.0.0.1/", [SECRET])
    with pytest.raises(Misconfigured, match=r"sinks\.shop\.secret"):
        Webhook("shop", "https://hooks.example.com/", [])
    with pytest.raises(Misconfigured, match=r"sinks\.shop\.ca_file"):
        Webhook("shop", "https://hooks.example.com/", [SECRET], ca_file=tmp_path / "none")
