"""Real servers for the sinks that talk to one: started on free ports, killed and started again.

In CI they are required. Elsewhere a test whose server is not installed says that it was not run.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pytest

START_SECONDS = 90
ROOT = Path(__file__).resolve().parents[2]
RABBITMQ = sorted(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin/rabbitmq-server"))


def program(name: str) -> str:
    """Where a server's program is; without it the test fails in CI and is not run elsewhere."""
    found = str(RABBITMQ[-1]) if name == "rabbitmq-server" and RABBITMQ else shutil.which(name)
    if found is None:
        said = f"{name} is not installed: what needs it was NOT run"
        if os.environ.get("CI"):
            pytest.fail(said, pytrace=False)
        pytest.skip(said)
    return found


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return int(listener.getsockname()[1])


class Server:
    """One server's process; `command` starts it in the foreground, again on what it has kept."""

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        answers: Callable[[], bool],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._command, self._log, self._answers = command, log, answers
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            # a group of its own, so that what the program starts ends with it
            self._process = subprocess.Popen(
                self._command,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=self._environment,
                start_new_session=True,
            )
        ends_at = time.monotonic() + START_SECONDS
        while not self._answers():
            if time.monotonic() > ends_at or self._process.poll() is not None:
                self.kill()
                pytest.fail(f"{self._command[0]}: {self._log.read_text()[-2000:]}", pytrace=False)
            time.sleep(0.05)

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        assert self._process is not None
        return self._process

    def kill(self) -> None:
        """As a power cut would end it, as far as a process can be."""
        process, self._process = self._process, None
        if process is not None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def start_redis(folder: Path, port: int, pem: Path | None = None) -> Server:
    """Redis that has each answer on disk before it gives it; in TLS only, with a certificate."""
    command = [
        program("redis-server"), "--port", "0" if pem else str(port), "--bind", "127.0.0.1",
        "--save", "", "--appendonly", "yes", "--appendfsync", "always", "--dir", str(folder),
    ]  # fmt: skip
    if pem is not None:
        command += ["--tls-port", str(port), "--tls-auth-clients", "no"]
        command += ["--tls-cert-file", str(pem), "--tls-key-file", str(pem)]
        command += ["--tls-ca-cert-file", str(pem)]
        return Server(command, folder / "log", lambda: _listens(port))
    return Server(command, folder / "log", lambda: _talks(port, b"PING\r\n", b"+PONG"))


def start_nats(folder: Path, port: int, pem: Path | None = None) -> Server:
    command = [
        program("nats-server"), "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(folder),
    ]  # fmt: skip
    if pem is not None:
        command += ["--tls", "--tlscert", str(pem), "--tlskey", str(pem)]
    return Server(command, folder / "log", lambda: _talks(port, b"", b"INFO"))


class Rabbit:
    """RabbitMQ and the name server it wants, both our own."""

    def __init__(self, folder: Path, port: int) -> None:
        names = free_port()
        (folder / "enabled_plugins").write_text("[].")
        environment = {
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(names),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"pingledger{port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_CONFIG_FILE": str(folder / "none"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none",
        }
        server = program("rabbitmq-server")
        epmd = [program("epmd"), "-port", str(names), "-address", "127.0.0.1"]
        self._names = Server(epmd, folder / "names.log", lambda: _listens(names))
        self._server = Server(
            [server],
            folder / "log",
            lambda: _talks(port, b"AMQP\0\0\x09\x01", b"\x01"),
            environment,
        )
        self.start, self.kill = self._server.start, self._server.kill

    def end(self) -> None:
        self.kill()
        self._names.kill()


def start_kafka(folder: Path, *topics: str) -> tuple[Server, str]:
    """The client library's own mock cluster of three brokers, in a process of its own.

    It speaks the wire protocol and keeps everything in memory: killed, it has forgotten all.
    topics: those that are not there, and those of many partitions (tests.outbound.kafka_cluster).
    """
    said = folder / "log"
    command = [sys.executable, "-m", "tests.outbound.kafka_cluster", *topics]
    server = Server(
        command,
        said,
        lambda: said.exists() and b"\n" in said.read_bytes(),
        {"PYTHONPATH": str(ROOT)},
    )
    return server, said.read_text().splitlines()[0]


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def _talks(port: int, said: bytes, wanted: bytes) -> bool:
    """Whether the server answers, not only listens."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
            peer.sendall(said)
            return peer.recv(16).startswith(wanted)
    except OSError:
        return False
