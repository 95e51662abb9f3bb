"""How fast is a backlog delivered once its sink is back, and what does that cost the others?

Messages are enqueued for three sinks: the one that is away, and two files. One file is filled by
itself, the other while the sink that is away is tried as the jobs do; then that sink comes back.
"""

import random
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
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
PART = 5
TRY_SECONDS = 0.5
SAMPLE_SECONDS = 0.05
LEAST = 0.3


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
        rows.append(_row(f"{name}: another beside", row["other_beside"] / row["other_alone"], 0.5))
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
    alone, beside = (Jsonl(path.stem, path) for path in files)
    with closing(side.sink()) as sink:
        outlet = Outlet(sink)
        other_alone = _rate(ledger, Outlet(alone), count)
        with _Trying(ledger, outlet):
            other_beside = _rate(ledger, Outlet(beside), count)
        side.come()
        back = Outlet(sink)
        with _Memory() as memory:
            rate = _rate(ledger, back, count)
        _check(side.arrived(), count)
        for path in files:
            _check(tally(path.read_bytes().splitlines()), count)
    return {
        "rate": rate,
        "bare": _timed(len(few), lambda: side.bare(few)),
        "sink_alone": _timed(len(few), lambda: _send(side, few)),
        "other_alone": other_alone,
        "other_beside": other_beside,
        "grown_mb": memory.grown_mb,
    }


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
        made += batch if len(made) < count // PART else []
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
    """A job that goes on trying the sink that is away."""

    def __init__(self, ledger: Ledger, outlet: Outlet) -> None:
        self._ledger, self._outlet = ledger, outlet
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._try)

    def _try(self) -> None:
        while not self._stop.wait(TRY_SECONDS):
            publish(self._ledger, self._outlet, chance=random.random, stop=self._stop)

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
