"""Real processes of the daemon on loopback, and a sender that gives up as late as Ping++ does."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from service.ledger.engine import Ledger
from service.ledger.schema import deliveries, dispatches
from service.pingpp.signature import sign_body
from tests.conftest import KeyPair, put_vault_key

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60.0
STOPS_LIMIT = 5


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Daemon:
    """One `pingledger` process: started, killed, paused and started again on the same settings."""

    folder: Path
    config: Path
    port: int
    command: Sequence[str] = ("up",)
    process: "subprocess.Popen[bytes] | None" = None
    environment: dict[str, str] = field(default_factory=dict[str, str])

    def start(self) -> None:
        log = (self.folder / f"{self.port}.log").open("ab")
        with log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "service", *self.command, "--config", str(self.config)],
                cwd=ROOT,
                env={**os.environ, "PINGLEDGER_LISTEN__PORT": str(self.port), **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait_until_live(self) -> None:
        """Until it answers, or it has ended by itself."""
        assert self.process is not None
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"the daemon ended: {self.log()[-2000:]}")
            if get(self.port, "/health/live") == 200:
                return
            time.sleep(0.05)
        raise AssertionError(f"the daemon did not answer: {self.log()[-2000:]}")

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(timeout=30)

    def pause(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> int:
        """End it as a container platform does; gives its exit code."""
        assert self.process is not None
        self.process.terminate()
        try:
            return self.process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def ensure_gone(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.kill()

    def log(self) -> str:
        return (self.folder / f"{self.port}.log").read_text(errors="replace")


def get(port: int, path: str) -> int:
    """The status of an answer; 0: none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        with closing(connection):
            connection.request("GET", path)
            return connection.getresponse().status
    except OSError:
        return 0


@dataclass(frozen=True)
class Signed:
    """One event as it is sent: its id, its bytes, its signature."""

    event_id: str
    body: bytes
    signature: str


def signed(key_pair: KeyPair, event: dict[str, object]) -> Signed:
    body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
    return Signed(str(event["id"]), body, sign_body(key_pair.private_key, body))


class Senders:
    """A few threads that send each event until it is acknowledged, at one of several ports."""

    def __init__(self, events: Iterable[Signed], ports: Sequence[int], threads: int = 8) -> None:
        self._events = iter(events)
        self._ports = ports
        self._lock = threading.Lock()
        self._halt = threading.Event()
        self.acknowledged: set[str] = set()
        self.statuses: set[int] = set()
        self._threads = [
            threading.Thread(target=self._run, args=(number,), daemon=True)
            for number in range(threads)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def halt(self) -> None:
        """Begin nothing new; what is under way is still sent until it is acknowledged."""
        self._halt.set()

    def join(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
            assert not thread.is_alive(), "events are still not acknowledged"

    def _run(self, number: int) -> None:
        while not self._halt.is_set():
            with self._lock:
                event = next(self._events, None)
            if event is None:
                return
            self._send(event, number)

    def _send(self, event: Signed, turn: int) -> None:
        while True:
            turn += 1
            status = post(self._ports[turn % len(self._ports)], event)
            self.statuses.add(status)
            if status == 200:
                self.acknowledged.add(event.event_id)
                return
            time.sleep(0.02)


def post(port: int, event: Signed, account: str = "shop") -> int:
    """Deliver one event; gives the status of the answer, 0: none came."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    headers = {
        "Content-Type": "application/json",
        "X-Pingplusplus-Signature": event.signature,
    }
    try:
        with closing(connection):
            connection.request("POST", f"/webhooks/{account}", event.body, headers)
            return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0


def write_config(
    folder: Path, key_pair: KeyPair, database_url: str, more: str = "", account: str = ""
) -> Path:
    """Settings of one account on the given database; `account` adds to its table."""
    (folder / "pingpp.pem").write_bytes(key_pair.public_pem)
    config = folder / "pingledger.toml"
    put_vault_key(folder)
    config.write_text(
        f"""
data_dir = {json.dumps(str(folder))}

[database]
url = {json.dumps(database_url)}

[accounts.shop]
public_keys = ["pingpp.pem"]
{account}

[jobs]
drain_seconds = 0.1
publish_seconds = 0.1
poll_seconds = 0.2
{more}
"""
    )
    return config


def wait_until_idle(ledger: Ledger, seconds: float) -> None:
    """Until nothing waits; claims of killed processes are taken over when their leases end."""
    deadline = time.monotonic() + seconds
    while left := _waiting(ledger):
        assert time.monotonic() < deadline, f"still waiting: {left}"
        time.sleep(0.5)


def stop_when_all_is_told(ledger: Ledger, daemons: Sequence[Daemon], seconds: float) -> None:
    """Stop them all, and leave nothing that waits to be told.

    A suspicion may last long enough in the moment of the stop: then its message is in the outbox
    and no longer on its way. One that starts again tells it.
    """
    wait_until_idle(ledger, seconds)
    assert [daemon.stop() for daemon in daemons] == [0] * len(daemons)
    for _ in range(STOPS_LIMIT):
        if not _waiting(ledger):
            return
        daemons[0].start()
        daemons[0].wait_until_live()
        wait_until_idle(ledger, seconds)
        assert daemons[0].stop() == 0
    raise AssertionError(f"something is found in each of {STOPS_LIMIT} stops")


def _waiting(ledger: Ledger) -> dict[str, int]:
    """How many rows of which table wait."""
    count = sa.func.count()
    with ledger.read() as connection:
        found = {
            table.name: connection.scalar(
                sa.select(count).select_from(table).where(table.c.state == "waiting")
            )
            for table in (deliveries, dispatches)
        }
    return {name: number for name, number in found.items() if number}
