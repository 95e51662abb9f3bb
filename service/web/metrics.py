"""What /metrics says: this process's counters, and what the ledger knows for all of them."""

import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from time import monotonic

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from service.ledger.engine import Ledger
from service.ledger.gauges import Gauges, read_gauges
from service.work.close import ClosingTerms, overdue

FRESH_SECONDS = 5.0
# A scrape waits no longer for the ledger; Prometheus itself gives up after ten seconds.
ANSWER_SECONDS = 4.0
DAY_SECONDS = 86_400

Values = Mapping[str, float] | Mapping[tuple[str, ...], float]


class LedgerCollector(Collector):
    """Gauges read from the ledger, so that they are right from any replica and after a restart."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Callable[[], datetime],
        closing: ClosingTerms,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._closing = closing
        self._answer_seconds = answer_seconds
        self._asking = threading.Lock()
        self._reading: _Reading | None = None

    def collect(self) -> Iterable[Metric]:
        """None of them while the ledger is away, but that it is."""
        read = self._read()
        gauges = read.gauges if read is not None else None
        up = int(gauges is not None)
        yield GaugeMetricFamily("pingledger_ledger_up", "Whether the ledger answers.", up)
        if read is not None and gauges is not None:
            seconds = read.ended_at - read.began_at
            yield _one("ledger_read_seconds", "How long these took to be read.", seconds)
            yield from _families(gauges, self._ledger.vault.ids)
            yield _one(
                "closing_overdue_seconds",
                "For how long the oldest business day that is not closed could have been.",
                read.overdue_seconds,
            )

    def _read(self) -> "_Reading | None":
        """The newest reading, at most `FRESH_SECONDS` old; None when it takes too long.

        A reading that hangs goes on by itself, and nobody starts a second one beside it.
        """
        with self._asking:
            reading = self._reading
            if reading is None or reading.is_old():
                reading = self._reading = _Reading(self._ledger, self._clock, self._closing)
                reading.start()
        reading.join(self._answer_seconds)
        return None if reading.is_alive() else reading


class _Reading(threading.Thread):
    """One reading of the ledger; gauges: None while it lasts, and when the ledger is away."""

    def __init__(
        self, ledger: Ledger, clock: Callable[[], datetime], closing: ClosingTerms
    ) -> None:
        super().__init__(name="gauges", daemon=True)
        self._ledger, self._clock, self._closing = ledger, clock, closing
        self.gauges: Gauges | None = None
        self.overdue_seconds = 0.0
        self.began_at = self.ended_at = monotonic()

    def is_old(self) -> bool:
        """Whether it has ended, and too long ago to be shown."""
        return not self.is_alive() and monotonic() - self.ended_at >= FRESH_SECONDS

    def run(self) -> None:
        """Read; whatever is wrong with the ledger, monitoring must learn of it."""
        try:
            now = self._clock()
            late = overdue(self._ledger, self._closing, now)
            self.overdue_seconds = 0.0 if late is None else (now - late.since).total_seconds()
            with self._ledger.read() as connection:
                self.gauges = read_gauges(connection, now=now)
        except Exception:  # noqa: BLE001  away, or without its tables
            self.gauges = None
        finally:
            self.ended_at = monotonic()


def _families(gauges: Gauges, keys: Iterable[str]) -> Iterable[Metric]:
    yield from _incoming(gauges)
    yield from _outgoing(gauges)
    found = gauges.mismatches
    yield _by("mismatches_open", "What does not agree.", ("rule", "severity"), found.counts)
    yield _by(
        "mismatches_money",
        "By how much the two sides of these differ, in minor units.",
        ("rule", "severity", "currency"),
        found.money,
    )
    yield from _running(gauges)
    if gauges.closed_day is not None:
        end = (gauges.closed_day + 1) * DAY_SECONDS
        yield _one(
            "closed_day_timestamp_seconds", "The end of the last closed day, by UTC's clock.", end
        )
    yield _one("audit_lines", "Lines of the audit chain.", gauges.audit.lines)
    yield _one(
        "audit_intact", "Whether the audit chain ends where it should.", gauges.audit.is_whole
    )
    yield _one("vault_keys", "Keys that the ledger is sealed with.", len(gauges.vault_keys))
    missing = len(gauges.vault_keys - set(keys))
    yield _one("vault_keys_missing", "Those that this process does not have.", missing)


def _incoming(gauges: Gauges) -> Iterable[Metric]:
    yield _one("inbox_waiting", "Deliveries that nobody has read yet.", gauges.inbox_waiting)
    yield _one("inbox_oldest_seconds", "Age of the oldest of them.", gauges.inbox_oldest_seconds)
    if gauges.delivered_at is not None:
        at = gauges.delivered_at.timestamp()
        yield _one("last_delivery_timestamp_seconds", "When the newest delivery came.", at)
    yield _by(
        "quarantined", "Deliveries kept raw, not understood.", ("reason",), gauges.quarantined
    )
    yield _one("watches_overdue", "Objects that should have been asked.", gauges.watches_overdue)
    yield _one(
        "watches_oldest_seconds", "Age of the oldest of them.", gauges.watches_oldest_seconds
    )
    yield _by(
        "radar_objects", "How a day's listed objects came to us.", ("came",), gauges.radar_objects
    )


def _outgoing(gauges: Gauges) -> Iterable[Metric]:
    sink = ("sink",)
    yield _by("outbox_waiting", "Messages not yet sent.", sink, gauges.outbox_waiting)
    yield _by(
        "outbox_oldest_seconds", "Age of the oldest of them.", sink, gauges.outbox_oldest_seconds
    )
    yield _by("dead_letters", "Messages given up.", sink, gauges.dead_letters)
    yield _by("sink_paused", "Whether a sink is paused.", sink, gauges.sinks_paused)


def _running(gauges: Gauges) -> Iterable[Metric]:
    ended = {job: at.timestamp() for job, at in gauges.job_success.items()}
    yield _by("job_last_success_timestamp_seconds", "When a job last went well.", ("job",), ended)
    yield _by("replicas", "Processes that ticked within a minute.", ("role",), gauges.replicas)


def _one(name: str, sentence: str, value: float) -> Metric:
    return GaugeMetricFamily(f"pingledger_{name}", sentence, value)


def _by(name: str, sentence: str, labels: tuple[str, ...], values: Values) -> Metric:
    family = GaugeMetricFamily(f"pingledger_{name}", sentence, labels=labels)
    for named, value in sorted(values.items()):
        family.add_metric([named] if isinstance(named, str) else list(named), value)
    return family


class Metrics:
    """The whole text of /metrics."""

    def __init__(
        self,
        counters: CollectorRegistry,
        ledger: Ledger,
        clock: Callable[[], datetime],
        closing: ClosingTerms,
    ) -> None:
        self._counters = counters
        self._gauges = CollectorRegistry()
        self._gauges.register(LedgerCollector(ledger, clock, closing))

    def text(self) -> bytes:
        """Prometheus text format, version 0.0.4."""
        return generate_latest(self._counters) + generate_latest(self._gauges)
