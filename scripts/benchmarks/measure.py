"""How one server does under one load: rate, times and CPU of a fresh process on a fresh ledger."""

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import psutil

from scripts.benchmarks.databases import Databases, cpu_seconds
from scripts.benchmarks.load import Figures, Order
from scripts.benchmarks.servers import ACCOUNTS

CONNECTIONS = 32
WARM = 300
SECONDS_LIMIT = 300
WEBHOOKS = [f"/webhooks/{name}" for name in ACCOUNTS]

Result = dict[str, Any]


class Server:
    """A server process, and what it used."""

    def __init__(self, process: "subprocess.Popen[str]", port: int) -> None:
        self.port = port
        self.process = psutil.Process(process.pid)

    def cpu_seconds(self) -> float:
        return cpu_seconds(self.process)

    def memory_mb(self) -> float:
        return self.process.memory_info().rss / 1e6


@contextmanager
def serving(name: str, *arguments: str) -> Generator[Server]:
    """Start a server of scripts.benchmarks.servers; end it when the block ends."""
    print(f"measuring {name} …", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "scripts.benchmarks.servers", name, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Server(process, int(process.stdout.readline()))
        finally:
            process.terminate()


def send(order: Order) -> Figures:
    """Run the load in a process of its own."""
    command = [sys.executable, "-m", "scripts.benchmarks.load", msgspec.json.encode(order).decode()]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=SECONDS_LIMIT
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2_000:])
    return msgspec.json.decode(done.stdout, type=Figures)


def measure(name: str, events: Path, count: int, databases: Databases) -> Result:
    """One round: `name` is hello, verify, or a database's name for the receiver on it."""
    if name in ("hello", "verify"):
        with serving(name, str(events)) as server:
            return _load(server, name, events, count, databases)
    with databases.fresh(name) as url, serving("accept", str(events), url) as server:
        return _load(server, name, events, count, databases)


def _load(server: Server, name: str, events: Path, count: int, databases: Databases) -> Result:
    folder, paths = ("", ["/"]) if name == "hello" else (str(events), WEBHOOKS[:1])
    warm = paths if name == "hello" else WEBHOOKS[-1:]
    send(Order(server.port, warm, WARM, folder, CONNECTIONS))
    before, database_before = server.cpu_seconds(), databases.cpu_seconds(name)
    figures = send(Order(server.port, paths, count, folder, CONNECTIONS))
    if figures.others:
        raise RuntimeError(f"{name}: {figures.others} of {count} were not answered 200")
    database = databases.cpu_seconds(name) - database_before
    return {
        "rate": figures.rate,
        "p50_ms": figures.p50_ms,
        "p99_ms": figures.p99_ms,
        "cpu_us": (server.cpu_seconds() - before) / count * 1e6,
        "database_cpu_us": database / count * 1e6,
    }
