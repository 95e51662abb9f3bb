"""How the demo runs: trade, plant errors, stop, let everything settle, compare the books."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from random import Random
from typing import Any

import httpx2

from service.cli.demo.daemon import Daemon
from service.cli.demo.desk import APP, Told
from service.cli.demo.evening import end_day
from service.cli.demo.figures import (
    Figures,
    Row,
    book_of,
    count_deliveries,
    count_messages,
    count_objects,
    count_sandbox,
    mismatches_of,
)
from service.cli.demo.foreign import others
from service.cli.demo.judge import COMPARED, PUBLISHED, Verdict, judge
from service.cli.demo.merchant import Merchant
from service.cli.demo.progress import Report
from service.core.errors import TryLater
from service.ledger import reads
from service.pingpp.endpoints import OPERATIONS
from service.sandbox.server import wall_clock

STORIES_A_SECOND = 4.0
STEP_SECONDS = 0.05
REPORT_SECONDS = 0.5
# How long everything may take to settle once the merchant has stopped, and how often it is judged.
SETTLE_SECONDS = 45.0
# How long the merchant may need to have used every operation once trade is over.
COMPLETE_SECONDS = 20.0
JUDGE_SECONDS = 2.0

# One of each that every daemon must find, whatever was lost on the way; the first is planted last,
# when wallets have money. SAVED waits until there is one whose balance was seen before.
SAVED = "wallet"
PLANTS = (
    "user_fee",
    "recipients",
    "amount_paid",
    "amount_refunded",
    "refunded_exceeds_paid",
    "canceled_but_paid",
    "overpaid",
    "same_order_no",
    "overallocated",
)


class Play:
    """One performance."""

    def __init__(self, client: httpx2.Client, daemon: Daemon, chance: Random) -> None:
        self._client = client
        self._daemon = daemon
        self._told: list[Told] = []
        self._merchant = Merchant(client, chance, self._told.append)
        self._figures = Figures()

    def perform(
        self, seconds: float, report: Report, before_closing: Callable[[], None]
    ) -> tuple[Figures, Verdict]:
        """Trade for so long, then settle and compare.

        before_closing: what is to happen while no day has been closed yet.
        """
        self._merchant.open(time.monotonic())
        for each in others(wall_clock()):
            put = self._control("put", each)
            self._merchant.meet(put["kind"], put["id"])
        self._trade(seconds, report)
        self._complete(report)
        self._control("settle")
        self._control("faults", {"quiet": True})
        self._control("flush", {"seconds": SETTLE_SECONDS / 2})
        verdict = self._settled(report)
        before_closing()
        if verdict.good:
            report("日结 / closing the day", 0.0, "")
            truth, planted = self._look("truth")["objects"], self._look("planted")["planted"]
            verdict.evening = end_day(self._daemon, truth, planted)
        return self._figures, verdict

    def _trade(self, seconds: float, report: Report) -> None:
        started = time.monotonic()
        plants = list(PLANTS)
        begun, reported = 0, 0.0
        while (done := time.monotonic() - started) < seconds:
            if begun < done * STORIES_A_SECOND:
                begun += 1
                self._merchant.begin(time.monotonic())
            if plants and done > seconds * (len(PLANTS) - len(plants) + 1) / (len(PLANTS) + 2):
                self._plant(plants.pop())
            self._go_on()
            if done - reported > REPORT_SECONDS:
                reported = done
                report("交易中 / trading", done, self._so_far())
                self._merchant.look()
            time.sleep(STEP_SECONDS)
        while plants:
            self._plant(plants.pop())
        self._tell()

    def _complete(self, report: Report) -> None:
        """Begin nothing more, but go on until every operation of the provider was used."""
        started = time.monotonic()
        while (left := self._left()) and time.monotonic() - started < COMPLETE_SECONDS:
            report("收尾 / completing", time.monotonic() - started, f"{left} operations")
            self._go_on()
            self._merchant.look()
            time.sleep(STEP_SECONDS)
        self._plant(SAVED)
        self._tell()

    def _go_on(self) -> None:
        self._merchant.act(time.monotonic())
        self._tell()

    def _left(self) -> int:
        """How many operations were not used, and people have not saved."""
        return len(self._unused()) + (not self._merchant.has_savings)

    def _unused(self) -> list[str]:
        return sorted(OPERATIONS.keys() - self._look("stats")["operations"].keys())

    def _plant(self, name: str) -> None:
        """Plant an error; its objects that have no event are told like any other."""
        planted = self._control("plant", {"name": name, "app": APP})
        orders = [object_id for kind, object_id in planted["made"] if kind == "order"]
        self._told.extend(
            Told(kind, object_id, *orders[:1])
            for kind, object_id in planted["made"]
            if kind in ("allocation", "order_refund", "user")
        )

    def _tell(self) -> None:
        """Tell pingledger about objects that it would never hear of."""
        if not self._told:
            return
        try:
            self._daemon.watch(self._told)
        except TryLater:
            return  # the ledger is busy; the next round tells them
        self._told.clear()

    def _settled(self, report: Report) -> Verdict:
        """Judge until everything agrees, or time is over."""
        started = time.monotonic()
        while True:
            messages = self._daemon.messages()
            told = self._judge(book_of(messages), mismatches_of(messages), PUBLISHED)
            waited = time.monotonic() - started
            report("对账中 / settling", waited, f"{len(told.differences):,} differ")
            if not told.good and waited < SETTLE_SECONDS:
                self._told.extend(self._merchant.users())  # whose balances no event tells
                self._tell()
                time.sleep(JUDGE_SECONDS)
                continue
            verdict = self._final(messages, told)
            if verdict.good or waited > SETTLE_SECONDS:
                return verdict

    def _final(self, messages: Sequence[Row], told: Verdict) -> Verdict:
        """Judge the ledger itself: what `objects`, `deliveries` and `mismatches` print."""
        with closing(self._daemon.open_ledger()) as ledger:
            objects = [row._asdict() for row in reads.objects(ledger)]
            deliveries = [row._asdict() for row in reads.delivery_rows(ledger)]
            mismatches = [row._asdict() for row in reads.mismatch_rows(ledger)]
        count_objects(self._figures, objects)
        count_deliveries(self._figures, deliveries)
        count_messages(self._figures, messages)
        stats = self._look("stats")
        count_sandbox(self._figures, stats)
        verdict = self._judge(objects, mismatches, COMPARED)
        verdict.unused = self._unused()
        verdict.untold = len(told.differences)
        verdict.deceived = stats["sends"].get("deceived", 0)
        return verdict

    def _judge(
        self, rows: Sequence[Row], mismatches: Sequence[Row], compared: Sequence[str]
    ) -> Verdict:
        truth = self._look("truth")["objects"]
        planted = self._look("planted")["planted"]
        return judge(rows, truth, planted, mismatches, compared)

    def _so_far(self) -> str:
        stats = self._look("stats")
        count_sandbox(self._figures, stats)
        events, lost = self._figures.events, self._figures.lost
        return f"events {events:,} · lost {lost:,} · forged {self._figures.refused:,}"

    def _look(self, name: str) -> Any:
        return self._client.get(f"/sandbox/{name}").raise_for_status().json()

    def _control(self, name: str, body: dict[str, Any] | None = None) -> Any:
        answer = self._client.post(f"/sandbox/{name}", json=body or {}, timeout=60.0)
        return answer.raise_for_status().json()
