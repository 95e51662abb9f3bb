"""How every object that is not final is asked for again: claim, ask, read, apply, plan the next.

Each account has threads and room of its own, so that one whose key is refused or whose host hangs
keeps nobody waiting. No question is put while a transaction is open.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from datetime import datetime, timedelta
from threading import Event

from service import telemetry, traces
from service.core.cadence import backoff
from service.core.errors import TryLater
from service.ledger import asking, watches
from service.ledger.engine import Connection, Ledger
from service.ledger.watches import Look, Watch
from service.pingpp.client import Client
from service.work import alarms
from service.work.apply import apply
from service.work.look import Found, look
from service.work.terms import AccountTerms, Terms
from service.work.traced import applying

LEASE = timedelta(seconds=60)
# One round: so many looks, and no new ones after so long.
LOOKS_LIMIT = 5000
ROUND = timedelta(seconds=20)
# While slow ones are under way, what falls due meanwhile is taken up this often.
TICK_SECONDS = 1.0

BACKOFF_BASE, BACKOFF_CAP = timedelta(seconds=30), timedelta(minutes=30)
BACKOFF_LEAST = timedelta(seconds=1)
# When part of an answer is missing (an order's refunds), it is asked for again after this.
AGAIN = timedelta(minutes=5)

_log = telemetry.logger("poll")


def poll(
    ledger: Ledger,
    clients: Mapping[str, Client],
    *,
    terms: Terms,
    clock: Callable[[], datetime],
    chance: Callable[[], float],
    limit: int = LOOKS_LIMIT,
    stop: Event | None = None,
) -> Counter[str]:
    """Look at what is due until nothing is, a bounded while; gives how many looks ended how.

    clock: the ledger's. stop: once set, nothing new is taken up.
    Raises TryLater when the ledger is away: the leases then run out.
    """
    done: Counter[str] = Counter()
    round_ = _Round(ledger, clients, terms, clock, chance)
    ends_at = clock() + ROUND
    with ExitStack() as pools:
        round_.open(pools)
        while True:
            left = limit - sum(done.values()) - len(round_.under_way)
            ending = stop is not None and stop.is_set()
            if left > 0 and clock() < ends_at and not ending:
                round_.claim(left)
            if not round_.under_way:
                break
            done.update(round_.settle())
    with_looks = {name: clients[name] for name in round_.asked}
    alarms.of_hosts(ledger, with_looks, terms=terms, now=clock())
    return done


class _Round:
    """One round of looks: what is under way, and the threads it is under way in."""

    def __init__(
        self,
        ledger: Ledger,
        clients: Mapping[str, Client],
        terms: Terms,
        clock: Callable[[], datetime],
        chance: Callable[[], float],
    ) -> None:
        self._ledger, self._clients, self._terms = ledger, clients, terms
        self._clock, self._chance = clock, chance
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self.under_way: dict[Future[Found], Watch] = {}
        self.asked: set[str] = set()

    def open(self, pools: ExitStack) -> None:
        """Give each account its threads; they start when there is work."""
        for account, client in self._clients.items():
            pool = ThreadPoolExecutor(client.concurrency, thread_name_prefix=f"poll-{account}")
            pools.callback(pool.shutdown, cancel_futures=True)
            self._pools[account] = pool

    def claim(self, limit: int) -> None:
        """Take up what is due, as far as each account has room."""
        taken = Counter(watch.key.account for watch in self.under_way.values())
        rooms = {name: client.room() - taken[name] for name, client in self._clients.items()}
        rooms = {name: min(room, limit) for name, room in rooms.items() if room > 0}
        now = self._clock()
        with self._ledger.read() as connection:
            due = watches.due_accounts(connection, rooms, now=now)
        if not due:
            return
        with self._ledger.begin() as connection:
            claimed = watches.claim(
                connection, {name: rooms[name] for name in due}, lease=LEASE, now=now
            )
        for watch in claimed:
            future = self._pools[watch.key.account].submit(self._look, watch)
            self.under_way[future] = watch
            self.asked.add(watch.key.account)

    def _look(self, watch: Watch) -> Found:
        """A look at an object begins a trace of its own."""
        if traces.tracing is None:
            return self._ask(watch)
        key = watch.key
        span = traces.tracing.begin("poll", account=key.account, kind=key.kind)
        word = "failed"
        try:
            found = self._ask(watch)
            word, found.traceparent = found.word, span.traceparent
            return found
        finally:
            span.end(failed=word != "ok", answer=word)

    def _ask(self, watch: Watch) -> Found:
        client = self._clients[watch.key.account]
        account = self._terms.accounts.get(watch.key.account, AccountTerms())
        try:
            return look(client, watch, account, clock=self._clock)
        except TryLater:
            raise
        except Exception:  # noqa: BLE001  whatever the fault, it must not stop the looks behind it
            _log.exception("poll.failed", kind=watch.key.kind, id=watch.key.object_id)
            return Found(watch, self._clock(), "failed")

    def settle(self) -> Counter[str]:
        """Wait for looks to end, a second at most, and write what they brought."""
        ended, _ = wait(self.under_way, TICK_SECONDS, FIRST_COMPLETED)
        for future in ended:
            del self.under_way[future]
        found = [future.result() for future in ended]
        self._apply([one for one in found if one.word == "ok"])
        self._postpone([one for one in found if one.word != "ok"])
        for one in found:
            telemetry.LOOKS.labels(one.watch.key.account, one.word).inc()
        return Counter(one.word for one in found)

    def _apply(self, found: Sequence[Found]) -> None:
        """All in one transaction; when that fails one by one, and who fails alone waits."""
        if not found:
            return
        try:
            self._apply_together(found)
        except TryLater:
            raise
        except Exception:  # noqa: BLE001  as in drain: one poison answer stops nobody else's
            _log.exception("poll.apply_failed", ids=[one.watch.key.object_id for one in found])
            if len(found) > 1:
                for one in found:
                    self._apply([one])
                return
            found[0].word = "failed"
            self._postpone(found)

    def _apply_together(self, found: Sequence[Found]) -> None:
        now = self._clock()

        def settle(connection: Connection) -> None:
            watches.note_looks(connection, _looks(found))
            for account, name in sorted({(f.watch.key.account, n) for f in found for n in f.odd}):
                alarms.tell(connection, account, "odd_value", name, terms=self._terms, now=now)

        sightings = [seen for one in found for seen in one.observations]
        looked = {one.watch.key: one.watch.token for one in found}
        with applying((one.traceparent, one.observations) for one in found) as traced:
            apply(
                self._ledger,
                sightings,
                terms=self._terms,
                now=now,
                looked=looked,
                settle=settle,
                traced=traced,
            )
        partly = [one.watch.key for one in found if one.again]
        if partly:
            with self._ledger.begin() as connection:
                asking.ask_by(connection, partly, at=now + AGAIN / self._terms.scale)

    def _postpone(self, found: Sequence[Found]) -> None:
        """Look again later; tell of what lasts."""
        if not found:
            return
        now = self._clock()
        with self._ledger.begin() as connection:
            watches.note_looks(connection, _looks([one for one in found if one.sent]))
            for one in found:
                failures = one.watch.failures + one.sent
                at = now + self._delay(one, failures)
                watches.postpone(connection, one.watch, next_look_at=at, failures=failures)
                alarms.of_look(connection, one, failures, terms=self._terms, now=now)

    def _delay(self, one: Found, failures: int) -> timedelta:
        base, cap = BACKOFF_BASE / self._terms.scale, BACKOFF_CAP / self._terms.scale
        pause = backoff(failures, self._chance(), base=base, cap=cap)
        return max(pause, one.after, BACKOFF_LEAST)


def _looks(found: Sequence[Found]) -> list[Look]:
    return [Look(one.watch, one.started_at, one.word) for one in found]
