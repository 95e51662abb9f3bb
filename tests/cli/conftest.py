"""How tests call commands: in this process where they end, in their own where they stay."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import httpx2
import pytest
import sqlalchemy as sa
import structlog

from service.cli import main
from service.core.observation import Key, Observation, Source
from service.ledger.engine import Ledger, open_ledger
from service.ledger.schema import looks
from service.web.protocol import listen
from service.work.apply import apply
from service.work.drain import drain
from service.work.terms import Terms
from tests.cli.storied import BODY, ORDER, arrival, insert
from tests.conftest import VAULT, KeyPair, put_vault_key

START_SECONDS = 60
STOP_SECONDS = 60


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Call = Callable[..., Ended]


@pytest.fixture
def folder(tmp_path: Path, key_pair: KeyPair, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a key and an empty environment, and we are in it."""
    for name in [name for name in os.environ if name.startswith("PINGLEDGER_")]:
        monkeypatch.delenv(name)
    place = tmp_path / "here"
    place.mkdir()
    put_vault_key(place)
    (place / "pingpp.pem").write_bytes(key_pair.public_pem)
    (place / "own.pem").write_bytes(key_pair.private_pem)
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def call(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Call]:
    """Call a command as the shell does, in this process."""
    before, mask = signal.getsignal(signal.SIGPIPE), os.umask(0o022)

    def calling(*arguments: str, **environ: str) -> Ended:
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["pingledger", *arguments])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        code = ended.value.code
        return Ended(code if isinstance(code, int) else int(code is not None), out, err)

    yield calling
    signal.signal(signal.SIGPIPE, before)
    os.umask(mask)
    structlog.reset_defaults()


@pytest.fixture
def database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A migrated, empty ledger that every command finds through the environment."""
    monkeypatch.setenv("PINGLEDGER_DATABASE__URL", database_url)
    return database_url


@pytest.fixture
def story(folder: Path, database: str, now: datetime) -> Ledger:
    """A ledger with a charge from a delivery, an order from a poll, a quarantined delivery."""
    ledger = open_ledger(database, VAULT)
    terms = Terms(sinks=("books",), epoch="e", grace_seconds=0)
    arrived = [
        arrival("evt_1", json.dumps(BODY).encode(), now),
        arrival("evt_2", b'{"id":"evt_2"}', now),
    ]
    insert(ledger, arrived)
    drain(ledger, terms=terms, clock=lambda: now)
    order = Observation(
        key=Key("main", "order", ORDER),
        source=Source.POLL,
        seen_at=now,
        status="paid",
        facts={"amount": 100, "currency": "cny", "order_no": "n1"},
        totals={"amount_paid": 170, "amount_refunded": 0},
    )
    apply(ledger, [order], terms=terms, now=now + timedelta(seconds=1))
    with ledger.begin() as connection:
        connection.execute(
            sa.insert(looks).values(
                account="main", kind="order", object_id=ORDER, started_at=now, answer="ok"
            )
        )
    ledger.close()
    (folder / "c.toml").write_text('[sinks.books]\ntype = "jsonl"\npath = "books.jsonl"\n')
    return ledger


@dataclass
class Process:
    """A command that stays, in a process of its own."""

    popen: subprocess.Popen[bytes]
    base: str
    log: Path

    def is_ready(self) -> bool:
        try:
            return httpx2.get(f"{self.base}/health/ready", timeout=5, trust_env=False).is_success
        except httpx2.HTTPError:
            return False

    def wait_ready(self) -> None:
        ends_at = time.monotonic() + START_SECONDS
        while not self.is_ready():
            assert self.popen.poll() is None, self.log.read_text()
            assert time.monotonic() < ends_at, self.log.read_text()
            time.sleep(0.1)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.popen.send_signal(number)
        return self.popen.wait(STOP_SECONDS)


Start = Callable[..., Process]


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    """Start a command and leave it running; it is ended with the test."""
    started: list[Process] = []

    def starting(*arguments: str, port: int, **environ: str) -> Process:
        log = folder / f"process{len(started)}.log"
        with log.open("wb") as out:
            popen = subprocess.Popen(
                [sys.executable, "-m", "service", *arguments],
                env={**os.environ, **environ, "PYTHONPATH": str(Path(__file__).parents[2])},
                stdout=out,
                stderr=out,
            )
        started.append(Process(popen, f"http://127.0.0.1:{port}", log))
        return started[-1]

    yield starting
    for one in started:
        if one.popen.poll() is None:
            one.popen.kill()
            one.popen.wait()


@pytest.fixture
def port() -> int:
    """A port that was free a moment ago."""
    with listen("127.0.0.1", 0) as listener:
        return int(listener.getsockname()[1])
