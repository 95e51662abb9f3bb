"""How the daemon asks Ping++: with GET, and with nothing else. It cannot do anything but read."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import httpx2

from service.pingpp.access import Access, Host
from service.pingpp.answers import Answer, NotThere, Rejected, Unanswered
from service.pingpp.wire import Wire


class Client:
    """One account's read-only face of Ping++; safe to use from several threads.

    clock: aware time for what is stored and signed. ticks: monotonic seconds. chance: [0, 1).
    """

    def __init__(
        self,
        access: Access,
        host: Host,
        *,
        clock: Callable[[], datetime],
        chance: Callable[[], float],
        ticks: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self._wire = Wire(
            access,
            host,
            clock=clock,
            chance=chance,
            ticks=ticks,
            sleep=sleep,
            transport=transport,
        )
        self._answering: dict[str, int] = {}

    @property
    def concurrency(self) -> int:
        """How many requests may be under way at once."""
        return self._wire.concurrency

    @property
    def skew(self) -> timedelta | None:
        """How far their clock is ahead of ours, by the last answer that told their time."""
        return self._wire.skew

    def room(self) -> int:
        """How many questions are worth taking up now: none while a gate is shut, one on trial."""
        return self._wire.room()

    def away_seconds(self) -> float:
        """For how long the host has not answered; 0 while it does."""
        return self._wire.away_seconds()

    def first_of(self, what: str, targets: Sequence[str]) -> Answer:
        """Ask target by target until one is there; which one it was is remembered by `what`.

        Raises as `get`; NotThere when none is there.
        """
        known = self._answering.get(what, 0)
        order = sorted(range(len(targets)), key=lambda place: place != known)
        for place in order:
            try:
                answer = self.get(targets[place])
            except NotThere:
                continue
            self._answering[what] = place
            return answer
        raise NotThere

    def get(self, target: str) -> Answer:
        """Ask once; target is path and query, percent-encoded.

        Raises Unanswered (try later, `after` is the least wait), NotThere, Rejected.
        """
        reply = self._wire.exchange("GET", target)
        if reply.word == "ok":
            return Answer(reply.status, reply.body, reply.started_at, reply.date)
        if not reply.is_answer:
            raise Unanswered(reply.word, after=max(reply.wait, reply.retry_after))
        raise NotThere if reply.word == "http_404" else Rejected(reply.word)

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()


def open_clients(
    accesses: Mapping[str, Access],
    *,
    clock: Callable[[], datetime],
    chance: Callable[[], float],
    scale: float = 1.0,
) -> dict[str, Client]:
    """One client per account; accounts on one host share its slots, its limit and its breaker."""
    hosts: dict[str, Host] = {}
    return {
        account: Client(
            access, hosts.setdefault(access.base, Host(scale)), clock=clock, chance=chance
        )
        for account, access in accesses.items()
    }
