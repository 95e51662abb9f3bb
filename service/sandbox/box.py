"""What one fake provider is made of: its truth, its faults, its keys, its sender."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from service.sandbox.clock import SandboxClock
from service.sandbox.events import Press
from service.sandbox.faults import Faults
from service.sandbox.plants import Planted
from service.sandbox.progress import tick
from service.sandbox.sender import Sender
from service.sandbox.truth import Truth
from service.sandbox.wire import Shown

TICK_SECONDS = 0.05


@dataclass(slots=True)
class Manners:
    """What Ping++'s documents leave open or contradict, as it is done here.

    refund_paths: which of /refunds and /order_refunds answer (facts §7 row 14); the other is 404.
    allocation_refund_paths: which of /allocation_refunds and /allocations show one.
    shows_deposits: whether a deposit can be asked for at all (facts §7 row 25).
    lists_events: whether there is a list of events (facts §5).
    """

    refund_paths: tuple[str, ...] = ("refunds", "order_refunds")
    allocation_refund_paths: tuple[str, ...] = ("allocation_refunds",)
    shows_deposits: bool = True
    lists_events: bool = True


@dataclass(slots=True)
class Box:
    """One fake provider. Its event loop owns it; nothing in it is thread-safe.

    shelf: objects of kinds that are put here and not made, by kind and id.
    called: how often each operation was done.
    check_request: raises ValueError when a request's signature is wrong; None: unsigned is fine.
    """

    truth: Truth
    faults: Faults
    press: Press
    sender: Sender
    clock: SandboxClock
    sign: Callable[[bytes], str]
    api_keys: frozenset[str]
    manners: Manners = field(default_factory=Manners)
    check_request: Callable[[bytes, str, str, str], None] | None = None
    planted: list[Planted] = field(default_factory=list[Planted])
    shelf: dict[tuple[str, str], Shown] = field(default_factory=dict[tuple[str, str], Shown])
    called: Counter[str] = field(default_factory=Counter[str])

    def tick(self, now: datetime) -> None:
        """Let everything go on that is due, and send what it tells."""
        tick(self.truth, now)
        self.send_news()

    def send_news(self) -> None:
        """Make events of what happened."""
        while self.truth.news:
            self.sender.post(self.press.print(self.truth.news.popleft()))

    async def run(self) -> None:
        """Keep the sandbox's own time, and send, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.sender.run())
            while True:
                self.tick(self.clock())
                await asyncio.sleep(TICK_SECONDS)
