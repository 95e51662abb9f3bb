"""How events reach the merchant: Ping++'s retries, bounded in number and time, every try logged."""

import asyncio
import heapq
from collections import Counter, deque
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import count
from typing import NamedTuple

import httpx2

from service.sandbox.events import RETRY_SECONDS, Parcel
from service.sandbox.truth import Pace

SENDS_AT_ONCE = 8
SEND_SECONDS = 10.0
LOG_LENGTH = 20_000
_IDLE_SECONDS = 0.5
_OK, _REDIRECTS, _REFUSED, _FAULTY = 200, 300, 400, 500
_HURRY_SECONDS = 0.25

Clock = Callable[[], datetime]


class Sent(NamedTuple):
    """One try: its status is 0 when no answer came."""

    event_id: str
    type: str
    object_id: str
    fault: str
    attempt: int
    at: datetime
    status: int

    @property
    def good(self) -> bool:
        """Whether the merchant took it."""
        return _OK <= self.status < _REDIRECTS


class Sender:
    """Sends parcels when they are due; only a 2xx counts (facts 1.3)."""

    def __init__(self, client: httpx2.AsyncClient, url: str, clock: Clock, pace: Pace) -> None:
        self.url = url
        self.log: deque[Sent] = deque(maxlen=LOG_LENGTH)
        self.counts: Counter[str] = Counter()
        self._client = client
        self._clock = clock
        self._pace = pace
        self._queue: list[tuple[datetime, int, Parcel]] = []
        self._held: list[Parcel] = []
        self._entries = count()
        self._sending = 0
        self._wake = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many parcels are not delivered and not given up."""
        return len(self._queue) + self._sending

    def post(self, parcels: Iterable[Parcel]) -> None:
        """Take parcels; one that is held back goes right after the next that is not."""
        for parcel in parcels:
            if parcel.held:
                self._held.append(parcel)
            elif not parcel.fault:
                self._release(parcel.due)
            self._push(parcel)

    def _release(self, now: datetime) -> None:
        for held in self._held:
            if held.held:  # else its own time came before another event did
                held.held, held.due = False, now
                self._push(held)
        self._held.clear()

    def _push(self, parcel: Parcel) -> None:
        heapq.heappush(self._queue, (parcel.due, next(self._entries), parcel))
        self.wake()

    def wake(self) -> None:
        """Look at the queue again: the clock may have been turned."""
        self._wake.set()

    async def run(self) -> None:
        """Send until cancelled."""
        slots = asyncio.Semaphore(SENDS_AT_ONCE)
        async with asyncio.TaskGroup() as sends:
            while True:
                parcel = await self._next()
                await slots.acquire()
                task = sends.create_task(self._send(parcel))
                task.add_done_callback(lambda _: slots.release())

    async def _next(self) -> Parcel:
        while True:
            self._wake.clear()
            now = self._clock()
            if self._queue and self._queue[0][0] <= now:
                due, _, parcel = heapq.heappop(self._queue)
                if due != parcel.due:  # it was pushed again for another time
                    continue
                parcel.held = False
                self._sending += 1
                return parcel
            wait = (self._queue[0][0] - now).total_seconds() if self._queue else _IDLE_SECONDS
            try:
                await asyncio.wait_for(self._wake.wait(), min(wait, _IDLE_SECONDS))
            except TimeoutError:
                continue

    async def _send(self, parcel: Parcel) -> None:
        parcel.tries += 1
        status = await self._post(parcel)
        self._sending -= 1
        names = (parcel.event_id, parcel.type, parcel.object_id, parcel.fault)
        sent = Sent(*names, parcel.tries, self._clock(), status)
        self.log.append(sent)
        outcome = self._outcome(sent)
        self.counts.update(("tried", outcome))
        if outcome == "retried":
            parcel.due = sent.at + self._pace.seconds(RETRY_SECONDS[sent.attempt - 1])
            self._push(parcel)

    def _outcome(self, sent: Sent) -> str:
        if sent.good:
            return "deceived" if sent.fault == "forge" else "accepted"
        if sent.fault == "forge" and _REFUSED <= sent.status < _FAULTY:
            return "refused"  # a forger does not try again
        return "given_up" if sent.attempt > len(RETRY_SECONDS) else "retried"

    async def _post(self, parcel: Parcel) -> int:
        if not self.url:
            return 0
        headers = {
            "Content-Type": "application/json;charset=UTF-8",
            "X-Pingplusplus-Signature": parcel.signature,
        }
        try:
            async with asyncio.timeout(SEND_SECONDS):
                answer = await self._client.post(self.url, content=parcel.body, headers=headers)
        except (httpx2.HTTPError, TimeoutError):
            return 0
        return answer.status_code

    async def flush(self, seconds: float) -> bool:
        """Send everything that waits, and its retries soon; False when time ran out."""
        try:
            async with asyncio.timeout(seconds):
                while self.waiting:
                    self._hurry()
                    await asyncio.sleep(_HURRY_SECONDS)
        except TimeoutError:
            return False
        return True

    def _hurry(self) -> None:
        now = self._clock()
        waiting, self._queue = self._queue, []
        for due, _, parcel in waiting:
            if due == parcel.due:
                parcel.due = now
                self._push(parcel)
