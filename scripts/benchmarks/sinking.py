"""How fast is a backlog delivered once its sink is back, and what does that cost the others?

Messages are enqueued for three sinks: the one that is away, and two files. The files are filled in
turns, one by itself, the other while the sink that is away is tried; then that sink comes back.
"""

import random
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from scripts.benchmarks.databases import VAULT, Databases
from scripts.benchmarks.measure import Result
from scripts.benchmarks.servers import clock
from scripts.benchmarks.sides import SIDES, Arrived, Side, tally
from service.core.messages import Message, change_message
from service.ledger import outbox
from service.ledger.engine import Ledger, open_ledger
from service.outbound.jsonl import Jsonl
from service.outbound.sink import Each, Sent, Sink
from service.work.outlet import Outlet
from service.work.publish import Published, publish

# So many messages are about each object, and so many are made at once.
PER_OBJECT = 20
BATCH = 2_000
# The bare loop and the sink without a ledger send this part of the messages.
PART, LEAST_PART = 20, 2_000
# The other files get so many seconds in turn, or one for so many messages.
SLICE_SECONDS = 0.25
PER_SLICE = 50_000
TRY_SECONDS = 0.5
SAMPLE_SECONDS = 0.05
LEAST = 0.3
# Of its own rate, what another sink keeps while one is away.
LEAST_BESIDE = 0.7


def measure_sinks(
    count: int, databases: Databases, kinds: Sequence[str], on: Sequence[str]
) -> dict[str, Result]:
    """Each kind of sink on each database: rates of messages a second, and memory in megabytes."""
    names = [(kind, name) for kind in kinds for name in on]
    return {f"{kind}, {name}": _measure(kind, name, count, databases) for kind, name in names}


def ratios(found: dict[str, Result]) -> list[dict[str, Any]]:
    """Whether each is as fast as it should be beside its bare loop, and the others as before."""
    rows: list[dict[str, Any]] = []
    for name, row in found.items():
        rows.append(_row(f"{name} / bare loop", row["rate"] / row["bare"], LEAST))
        rows.append(
            _row(f"{name}: another beside", row["other_beside"] / row["other_alone"], LEAST_BESIDE)
        )
    return rows


def _row(name: str, found: float, least: float) -> dict[str, Any]:
    return {"name": name, "found": found, "target": f"at least {least}", "met": found >= least}


def _measure(kind: str, database: str, count: int, databases: Databases) -> Result:
    print(f"measuring {kind} on {database} …", file=sys.stderr, flush=True)
    with (
        TemporaryDirectory(prefix=f"pingledger-{kind}-") as name,
        databases.fresh(database) as url,
        closing(open_ledger(url, VAULT)) as ledger,
    ):
        side: Side = SIDES[kind](Path(name))
        try:
            found = _run(side, ledger, Path(name), count)
            # a long run that is cut off has said what it found by then
            print(f"{kind} on {database}: {found}", file=sys.stderr, flush=True)
            return found
        finally:
            side.end()


def _run(side: Side, ledger: Ledger, folder: Path, count: int) -> Result:
    files = [folder / "alone.jsonl", folder / "beside.jsonl"]
    few = _fill(ledger, count)
    with closing(side.sink()) as sink:
        others = _others(ledger, sink, [Jsonl(path.stem, path) for path in files], count)
        side.come()
        with _Memory() as memory:
            rate = _rate(ledger, Outlet(sink), count)
        _check(side.arrived(), count)
        for path in files:
            _check(tally(path.read_bytes().splitlines()), count)
    return {
        "rate": rate,
        "bare": _timed(len(few), lambda: side.bare(few)),
        "sink_alone": _timed(len(few), lambda: _send(side, few)),
        **others,
        "grown_mb": memory.grown_mb,
    }


def _others(ledger: Ledger, away: Sink, files: Sequence[Sink], count: int) -> Result:
    """Both files in turn, a slice of the time each; in the second's slices `away` is tried.

    Its tries begin anew in each slice, as in a process that does not know yet that it is away.
    """
    alone, beside = (_Slices() for _ in files)
    seconds = max(SLICE_SECONDS, count / PER_SLICE)
    while alone.sent < count or beside.sent < count:
        if alone.sent < count:
            alone.take(ledger, files[0], seconds)
        if beside.sent < count:
            with _Trying(ledger, Outlet(away)):
                beside.take(ledger, files[1], seconds)
    return {
        "other_alone": median(alone.rates),
        "other_beside": median(beside.rates),
        "other_alone_cpu_us": alone.cpu_us,
        "other_beside_cpu_us": beside.cpu_us,
    }


class _Slices:
    """What one file got in its slices: messages a second in each, and our CPU for one."""

    def __init__(self) -> None:
        self.sent, self.rates = 0, list[float]()
        self._cpu_seconds = 0.0

    @property
    def cpu_us(self) -> float:
        return self._cpu_seconds / self.sent * 1e6

    def take(self, ledger: Ledger, file: Sink, seconds: float) -> None:
        began, cpu_began = time.perf_counter(), time.process_time()
        done = publish(ledger, Outlet(file), chance=random.random, budget_seconds=seconds)
        self.rates.append(done.sent / (time.perf_counter() - began))
        self._cpu_seconds += time.process_time() - cpu_began
        self.sent += done.sent


def _fill(ledger: Ledger, count: int) -> list[Message]:
    """Enqueue them for all three, in an order that mixes the objects; gives a part of them."""
    sinks = ("out", "alone", "beside")
    numbers = [
        (seq, number) for seq in range(1, PER_OBJECT + 1) for number in range(count // PER_OBJECT)
    ]
    made: list[Message] = []
    for start in range(0, count, BATCH):
        batch = [_message(number, seq) for seq, number in numbers[start : start + BATCH]]
        with ledger.begin() as connection:
            outbox.enqueue(connection, batch, sinks, now=clock())
        made += batch if len(made) < max(count // PART, LEAST_PART) else []
    return made


def _message(number: int, seq: int) -> Message:
    view = {"status": "paid", "final": True, "amount": 1200 + seq, "currency": "cny"}
    return change_message(
        "bench", "shop", "order", f"2012601010{number:09}", seq,
        before=view, after=view | {"amount_paid": seq}, correction=False, source="webhook",
        at=clock(),
    )  # fmt: skip


def _rate(ledger: Ledger, outlet: Outlet, count: int) -> float:
    """Publish as the jobs do, one firing after the other, until all are sent."""
    began, done = time.perf_counter(), Published()
    while done.sent < count:
        done += publish(ledger, outlet, chance=random.random)
        if done.dead:
            raise RuntimeError(f"{done.dead} messages were given up")
    return count / (time.perf_counter() - began)


class _Trying:
    """A job that tries the sink that is away, at once and then again and again."""

    def __init__(self, ledger: Ledger, outlet: Outlet) -> None:
        self._ledger, self._outlet = ledger, outlet
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._try)

    def _try(self) -> None:
        while True:
            publish(self._ledger, self._outlet, chance=random.random, stop=self._stop)
            if self._stop.wait(TRY_SECONDS):
                return

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()


class _Memory:
    """By how much the resident memory grew after the first fifth of the time."""

    def __init__(self) -> None:
        self._samples: list[float] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample)

    def _sample(self) -> None:
        process = psutil.Process()
        while not self._stop.wait(SAMPLE_SECONDS):
            self._samples.append(process.memory_info().rss / 1e6)

    @property
    def grown_mb(self) -> float:
        first = max(1, len(self._samples) // 5)
        return max(self._samples) - max(self._samples[:first])

    def __enter__(self) -> "_Memory":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()


def _check(arrived: Arrived, count: int) -> None:
    if (arrived.distinct, arrived.turned) != (count, 0):
        raise RuntimeError(f"of {count} messages there arrived {arrived}")


def _timed(count: int, work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return count / (time.perf_counter() - began)


def _send(side: Side, messages: Sequence[Message]) -> None:
    """The sink without a ledger, with as many messages a call as it takes: what it could do."""
    with closing(side.sink()) as sink:
        for start in range(0, len(messages), sink.at_once):
            _hand(sink, messages[start : start + sink.at_once])


def _hand(sink: Sink, messages: Sequence[Message]) -> None:
    answer = sink.send(messages, now=clock())
    answers = answer.answers if isinstance(answer, Each) else [answer]
    if refused := [one for one in answers if one != Sent()]:
        raise RuntimeError(f"{sink.name}: {refused[0]}")
