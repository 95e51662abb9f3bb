"""A broker behind TLS is taken for what its certificate says, and for nothing else."""

from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from service.core.messages import Message, change_message
from service.outbound.nats import JetStream
from service.outbound.redis import RedisStream
from service.outbound.sink import Each, Later, Receipt, Sent, Sink
from tests.conftest import KeyPair, make_key_pair
from tests.outbound import brokers

STARTS: dict[str, Callable[[Path, int, Path], brokers.Server]] = {
    "redis": brokers.start_redis,
    "nats": brokers.start_nats,
}
CALL_SECONDS = 5.0


@dataclass(frozen=True)
class Authority:
    """An authority made here: its own file, and the files of what it signs."""

    name: str
    pair: KeyPair
    folder: Path

    @property
    def file(self) -> Path:
        path = self.folder / f"{self.name}.pem"
        path.write_bytes(_pem(_certificate(self.name, self.pair, self.name, self.pair, ca=True)))
        return path

    def certify(self, host: str, pair: KeyPair) -> Path:
        """A server's key and certificate."""
        path = self.folder / f"{self.name}-{host}.pem"
        certificate = _certificate(host, pair, self.name, self.pair, ca=False)
        path.write_bytes(pair.private_pem + _pem(certificate))
        return path


def _certificate(
    name: str, pair: KeyPair, issuer: str, signer: KeyPair, *, ca: bool
) -> x509.Certificate:
    now = datetime.now(UTC)
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (name, issuer)]
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=ca, crl_sign=ca, key_encipherment=not ca,
        content_commitment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    return (
        x509.CertificateBuilder()
        .subject_name(names[0])
        .issuer_name(names[1])
        .public_key(pair.public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(signer.private_key, hashes.SHA256())
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="module")
def ours(key_pair: KeyPair, tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The authority that the sinks are told of."""
    return Authority("ours", key_pair, tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def other_pair() -> KeyPair:
    """The servers', and that of an authority nobody knows."""
    return make_key_pair()


@contextmanager
def running(kind: str, folder: Path, pem: Path) -> Generator[int]:
    port = brokers.free_port()
    server = STARTS[kind](folder, port, pem)
    try:
        yield port
    finally:
        server.kill()


def open_tls(kind: str, port: int, ca_file: Path) -> Sink:
    if kind == "redis":
        url = f"rediss://localhost:{port}/0"
        return RedisStream("out", url, "out", ca_file=ca_file, call_seconds=CALL_SECONDS)
    url = f"tls://localhost:{port}"
    return JetStream("out", url, "out", ca_file=ca_file, call_seconds=CALL_SECONDS)


def send(sink: Sink, now: datetime) -> Receipt:
    after: dict[str, Any] = {"status": "paid", "final": True}
    message: Message = change_message(
        "e", "shop", "order", "1", 1, before=None, after=after, correction=False,
        source="webhook", at=now,
    )  # fmt: skip
    return sink.send([message], now=now)


@pytest.mark.parametrize("kind", STARTS)
def test_a_broker_of_our_authority_is_sent_to(
    kind: str, ours: Authority, other_pair: KeyPair, tmp_path: Path, now: datetime
) -> None:
    pem = ours.certify("localhost", other_pair)
    with running(kind, tmp_path, pem) as port, closing(open_tls(kind, port, ours.file)) as sink:
        # nobody has made a stream at NATS: that it says so is an answer through TLS
        wanted = Sent() if kind == "redis" else Later("unroutable", away=True)
        assert send(sink, now) in (wanted, Each([wanted]))


# what it could not connect to, the library of NATS tries again until the time is up
@pytest.mark.parametrize(
    ("kind", "host", "known", "word"),
    [
        ("redis", "other.example.com", True, "connect"),
        ("redis", "localhost", False, "connect"),
        ("nats", "localhost", False, "timeout"),
    ],
)
def test_a_broker_under_another_name_or_authority_gets_nothing(
    kind: str,
    host: str,
    known: bool,
    word: str,
    ours: Authority,
    other_pair: KeyPair,
    tmp_path: Path,
    now: datetime,
) -> None:
    theirs = Authority("theirs", other_pair, tmp_path)
    pem = (ours if known else theirs).certify(host, other_pair)
    with running(kind, tmp_path, pem) as port, closing(open_tls(kind, port, ours.file)) as sink:
        assert send(sink, now) == Later(word, away=True)


@pytest.mark.parametrize("kind", ["redis"])
def test_a_broker_that_speaks_no_tls_gets_nothing(
    kind: str, ours: Authority, tmp_path: Path, now: datetime
) -> None:
    port = brokers.free_port()
    server = brokers.start_redis(tmp_path, port)
    try:
        with closing(open_tls(kind, port, ours.file)) as sink:
            answer = send(sink, now)
    finally:
        server.kill()
    assert isinstance(answer, Later)
    assert answer.away
