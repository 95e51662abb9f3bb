"""How messages reach the sinks: claim, send, let the sink confirm, settle.

Nothing is sent inside a transaction. A crash between sending and settling sends again: the same id,
the same bytes. Each sink is published by itself, so that a slow or broken one holds up no other.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from threading import Event

from service.ledger import outbox, sinks
from service.ledger.clock import LedgerClock
from service.ledger.engine import Ledger
from service.ledger.outbox import Claim, Dispatch, Settled
from service.outbound.schedule import wait_after
from service.outbound.sink import Answer, Dead, Each, Later, Receipt, Sent, Sink
from service.telemetry import DISPATCHES, SEND_SECONDS, logger
from service.work.outlet import Outlet
from service.work.traced import sending, sent

BUDGET_SECONDS = 20.0
# A claim is worked for so long, and what is not sent by then is given back; the lease is longer by
# more than any single call to a sink may take.
SENDING_SECONDS = 30.0
LEASE = timedelta(seconds=120)
BATCH_LIMIT = 32
# While claims are worked this quickly they grow up to this, so that more messages share their two
# transactions; a sink that is slow again has few in the hands of a worker that waits for it.
QUICK_SECONDS = 1.0
CLAIM_LIMIT = 128
IDLE_SECONDS = 0.05

_log = logger("work")


@dataclass(slots=True)
class Published:
    """What happened to messages: sent, put off, given up; late: another worker had taken them."""

    sent: int = 0
    later: int = 0
    dead: int = 0
    late: int = 0

    def __add__(self, other: "Published") -> "Published":
        return Published(
            self.sent + other.sent,
            self.later + other.later,
            self.dead + other.dead,
            self.late + other.late,
        )


@dataclass(slots=True)
class _Run:
    """One firing for one sink, shared by its workers."""

    ledger: Ledger
    outlet: Outlet
    clock: Callable[[], datetime]
    chance: Callable[[], float]
    scale: float
    ends_at: float
    stop: Event
    busy: set[int] = field(default_factory=set[int])

    @property
    def sink(self) -> Sink:
        return self.outlet.sink

    def goes_on(self) -> bool:
        """Whether another message may be sent, or another claim be made."""
        return self.outlet.is_open() and not self.stop.is_set()


def publish(
    ledger: Ledger,
    outlet: Outlet,
    *,
    chance: Callable[[], float],
    clock: Callable[[], datetime] | None = None,
    scale: float = 1.0,
    budget_seconds: float = BUDGET_SECONDS,
    stop: Event | None = None,
) -> Published:
    """Send what is due to one sink until nothing is or the budget is spent.

    chance: gives rolls in [0, 1) for the jitter. clock: the ledger's own, unless a test brings one.
    scale: divides every wait. stop: ends the firing after the messages under way; what else is
    claimed is given back. Raises TryLater when the ledger is away; leases run out then.
    """
    ends_at, clock = time.monotonic() + budget_seconds, clock or LedgerClock(ledger)
    run = _Run(ledger, outlet, clock, chance, scale, ends_at, stop or Event())
    if not run.goes_on() or not _is_due(run, run.clock()):
        return Published()
    workers = run.sink.workers
    with ThreadPoolExecutor(workers, thread_name_prefix=f"publish-{run.sink.name}") as pool:
        return sum(pool.map(partial(_work, run), range(workers)), Published())


def publish_all(
    ledger: Ledger,
    outlets: Sequence[Outlet],
    *,
    chance: Callable[[], float],
    clock: Callable[[], datetime] | None = None,
    scale: float = 1.0,
    budget_seconds: float = BUDGET_SECONDS,
) -> dict[str, Published]:
    """Publish to every sink side by side, and wait for all: for commands; jobs are one per sink."""
    if not outlets:
        return {}
    one = partial(
        publish, ledger, chance=chance, clock=clock, scale=scale, budget_seconds=budget_seconds
    )
    with ThreadPoolExecutor(len(outlets), thread_name_prefix="publish") as pool:
        return dict(zip((o.sink.name for o in outlets), pool.map(one, outlets), strict=True))


def _is_due(run: _Run, now: datetime) -> bool:
    """Whether anything may go to the sink now; a person may have paused it meanwhile."""
    with run.ledger.read() as connection:
        if not sinks.is_ready(connection, run.sink.name):
            return False
        return outbox.is_due(connection, run.sink.name, now=now)


def _work(run: _Run, worker: int) -> Published:
    """Go on while anything is due, or while another worker may be held up by a slow answer."""
    done, limit = Published(), BATCH_LIMIT
    run.busy.add(worker)
    while (began := time.monotonic()) < run.ends_at and run.goes_on():
        claimed = _claim(run, limit)
        if claimed is not None:
            run.busy.add(worker)
            done += _send(run, claimed)
            is_quick = time.monotonic() - began < QUICK_SECONDS
            limit = min(2 * limit, CLAIM_LIMIT) if is_quick else BATCH_LIMIT
            continue
        run.busy.discard(worker)
        if not run.busy:
            break
        time.sleep(IDLE_SECONDS)
    run.busy.discard(worker)
    return done


def _claim(run: _Run, limit: int) -> Claim | None:
    now = run.clock()
    if not _is_due(run, now):
        return None
    with run.ledger.begin() as connection:
        # what is claimed for a sink that is away is written twice in vain, in others' way
        limit = max(limit, run.sink.at_once) if run.outlet.is_well() else BATCH_LIMIT
        claimed = outbox.claim(connection, run.sink.name, limit=limit, lease=LEASE, now=now)
    return claimed if claimed.rows else None


def _send(run: _Run, claimed: Claim) -> Published:
    """Send a claim, stopping each stream at its first failure, and settle all of it at once."""
    ends_at = time.monotonic() + SENDING_SECONDS
    # streams that have failed before come last: they are likely to fail again, and slowly
    failed = {row.message.stream for row in claimed.rows if row.attempts}
    waiting = sorted(claimed.rows, key=lambda row: row.message.stream in failed)
    results: list[Settled] = []
    stopped: set[str] = set()
    while waiting and time.monotonic() < ends_at and run.goes_on():
        group, waiting = _next_group(run.sink, waiting, stopped)
        if group:
            receipt = _hand_over(run, group)
            results += _results(run, group, receipt, stopped)
    return _settle(run, claimed, results)


def _next_group(
    sink: Sink, waiting: Sequence[Dispatch], stopped: set[str]
) -> tuple[list[Dispatch], list[Dispatch]]:
    """What one call takes, and what is left for the next ones; stopped streams are in neither."""
    group: list[Dispatch] = []
    left: list[Dispatch] = []
    taken: set[str] = set()
    for place, row in enumerate(waiting):
        stream = row.message.stream
        if len(group) == sink.at_once:
            return group, [*left, *waiting[place:]]
        if stream in stopped:
            continue
        if sink.one_by_one and stream in taken:
            left.append(row)
        else:
            group.append(row)
            taken.add(stream)
    return group, left


def _hand_over(run: _Run, group: Sequence[Dispatch]) -> Receipt:
    spans = sending(run.sink.name, group)
    try:
        with SEND_SECONDS.labels(run.sink.name).time():
            receipt = run.sink.send([row.message for row in group], now=run.clock())
    except Exception:  # noqa: BLE001  a fault in one sink or message must not stop the others
        _log.exception("publish.failed", sink=run.sink.name)
        receipt = Later("fault")
    sent(spans, receipt)
    _note(run.outlet, group, receipt)
    return receipt


def _note(outlet: Outlet, group: Sequence[Dispatch], receipt: Receipt) -> None:
    """Tell the outlet what each stream met; a call that failed as a whole has failed for all."""
    if isinstance(receipt, Each):
        answers: Sequence[Answer | None] = receipt.answers
    else:
        answers = [receipt] * (len(group) if isinstance(receipt, Later) else 1)
    for row, answer in zip(group, answers, strict=False):
        if answer is not None and outlet.is_open():
            outlet.note(row.message.stream, answer)


def _answers(
    group: Sequence[Dispatch], receipt: Receipt
) -> Sequence[tuple[Dispatch, Answer | None]]:
    """Which message got which answer; one answer for all of a call is that to its first."""
    if isinstance(receipt, Each):
        return list(zip(group, receipt.answers, strict=True))
    return [(group[0], receipt)]


def _results(
    run: _Run, group: Sequence[Dispatch], receipt: Receipt, stopped: set[str]
) -> list[Settled]:
    """What becomes of each. Of a group that waits as a whole only the first counts as tried."""
    if isinstance(receipt, Sent | Dead):
        return [_result(run, row, receipt) for row in group]
    if isinstance(receipt, Later):
        stopped.update(row.message.stream for row in group)
    answered = _answers(group, receipt)
    stopped.update(
        row.message.stream for row, answer in answered if not isinstance(answer, Sent | Dead)
    )
    return [_result(run, row, answer) for row, answer in answered if answer is not None]


def _result(run: _Run, row: Dispatch, receipt: Answer) -> Settled:
    match receipt:
        case Sent():
            return Settled(row, "sent")
        case Dead(error):
            return Settled(row, "dead", error)
        case Later(error, after, away):
            word = f"{outbox.AWAY}{error}" if away else error
            wait = wait_after(row.attempts + 1, run.chance(), scale=run.scale)
            if wait is None:
                return Settled(row, "dead", word)
            wait = max(wait, (after or timedelta()) / run.scale)
            return Settled(row, "waiting", word, run.clock() + wait)


def _settle(run: _Run, claimed: Claim, results: Sequence[Settled]) -> Published:
    now = run.clock()
    with run.ledger.begin() as connection:
        late = outbox.settle(connection, claimed, results, now=now)
        if run.outlet.is_back():
            outbox.hasten(connection, run.sink.name, now=now)
        if run.outlet.is_gone():
            sinks.switch_off(connection, run.sink.name, now=now)
    for one in results:
        DISPATCHES.labels(run.sink.name, one.state).inc()
        if one.state == "dead":
            identity = one.dispatch.message.message_id
            _log.error("publish.dead", sink=run.sink.name, message_id=identity, error=one.error)
    states = Counter(one.state for one in results)
    return Published(states["sent"], states["waiting"], states["dead"], late)
