"""How many reports does a process make at a time, and what is said to the others?"""

import io
import threading
from typing import Any

import sqlalchemy as sa

from service.core.errors import TryLater
from service.ledger.engine import Ledger
from service.outbound.files.formats import Shape
from service.work.report.make import AT_ONCE, make
from tests import filed

PATIENCE_SECONDS = 60


def test_of_fifty_slow_reports_two_are_made_and_the_others_told_to_come_again(
    busy: Ledger,
) -> None:  # W18
    full, others, done = threading.Barrier(AT_ONCE + 1), threading.Event(), threading.Lock()
    said: list[str] = []

    class Slow(io.BytesIO):
        """What is written to it stands still at first."""

        begun = False

        def write(self, data: Any, /) -> int:
            if not self.begun:
                self.begun = True
                full.wait(PATIENCE_SECONDS)
                others.wait(PATIENCE_SECONDS)
            return super().write(data)

    def one(out: Any) -> None:
        try:
            make(busy, "orders", filed.ask(), Shape.CSV, out)
        except TryLater:
            with done:
                said.append("later")
        else:
            with done:
                said.append("made")

    slow = [threading.Thread(target=one, args=(Slow(),)) for _ in range(AT_ONCE)]
    for thread in slow:
        thread.start()
    full.wait(PATIENCE_SECONDS)
    for _ in range(50 - AT_ONCE):
        one(io.BytesIO())
    assert said == ["later"] * (50 - AT_ONCE)
    # what else reads is not kept waiting
    with busy.read() as connection:
        assert connection.scalar(sa.select(sa.literal(1))) == 1
    others.set()
    for thread in slow:
        thread.join(PATIENCE_SECONDS)
    assert said.count("made") == AT_ONCE
    one(io.BytesIO())
    assert said[-1] == "made"
