"""How much memory does `pingledger up` take, at rest and while many deliveries pass through?"""

import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from urllib.error import URLError
from urllib.request import urlopen

import psutil
import sqlalchemy as sa

from scripts.benchmarks.databases import Databases
from scripts.benchmarks.events import FOLDER, KEY
from scripts.benchmarks.load import Order
from scripts.benchmarks.measure import CONNECTIONS, WEBHOOKS, Result, send
from scripts.benchmarks.servers import ACCOUNTS
from service.ledger.engine import open_ledger
from service.ledger.keyfiles import make_key_file
from service.ledger.schema import deliveries
from service.settings.model import KEY_FILE

START_SECONDS = 60
REST_SECONDS = 5
DRAIN_SECONDS_LIMIT = 900


def measure_memory(database: str, events: Path, count: int, databases: Databases) -> Result:
    """Resident megabytes with everything on; `count` distinct deliveries in ten parts."""
    print(f"measuring memory on {database} …", file=sys.stderr, flush=True)
    with databases.fresh(database) as url, _daemon(url, events) as (process, port):
        time.sleep(REST_SECONDS)
        at_rest, samples, sent = _megabytes(process), list[float](), 0
        for path in WEBHOOKS:
            figures = send(Order(port, [path], count // 10, str(events), CONNECTIONS))
            sent += figures.count - figures.others
            samples.append(_megabytes(process))
        _wait_until_drained(url)
        samples.append(_megabytes(process))
    return {
        "deliveries": sent,
        "mb_at_rest": at_rest,
        "mb_after_a_fifth": samples[1],
        "mb_median_of_last_half": median(samples[5:]),
        "mb_at_the_end": samples[-1],
        "mb_most": max(samples),
    }


@contextmanager
def _daemon(url: str, events: Path) -> Generator[tuple[psutil.Process, int]]:
    """`pingledger up` with ten accounts and one sink, ready."""
    port = free_port()
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        config = Path(folder) / "pingledger.toml"
        config.write_text(_settings(folder, url, port, events))
        make_key_file(Path(folder) / KEY_FILE)
        command = [sys.executable, "-m", "service", "up", "--config", str(config)]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            try:
                wait_until_ready(port)
                yield psutil.Process(process.pid), port
            finally:
                process.terminate()


def _settings(folder: str, url: str, port: int, events: Path) -> str:
    accounts = "".join(
        f"[accounts.{name}]\npublic_keys = [{json.dumps(str(events / KEY))}]\n" for name in ACCOUNTS
    )
    sink = f'[sinks.file]\ntype = "jsonl"\npath = {json.dumps(f"{folder}/messages.jsonl")}\n'
    return (
        f"data_dir = {json.dumps(folder)}\n[database]\nurl = {json.dumps(url)}\n"
        f"[listen]\nport = {port}\n[receiver]\nlinger_seconds = 0\n{accounts}{sink}"
    )


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return int(listener.getsockname()[1])


def wait_until_ready(port: int) -> None:
    """Until the server is there; raises RuntimeError when it does not come."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        try:
            with urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError("pingledger up did not become ready")


def _wait_until_drained(url: str) -> None:
    waiting = sa.select(sa.func.count()).where(deliveries.c.state == "waiting")
    until = time.monotonic() + DRAIN_SECONDS_LIMIT
    with closing(open_ledger(url)) as ledger:
        while time.monotonic() < until:
            with ledger.read() as connection:
                if not connection.scalar(waiting):
                    return
            time.sleep(1)
    raise RuntimeError("the inbox was not drained in time")


def _megabytes(process: psutil.Process) -> float:
    return process.memory_info().rss / 1e6
