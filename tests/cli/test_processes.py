"""How the processes that stay start, serve, share a ledger and stop."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from service.ledger import reads, slots
from service.ledger.engine import open_ledger
from service.pingpp.signature import sign_body
from service.web.protocol import listen
from tests.cli.conftest import Call, Process, Start
from tests.cli.storied import BODY, rows
from tests.conftest import KeyPair

CONFIG = """
data_dir = "data"
vault.keys = ["pingledger.key"]
[listen]
port = {port}
[accounts.main]
public_keys = ["pingpp.pem"]
[sinks.books]
type = "jsonl"
path = "books.jsonl"
[receiver]
linger_seconds = 0.5
"""
PATIENCE_SECONDS = 60


@pytest.fixture
def config(folder: Path, port: int) -> Path:
    path = folder / "pingledger.toml"
    path.write_text(CONFIG.format(port=port))
    return path


def wait_until(holds: Callable[[], object]) -> None:
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < ends_at, "it never came to be"
        time.sleep(0.1)


def deliver(process: Process, pair: KeyPair, body: bytes) -> int:
    signature = sign_body(pair.private_key, body)
    headers = {"X-Pingplusplus-Signature": signature, "Content-Type": "application/json"}
    url = f"{process.base}/webhooks/main"
    return httpx2.post(url, content=body, headers=headers, trust_env=False).status_code


def is_healthy(config: Path) -> bool:
    """As the image asks."""
    command = [sys.executable, "-m", "service.cli.live"]
    environ = {
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "PINGLEDGER_CONFIG": str(config),
    }
    return subprocess.run(command, env=environ, timeout=PATIENCE_SECONDS).returncode == 0


def published(folder: Path) -> list[str]:
    path = folder / "books.jsonl"
    if not path.exists():
        return []
    return [json.loads(line)["subject"] for line in path.read_text().splitlines()]


def test_up_makes_its_ledger_receives_publishes_and_stops_in_order(
    start: Start, call: Call, folder: Path, config: Path, port: int, key_pair: KeyPair
) -> None:
    up = start("up", "--config", str(config), port=port)
    up.wait_ready()
    assert call("doctor", "--live", "--config", str(config)).code == 0
    assert is_healthy(config)
    assert deliver(up, key_pair, json.dumps(BODY).encode()) == 200
    assert httpx2.post(f"{up.base}/webhooks/main", content=b"x", trust_env=False).status_code == 401
    wait_until(lambda: published(folder) == ["charge/ch_1"])
    found = rows(call("objects", "--json", "--config", str(config)).out)
    assert [(row["id"], row["status"]) for row in found] == [("ch_1", "paid")]
    told = call("doctor", "--config", str(config)).out
    assert "is ready" in told
    assert "missing" in told
    assert up.stop() == 0
    assert not is_healthy(config)
    assert '"event": "daemon.stopped"' in up.log.read_text()
    assert "Traceback" not in up.log.read_text()


def test_a_second_process_on_one_sqlite_ledger_is_told_to_come_again(
    start: Start, call: Call, config: Path, port: int
) -> None:
    start("up", "--config", str(config), port=port).wait_ready()
    for command in ("up", "serve", "work"):
        ended = call(command, "--config", str(config), PINGLEDGER_LISTEN__PORT="0")
        assert ended.code == 75
        assert "another process works on this SQLite ledger already" in ended.err


def test_a_port_that_is_taken_is_69(call: Call, config: Path, port: int) -> None:
    with listen("127.0.0.1", port):
        ended = call("up", "--config", str(config))
    assert ended.code == 69
    assert f"cannot listen on 127.0.0.1:{port}" in ended.err


def test_only_up_makes_a_ledger(call: Call, config: Path) -> None:
    for command in ("serve", "work"):
        ended = call(command, "--config", str(config))
        assert ended.code == 78
        assert "run `pingledger migrate`" in ended.err


def test_nothing_receives_without_a_key(call: Call, folder: Path) -> None:
    (folder / "c.toml").write_text("[accounts.main]\n")
    for command in ("up", "serve"):
        ended = call(command, "--config", "c.toml")
        assert ended.code == 78
        assert "accounts.main.public_keys: is missing" in ended.err


@pytest.mark.postgres
def test_receiving_and_working_are_two_processes_on_postgres(
    start: Start, folder: Path, config: Path, port: int, key_pair: KeyPair, postgres_url: str
) -> None:
    with listen("127.0.0.1", 0) as free:
        other = int(free.getsockname()[1])
    database = {"PINGLEDGER_DATABASE__URL": postgres_url}
    serve = start("serve", "--config", str(config), port=port, **database)
    work = start(
        "work", "--config", str(config), "--listen", f"127.0.0.1:{other}", port=other, **database
    )
    serve.wait_ready()
    work.wait_ready()
    body = json.dumps(BODY).encode()
    assert deliver(work, key_pair, body) == 404
    assert deliver(serve, key_pair, body) == 200
    wait_until(lambda: published(folder) == ["charge/ch_1"])
    with closing(open_ledger(postgres_url)) as ledger:
        with ledger.read() as connection:
            since = ledger.now().replace(year=2000)
            running = slots.running(connection, since=since)
        assert sorted(one.role for one in running) == ["serve", "work"]
        assert sorted(str(one.address) for one in running) == sorted([serve.base, work.base])
        assert [row.state for row in reads.delivery_rows(ledger)] == ["applied"]
        assert (serve.stop(), work.stop()) == (0, 0)
        with ledger.read() as connection:
            assert slots.running(connection, since=since) == []


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A migrated, empty database on the real server."""
    server = request.getfixturevalue("postgres")
    template = request.getfixturevalue("postgres_shelf").template
    name = "processes"
    server.run(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield server.url(name)
    server.run(f"DROP DATABASE {name} WITH (FORCE)")


def test_work_without_an_address_stops_in_order(
    start: Start, call: Call, config: Path, port: int
) -> None:
    call("migrate", "--config", str(config))
    work = start("work", "--config", str(config), port=port)
    wait_until(lambda: "daemon.started" in work.log.read_text())
    assert work.stop(signal.SIGINT) == 0


def test_a_second_signal_ends_at_once(start: Start, config: Path, port: int) -> None:
    slow = config.read_text().replace("linger_seconds = 0.5", "linger_seconds = 10")
    config.write_text(slow)
    up = start("up", "--config", str(config), port=port)
    up.wait_ready()
    up.popen.send_signal(signal.SIGTERM)
    wait_until(lambda: not up.is_ready())
    began = time.monotonic()
    up.stop()
    assert time.monotonic() - began < 10


def test_a_reader_that_has_seen_enough_is_no_error(
    call: Call, config: Path, folder: Path
) -> None:  # C19
    call("migrate", "--config", str(config))
    reading, writing = socket.socketpair()
    with subprocess.Popen(
        [sys.executable, "-m", "service", "doctor", "--config", str(config)],
        cwd=folder,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "LANG": "C"},
        stdout=writing.fileno(),
        stderr=subprocess.PIPE,
    ) as process:
        writing.close()
        reading.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
