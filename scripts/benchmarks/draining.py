"""How fast accepted deliveries become beliefs, changes and messages; and beside a busy receiver?"""

import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from statistics import mean

import sqlalchemy as sa

from scripts.benchmarks.databases import VAULT, Databases
from scripts.benchmarks.events import read_events
from scripts.benchmarks.load import Order
from scripts.benchmarks.measure import CONNECTIONS, WEBHOOKS, Result, send, serving
from scripts.benchmarks.rebuilding import measure_rebuilding
from scripts.benchmarks.servers import ACCOUNTS, clock, read_terms
from service.cli.daemon import settle_memory
from service.ledger.engine import Ledger, open_ledger
from service.ledger.intake import Intake, seal
from service.ledger.schema import deliveries
from service.work.accept import name
from service.work.drain import drain

BATCH = 128
SAMPLE_SECONDS = 0.5


def measure_draining(database: str, events: Path, count: int, databases: Databases) -> Result:
    """Drain alone: events a second and CPU of a full inbox worked by one thread."""
    print(f"measuring drain on {database} …", file=sys.stderr, flush=True)
    settle_memory()
    with databases.fresh(database) as url, closing(open_ledger(url, VAULT)) as ledger:
        fill_inbox(ledger, events, count)
        terms = read_terms(ledger)
        before, cpu = databases.cpu_seconds(database), time.process_time()
        began, done = time.perf_counter(), 0
        while states := drain(ledger, terms=terms, clock=clock):
            done += states["applied"]
        result = {
            "rate": count / (time.perf_counter() - began),
            "cpu_us": (time.process_time() - cpu) / count * 1e6,
            "database_cpu_us": (databases.cpu_seconds(database) - before) / count * 1e6,
        }
        if done != count:
            raise RuntimeError(f"{done} of {count} deliveries were applied")
        return result | measure_rebuilding(database, url, count, databases)


def fill_inbox(ledger: Ledger, events: Path, count: int) -> None:
    """Put the first `count` signed events into the inbox."""
    intake = Intake(ledger)
    signed = read_events(events, count)
    for start in range(0, count, BATCH):
        intake.insert(
            [
                seal(VAULT, name(ACCOUNTS[0], body, signature.decode(), "f" * 64, clock()))
                for body, signature in signed[start : start + BATCH]
            ]
        )
    intake.close()


def measure_steadily(
    database: str, processes: str, rate: float, seconds: float, events: Path, databases: Databases
) -> Result:
    """Drain beside a receiver that gets `rate` events a second; the inbox's depth over time.

    processes: "one" drains in a thread of the receiver, "two" in a process of its own.
    """
    count = int(rate * seconds)
    with databases.fresh(database) as url:
        server = "working" if processes == "one" else "accept"
        with serving(server, str(events), url) as receiver:
            order = Order(receiver.port, WEBHOOKS, count, str(events), CONNECTIONS, rate)
            if processes == "one":
                return _watch(url, lambda: send(order).rate)
            with serving("drain", str(events), url):
                return _watch(url, lambda: send(order).rate)


def _watch(url: str, work: Callable[[], float]) -> Result:
    stop, depths = threading.Event(), list[int]()
    with closing(open_ledger(url, VAULT)) as ledger:
        watcher = threading.Thread(target=lambda: depths.extend(_sample(ledger, stop)))
        watcher.start()
        achieved = work()
        stop.set()
        watcher.join()
    third = max(1, len(depths) // 3)
    return {
        "rate": achieved,
        "depth_first_third": mean(depths[:third]),
        "depth_last_third": mean(depths[-third:]),
        "depth_most": max(depths),
    }


def _sample(ledger: Ledger, stop: threading.Event) -> Iterable[int]:
    waiting = sa.select(sa.func.count()).where(deliveries.c.state == "waiting")
    while not stop.wait(SAMPLE_SECONDS):
        with ledger.read() as connection:
            yield int(connection.scalar(waiting) or 0)
