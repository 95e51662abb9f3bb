"""What is in a dossier, who may have it, and does openssl agree with what it says?"""

import hashlib
import json
import subprocess
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.core.observation import Key
from service.ledger.desk import Act, act
from service.ledger.engine import Ledger, open_ledger
from service.ledger.intake import Intake, seal
from service.ledger.schema import audit, mismatches
from service.pingpp.reader import read_answer
from service.pingpp.signature import load_public_key, sign_body
from service.work.accept import name
from service.work.apply import apply
from service.work.drain import drain
from tests import bodies
from tests.cli.conftest import Call
from tests.conftest import VAULT, KeyPair
from tests.days import DAWN, HOUR, TERMS, paid, shut
from tests.outbound.brokers import program
from tests.work.stories import wire

PERSON = ("张三丰", "13812345678")
ORDER = "2011"


def tell_signed(ledger: Ledger, pair: KeyPair) -> bytes:
    """A signed event of a paid order, with a person in it."""
    fields = paid(1, DAWN + HOUR)
    fields["charges"]["data"][0]["extra"] = {"payer_name": PERSON[0], "mobile": PERSON[1]}
    at = DAWN + HOUR
    body = wire(bodies.event(fields, id="evt_1", created=int(at.timestamp())))
    fingerprint = load_public_key(pair.public_pem).fingerprint
    arrival = name("shop", body, sign_body(pair.private_key, body), fingerprint, at)
    with closing(Intake(ledger)) as intake:
        intake.insert([seal(ledger.vault, arrival)])
    drain(ledger, terms=TERMS, clock=lambda: at)
    seen = read_answer(wire(fields), key=Key("shop", "order", ORDER), seen_at=at + HOUR)
    apply(ledger, seen.observations, terms=TERMS, now=at + HOUR)
    return body


def dispute(ledger: Ledger) -> None:
    """A mismatch that somebody has spoken about."""
    with ledger.begin() as connection:
        row = {
            "account": "shop", "kind": "order", "object_id": ORDER, "rule": "paid_sum",
            "ours": "1", "theirs": "2", "severity": "critical", "state": "open",
            "found_at": DAWN, "opened_at": DAWN,
        }  # fmt: skip
        number = connection.scalar(sa.insert(mismatches).values(row).returning(mismatches.c.id))
        act(connection, [number or 0], Act("comment", "anna", "银行已确认"), now=DAWN)


@pytest.fixture
def shop(
    folder: Path, key_pair: KeyPair, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> bytes:
    """A ledger with an order on a closed day and a mismatch of it; gives the signed bytes."""
    monkeypatch.setenv("PINGLEDGER_DATABASE__URL", database_url)
    text = '[accounts.shop]\npublic_keys = ["pingpp.pem"]\n'
    (folder / "c.toml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("PINGLEDGER_CONFIG", "c.toml")
    with closing(open_ledger(database_url, VAULT)) as ledger:
        body = tell_signed(ledger, key_pair)
        dispute(ledger)
        shut(ledger)
    return body


def unpack(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_dossier_tells_everything_and_masks_persons(
    call: Call, folder: Path, shop: bytes
) -> None:
    for out in ("a.zip", "b.zip"):
        ended = call("dossier", "order", ORDER, "--out", out)
        assert (ended.code, ended.err) == (
            0, f"{out}: 2 objects, 1 notifications, 2 postings, 1 mismatches\n",
        )  # fmt: skip
    assert (folder / "a.zip").read_bytes() == (folder / "b.zip").read_bytes()
    assert (folder / "a.zip").stat().st_mode & 0o077 == 0
    found = unpack(folder / "a.zip")
    told = json.loads(found["dossier.json"])
    (notification,) = told["notifications"]
    assert notification["sha256"] == hashlib.sha256(shop).hexdigest()
    assert (notification["signature_is"], notification["file"]) == ("good", None)
    assert {one["kind"] for one in told["objects"]} == {"order", "charge"}
    assert {one["closed_on"] for one in told["postings"]} == {"2026-11-20"}
    assert told["mismatches"][0]["acts"][0]["note"] == "银行已确认"
    assert {"delivery", "observation", "change", "opened"} <= {
        one["what"] for one in told["timeline"]
    }
    assert len(told["answers"]) == 1
    page = found["dossier.html"].decode()
    assert page.index("案卷") < page.index("dossier")
    for text in ("银行已确认", notification["key_fingerprint"], "openssl pkey", "12.00"):
        assert text in page
    assert "http://" not in page
    assert "https://" not in page
    everything = b"".join(found.values()).decode("utf-8", "replace")
    assert [one for one in PERSON if one in everything] == []


def test_openssl_verifies_what_was_opened_for_a_reason(
    call: Call, folder: Path, shop: bytes, database_url: str
) -> None:
    ended = call("dossier", "order", ORDER, "--out", "a.zip", "--open", "--reason", "ticket 7")
    assert ended.code == 0
    found = unpack(folder / "a.zip")
    assert found["notifications/1.json"] == shop
    with closing(open_ledger(database_url)) as ledger, ledger.read() as connection:
        (line,) = connection.execute(sa.select(audit.c.what, audit.c.why)).all()
    assert tuple(line) == (f"dossier shop order {ORDER}", "ticket 7")
    place = folder / "unpacked"
    with zipfile.ZipFile(folder / "a.zip") as archive:
        archive.extractall(place)
    program("openssl")
    commands = found["VERIFY.txt"].decode().splitlines()
    for number, command in enumerate(commands):
        done = subprocess.run(
            ["/bin/sh", "-c", command], cwd=place, capture_output=True, text=True, check=True
        )
        expected = command.rpartition("# ")[2] if number == 0 else "Verified OK"
        assert expected in done.stdout
    (place / "notifications/1.json").write_bytes(shop.replace(b"1200", b"1201", 1))
    failed = subprocess.run(
        ["/bin/sh", "-c", commands[1]], cwd=place, capture_output=True, check=False
    )
    assert failed.returncode != 0


@pytest.mark.parametrize("dialect", ["sqlite"])
@pytest.mark.usefixtures("shop")
def test_a_dossier_without_the_key_says_so(call: Call, folder: Path) -> None:
    (folder / "none.toml").write_text("[accounts.shop]\n", encoding="utf-8")
    ended = call("--config", "none.toml", "dossier", "order", ORDER, "--out", "a.zip")
    assert ended.code == 0
    found = unpack(folder / "a.zip")
    told = json.loads(found["dossier.json"])
    assert "is not configured" in told["notifications"][0]["signature_is"]
    assert told["keys"] == []
    assert b"public key is not configured" in found["VERIFY.txt"]


@pytest.mark.parametrize("dialect", ["sqlite"])
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("order", ORDER, "--out", "a.zip", "--open"), 64),
        (("order", ORDER, "--out", "a.zip", "--reason", "ticket 7"), 64),
        (("order", ORDER, "--out", "c.toml"), 64),
        (("order", ORDER), 64),
        (("thing", ORDER, "--out", "a.zip"), 64),
        (("order", "../x", "--out", "a.zip"), 64),
        (("order", "999", "--out", "a.zip"), 1),
        (("order", ORDER, "--out", "nowhere/a.zip"), 1),
    ],
)
@pytest.mark.usefixtures("shop")
def test_what_makes_no_sense_is_said(
    call: Call, folder: Path, arguments: tuple[str, ...], code: int
) -> None:
    ended = call("dossier", *arguments)
    assert (ended.code, len(ended.err.splitlines())) == (code, 1)
    assert not (folder / "a.zip").exists()
