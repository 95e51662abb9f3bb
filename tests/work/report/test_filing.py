"""Reports are filed by themselves: once, by one replica, into a folder and by mail."""

import io
import socket
import ssl
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from aiosmtpd.controller import Controller
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from service.core.errors import GiveUp, TryLater
from service.core.report.due import Every
from service.core.report.sheet import Language
from service.ledger import slots
from service.ledger.engine import Ledger
from service.outbound import mail
from service.outbound.files.formats import Shape
from service.outbound.mail import Post
from service.work.close import ClosingTerms, close
from service.work.report.filing import LEASE, Due, Filing, Office, dues, file, file_due
from tests import filed
from tests.conftest import KeyPair

SECOND = date(2026, 11, 23)
FILING = Filing("daily", "orders", time(8), Every.DAY, Shape.XLSX, Language.ZH, None, None, ())


@dataclass
class Box:
    """A mail server's box: what arrived, each with the addresses it is for."""

    letters: list[tuple[list[str], EmailMessage]] = field(
        default_factory=list[tuple[list[str], EmailMessage]]
    )
    answer: str = "250 OK"

    async def handle_DATA(  # noqa: N802  its caller's name
        self, server: Any, session: Any, envelope: Any
    ) -> str:
        if self.answer.startswith("250"):
            found = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(found, EmailMessage)
            self.letters.append((envelope.rcpt_tos, found))
        return self.answer


@contextmanager
def serving(box: Box, tls: ssl.SSLContext | None = None) -> Generator[Post]:
    """A real server on loopback; with tls nothing is taken before STARTTLS."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    server: Any = Controller(
        box, hostname="127.0.0.1", port=port, tls_context=tls, require_starttls=tls is not None
    )
    server.start()
    try:
        yield Post("127.0.0.1", port, "pingledger@shop.example", plain=tls is None)
    finally:
        server.stop()


@pytest.fixture
def office(busy: Ledger) -> Office:
    return Office(busy, filed.ZONE, "e1", "here", None, lambda: filed.NOW)


def run(office: Office, *filings: Filing) -> list[tuple[str, str]]:
    return file_due(office, filings, lambda: False)


def test_a_report_is_filed_once_whoever_comes(office: Office, tmp_path: Path) -> None:
    filing = replace(FILING, folder=tmp_path / "filed")
    assert run(office, filing) == [("daily", "done")]
    assert run(office, filing) == []
    assert run(replace(office, holder="there"), filing) == []
    (path,) = (tmp_path / "filed").iterdir()
    assert path.name == "daily-2026-11-23.xlsx"
    page = openpyxl.load_workbook(path).worksheets[0]
    assert page.max_row == 1 + 6 + 2
    with office.ledger.read() as connection:
        (slot,) = slots.latest_slots(connection)
    assert (slot.job, slot.outcome) == ("report-daily", "done")


def test_what_was_due_long_ago_is_not_made_up(office: Office) -> None:
    weekly = replace(FILING, every=Every.WEEK)
    monday = datetime(2026, 11, 23, tzinfo=UTC)
    assert [due.at for due in dues(office, weekly)] == [monday]
    late = replace(office, clock=lambda: monday + timedelta(days=2))
    assert list(dues(late, weekly)) == []


def test_after_closing_means_each_day_that_is_closed(office: Office) -> None:
    filing = replace(FILING, at=None)
    assert list(dues(office, filing)) == []
    rules = ClosingTerms(filed.ZONE)
    for day in (SECOND - timedelta(days=1), SECOND):
        close(office.ledger, day, rules, terms=filed.TERMS, now=filed.NOW, reason="for the test")
    assert [(due.first, due.last) for due in dues(office, filing)] == [
        (SECOND - timedelta(days=1),) * 2,
        (SECOND,) * 2,
    ]
    assert list(dues(replace(office, clock=lambda: filed.NOW + timedelta(days=3)), filing)) == []


def test_a_report_of_now_is_filed_without_days(office: Office, tmp_path: Path) -> None:
    filing = replace(FILING, report="aging", shape=Shape.CSV, folder=tmp_path / "filed")
    assert run(office, filing) == [("daily", "done")]
    assert (tmp_path / "filed" / "daily-2026-11-23.csv").read_bytes().count(b"\r\n") == 1 + 4


def test_a_mail_brings_the_file_and_says_what_is_in_it(office: Office) -> None:
    box = Box()
    filing = replace(FILING, to=("finance@shop.example", "boss@shop.example"))
    with serving(box) as post:
        assert run(replace(office, post=post), filing) == [("daily", "done")]
    ((to, letter),) = box.letters
    assert to == ["finance@shop.example", "boss@shop.example"]
    assert letter["Subject"] == "报表：订单明细 2026-11-23"
    assert letter["Message-ID"] == "<daily.1795478400.e1@pingledger>"
    body, attached = letter.walk(), list(letter.iter_attachments())
    text = next(part for part in body if part.get_content_type() == "text/plain").get_content()
    assert "orders：6 行" in text
    assert "cny: amount 60.36" in text
    assert attached[0].get_filename() == "daily-2026-11-23.xlsx"
    content = attached[0].get_content()
    assert openpyxl.load_workbook(io.BytesIO(content)).worksheets[0].max_row == 9


def test_what_may_work_later_is_tried_again_when_its_lease_is_over(
    office: Office, tmp_path: Path
) -> None:
    box = Box(answer="451 later")
    filing = replace(FILING, folder=tmp_path / "filed", to=("finance@shop.example",))
    with serving(box) as post:
        office = replace(office, post=post)
        assert run(office, filing) == [("daily", "later")]
        box.answer = "250 OK"
        assert run(office, filing) == []
        later = replace(office, holder="there", clock=lambda: filed.NOW + LEASE)
        assert run(later, filing) == [("daily", "done")]
    assert len(box.letters) == 1
    assert len(list((tmp_path / "filed").iterdir())) == 1


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_what_can_never_work_is_settled_as_failed(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "ATTACHMENT_BYTES_LIMIT", 10)
    filing = replace(FILING, to=("finance@shop.example",))
    with serving(Box()) as post:
        assert run(replace(office, post=post), filing) == [("daily", "failed")]
    assert run(office, filing) == []


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_folder_that_cannot_be_made_is_tried_again(office: Office, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    filing = replace(FILING, folder=tmp_path / "file" / "inside")
    assert run(office, filing) == [("daily", "later")]


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_stopping_process_begins_nothing(office: Office, tmp_path: Path) -> None:
    folder = tmp_path / "filed"
    assert file_due(office, [replace(FILING, folder=folder)], lambda: True) == []
    assert not folder.exists()


@pytest.fixture(scope="module")
def certificate(key_pair: KeyPair, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1, signed by itself, with its key."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    names = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key_pair.public_key, x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key_pair.private_key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(made.public_bytes(Encoding.PEM) + key_pair.private_pem)
    return path


def due() -> Due:
    return Due(filed.NOW, SECOND, SECOND)


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_mail_is_encrypted_and_the_server_is_known(office: Office, certificate: Path) -> None:
    box, context = Box(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    filing = replace(FILING, to=("finance@shop.example",))
    with serving(box, context) as post:
        with pytest.raises(TryLater, match="SSLCertVerificationError"):
            file(replace(office, post=post), filing, due())
        file(replace(office, post=replace(post, ca_file=certificate)), filing, due())
    assert len(box.letters) == 1


@pytest.mark.parametrize("dialect", ["sqlite"])
@pytest.mark.parametrize("change", [{"plain": False}, {"user": "u", "password": "hidden"}])
def test_a_server_that_cannot_encrypt_or_let_us_in_gets_no_mail(
    office: Office, change: dict[str, Any]
) -> None:
    box = Box()
    with serving(box) as post, pytest.raises(TryLater, match="mail") as caught:
        file(
            replace(office, post=replace(post, **change)),
            replace(FILING, to=("finance@shop.example",)),
            due(),
        )
    assert box.letters == []
    assert "finance" not in str(caught.value)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_without_a_server_no_mail_is_promised(office: Office) -> None:
    with pytest.raises(GiveUp, match="is missing: no mail can be sent"):
        file(office, replace(FILING, to=("finance@shop.example",)), due())
