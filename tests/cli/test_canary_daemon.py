"""A person whom the running daemon hears of and asks for is in nothing that leaves it."""

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from service.ledger.engine import open_ledger
from service.ledger.schema import deliveries, dispatches, looks
from service.pingpp.signature import sign_body
from tests import bodies
from tests.cli.canary import database_files, events, provide, traces
from tests.cli.conftest import Process, Start
from tests.conftest import KeyPair
from tests.outbound.receiver import Receiver, status

PATIENCE_SECONDS = 90
CONFIG = """
data_dir = "data"
vault.keys = ["pingledger.key"]
[log]
level = "debug"
format = "json"
[listen]
port = {port}
[accounts.main]
public_keys = ["pingpp.pem"]
private_key = "own.pem"
api_key = "sk_live_canary000000000000"
api_base = "http://127.0.0.1:{provider}"
apps = ["{app}"]
rate = 100
[poll]
scale = 1000
[sinks.books]
type = "jsonl"
path = "books.jsonl"
[sinks.hook]
type = "webhook"
url = "http://127.0.0.1:{hook}/in"
allow_loopback_http = true
secret = "{secret}"
[jobs]
drain_seconds = 0.1
publish_seconds = 0.1
poll_seconds = 0.2
reconcile_seconds = 2
[reconcile]
grace_seconds = 0
[receiver]
linger_seconds = 0
"""


def standing(receiver: Receiver) -> Iterator[Receiver]:
    receiver.start()
    yield receiver
    receiver.stop()


@pytest.fixture
def provider() -> Iterator[Receiver]:
    yield from standing(Receiver(answer=provide))


@pytest.fixture
def hook() -> Iterator[Receiver]:
    yield from standing(Receiver(answer=status(204)))


@pytest.fixture
def daemon(
    start: Start,
    folder: Path,
    port: int,
    database_url: str,
    provider: Receiver,
    hook: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> Process:
    config = folder / "c.toml"
    config.write_text(
        CONFIG.format(
            port=port,
            provider=provider.port,
            hook=hook.port,
            app=bodies.APP,
            secret="whsec_" + base64.b64encode(bytes(range(32))).decode(),
        )
    )
    monkeypatch.setenv("PINGLEDGER_DATABASE__URL", database_url)
    up = start("up", "--config", str(config), port=port)
    up.wait_ready()
    return up


def deliver(up: Process, pair: KeyPair, body: bytes, *, forged: bool = False) -> int:
    signature = sign_body(pair.private_key, body + b" " * forged)
    headers = {"X-Pingplusplus-Signature": signature, "Content-Type": "application/json"}
    url = f"{up.base}/webhooks/main?name={'x' * forged}"
    answer = httpx2.post(url, content=body, headers=headers, trust_env=False, timeout=30)
    assert traces(answer.content + str(answer.headers).encode()) == []
    return answer.status_code


def wait_until(holds: Callable[[], object]) -> None:
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < ends_at, "it never came to be"
        time.sleep(0.2)


def is_told(url: str) -> bool:
    """Whether nothing waits to be worked or sent, and something was asked for."""
    with closing(open_ledger(url)) as ledger, ledger.read() as connection:
        waiting = [
            connection.scalar(sa.select(table.c.state).where(table.c.state == "waiting").limit(1))
            for table in (deliveries, dispatches)
        ]
        asked = connection.scalar(sa.select(sa.func.count()).select_from(looks)) or 0
    return waiting == [None, None] and asked >= 5


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_nothing_that_leaves_the_daemon_holds_the_person(
    daemon: Process,
    folder: Path,
    key_pair: KeyPair,
    database_url: str,
    provider: Receiver,
    hook: Receiver,
) -> None:
    arriving = events()
    assert {deliver(daemon, key_pair, body) for body in arriving} == {200}
    assert deliver(daemon, key_pair, arriving[0], forged=True) == 401
    wait_until(lambda: is_told(database_url))
    assert len(provider.taken) >= 5
    leaving = {
        "metrics": httpx2.get(f"{daemon.base}/metrics", trust_env=False).content,
        "ready": httpx2.get(f"{daemon.base}/health/ready", trust_env=False).content,
        "doctor": _doctor(folder),
        **database_files(database_url),
    }
    assert daemon.stop() == 0
    leaving |= {
        "log": daemon.log.read_bytes(),
        "jsonl": (folder / "books.jsonl").read_bytes(),
        "hook": b"\n".join(taken.body + str(taken.headers).encode() for taken in hook.taken),
        **{f"stopped {name}": raw for name, raw in database_files(database_url).items()},
    }
    assert {name: traces(raw) for name, raw in leaving.items()} == {name: [] for name in leaving}
    _check_that_all_was_there(leaving, database_url, hook)


def _doctor(folder: Path) -> bytes:
    """What `doctor` says of the living process: what it refused of late is in it."""
    done = subprocess.run(
        [sys.executable, "-m", "service", "doctor", "--json", "--config", "c.toml"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        timeout=PATIENCE_SECONDS,
    )
    assert b"mismatch" in done.stdout, done.stderr
    return done.stdout + done.stderr


def _check_that_all_was_there(leaving: dict[str, bytes], url: str, hook: Receiver) -> None:
    """None of the exits was empty: a trace would have had a way out."""
    told = lines(leaving["jsonl"].decode())
    subjects = {one["subject"].partition("/")[0] for one in told}
    assert {"user", "withdrawal", "cus_application", "settle_account", "deposit"} <= subjects
    assert {one["subject"] for one in told} <= {
        json.loads(taken.body)["subject"] for taken in hook.taken
    }
    logged = lines(leaving["log"].decode())
    assert {"daemon.started", "daemon.stopped"} <= {one["event"] for one in logged}
    assert b"pingledger_deliveries_total" in leaving["metrics"]
    assert not url.startswith("sqlite") or any(name.endswith("-wal") for name in leaving)
    assert not url.startswith("sqlite") or any(name.startswith("stopped ") for name in leaving)
