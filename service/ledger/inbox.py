"""How a verified delivery becomes durable before it is answered: one writer commits all that wait.

The event loop collects; a thread writes. While the thread commits one batch the next one gathers:
under load batches grow by themselves, and a single event is committed at once. There is one timer:
a batch that the database does not answer is given up.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from queue import SimpleQueue

from service.core.errors import TryLater
from service.ledger.engine import Ledger
from service.ledger.intake import Arrival, Identity, Intake, Sealed, seal
from service.ledger.repeats import Tell, note_repeats

Waiting = tuple[Sealed, asyncio.Future[bool]]


@dataclass(frozen=True, slots=True)
class InboxLimits:
    """What may wait for the writer, and for how long; more is answered "try again"."""

    queue_rows: int = 4_096
    queue_bytes: int = 32 * 1024 * 1024
    batch_rows: int = 256
    batch_bytes: int = 4 * 1024 * 1024
    answer_seconds: float = 10.0


DEFAULT_LIMITS = InboxLimits()


class InboxWriter:
    """Commits deliveries in groups. All methods belong to the event loop that started it."""

    def __init__(
        self,
        ledger: Ledger,
        tell: Tell,
        *,
        limits: InboxLimits = DEFAULT_LIMITS,
        on_failure: Callable[[Exception], None] = lambda _error: None,
    ) -> None:
        self._ledger = ledger
        self._intake = Intake(ledger)
        self._tell = tell
        self._limits = limits
        self._on_failure = on_failure
        self._waiting: list[Waiting] = []
        self._bytes = 0
        self._batch: list[Waiting] | None = None
        self._stuck = False
        self._called = False
        self._queue: SimpleQueue[list[Waiting] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the writing thread; call it inside the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._write_batches, name="inbox", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Commit what was handed over, refuse what still waits and stop the thread."""
        thread, self._thread = self._thread, None
        self._queue.put(None)
        self._refuse_waiting()
        if thread is not None:
            await asyncio.to_thread(thread.join, self._limits.answer_seconds)

    @property
    def depth(self) -> int:
        """How many deliveries wait for the writer or are being written."""
        return len(self._waiting) + len(self._batch or ())

    def submit(self, arrival: Arrival) -> asyncio.Future[bool]:
        """Seal and queue it; the future says whether it is durable.

        Raises TryLater when no more fits. Sealed here and not in the thread: there it would cost
        ten times as much in turns between the two (docs/performance.md).
        """
        full = (
            len(self._waiting) >= self._limits.queue_rows
            or self._bytes + len(arrival.body) > self._limits.queue_bytes
        )
        if full or self._stuck or self._thread is None:
            raise TryLater("the inbox takes nothing more now")
        sealed, future = self._seal(arrival), self._loop.create_future()
        self._waiting.append((sealed, future))
        self._bytes += len(sealed.body)
        if self._batch is None and not self._called:
            self._called = True
            # after everything else that is ready now, so that it joins this batch
            self._loop.call_soon(self._hand_over)
        return future

    def _seal(self, arrival: Arrival) -> Sealed:
        try:
            return seal(self._ledger.vault, arrival)
        except Exception as error:
            # whatever it was, it is no fault of the sender's
            self._on_failure(error)
            raise TryLater("the delivery cannot be sealed") from error

    def _hand_over(self) -> None:
        """Give the thread everything that waits, as far as one batch goes."""
        self._called = False
        if not self._waiting:
            return
        taken = self._batch_size()
        self._batch, self._waiting = self._waiting[:taken], self._waiting[taken:]
        self._bytes -= sum([len(arrival.body) for arrival, _ in self._batch])
        self._patience = self._loop.call_later(self._limits.answer_seconds, self._give_up)
        self._queue.put(self._batch)

    def _batch_size(self) -> int:
        rows = min(len(self._waiting), self._limits.batch_rows)
        if self._bytes <= self._limits.batch_bytes:
            return rows
        sizes = accumulate(len(arrival.body) for arrival, _ in self._waiting[:rows])
        return max(1, sum(size <= self._limits.batch_bytes for size in sizes))

    def _give_up(self) -> None:
        """The database does not answer: until it does nobody is kept waiting."""
        self._stuck = True
        self._refuse_waiting()
        _settle(self._batch or (), stored=False)

    def _refuse_waiting(self) -> None:
        _settle(self._waiting, stored=False)
        self._waiting, self._bytes = [], 0

    def _finish(self, waiting: Sequence[Waiting], *, stored: bool) -> None:
        """The thread is free again: give it the next batch first, then wake those of this one."""
        self._patience.cancel()
        self._stuck, self._batch = False, None
        self._hand_over()
        _settle(waiting, stored=stored)

    # From here on: in the thread.

    def _write_batches(self) -> None:
        while (batch := self._queue.get()) is not None:
            # the loop is closed when the process leaves: then nobody waits for the answer
            with suppress(RuntimeError):
                self._write(batch)
        self._intake.close()

    def _write(self, batch: Sequence[Waiting]) -> None:
        """Answer the new ones before the repeats are looked at: those can fail by themselves."""
        left = batch
        try:
            if again := self._insert(batch):
                repeated = {id(one) for one in again}
                fresh = [one for one in batch if id(one) not in repeated]
                self._loop.call_soon_threadsafe(partial(_settle, fresh, stored=True))
                left = again
                with self._ledger.begin() as connection:
                    arrivals = [arrival for arrival, _ in again]
                    note_repeats(connection, arrivals, self._tell, self._ledger.vault)
        except Exception as error:  # noqa: BLE001  whatever it was, it is no fault of the sender's
            self._on_failure(error)
            stored = False
        else:
            stored = True
        self._loop.call_soon_threadsafe(partial(self._finish, left, stored=stored))

    def _insert(self, batch: Sequence[Waiting]) -> list[Waiting]:
        """Make the new ones durable; gives those that repeat what is stored, or each other."""
        first: dict[Identity, Waiting] = {}
        again = [one for one in batch if first.setdefault(one[0][:2], one) is not one]
        new = self._intake.insert([arrival for arrival, _ in first.values()])
        if new is not None:
            again += [one for identity, one in first.items() if identity not in new]
        return again


def _settle(waiting: Sequence[Waiting], *, stored: bool) -> None:
    for _arrival, future in waiting:
        # done already: it was given up, or its sender went away
        if not future.done():
            future.set_result(stored)
