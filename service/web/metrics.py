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

FRESH_SECONDS = 5.0


class LedgerCollector(Collector):
    """Gauges read from the ledger, so that they are right from any replica and after a restart."""

    def __init__(self, ledger: Ledger, clock: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._reading = threading.Lock()
        self._read_at = -FRESH_SECONDS
        self._gauges: Gauges | None = None

    def collect(self) -> Iterable[Metric]:
        """None of them while the ledger is away, but that it is."""
        gauges = self._latest()
        yield GaugeMetricFamily(
            "pingledger_ledger_up", "Whether the ledger answers.", int(gauges is not None)
        )
        if gauges is not None:
            yield from _families(gauges)

    def _latest(self) -> Gauges | None:
        with self._reading:
            if monotonic() - self._read_at >= FRESH_SECONDS:
                self._gauges = self._read()
                self._read_at = monotonic()
            return self._gauges

    def _read(self) -> Gauges | None:
        try:
            with self._ledger.read() as connection:
                return read_gauges(connection, now=self._clock())
        except Exception:  # noqa: BLE001  away, or without its tables: monitoring must learn of it
            return None


def _families(gauges: Gauges) -> Iterable[Metric]:
    yield _one("inbox_waiting", "Deliveries that nobody has read yet.", gauges.inbox_waiting)
    yield _one("inbox_oldest_seconds", "Age of the oldest of them.", gauges.inbox_oldest_seconds)
    yield _one("quarantined", "Deliveries kept raw, not understood.", gauges.quarantined)
    yield _one("watches_overdue", "Objects that should have been asked.", gauges.watches_overdue)
    yield _by("outbox_waiting", "Messages not yet sent.", "sink", gauges.outbox_waiting)
    yield _by(
        "outbox_oldest_seconds", "Age of the oldest of them.", "sink", gauges.outbox_oldest_seconds
    )
    yield _by("dead_letters", "Messages given up.", "sink", gauges.dead_letters)
    yield _by("mismatches_open", "What does not agree.", "rule", gauges.mismatches_open)
    yield _by(
        "radar_objects", "How a day's listed objects came to us.", "came", gauges.radar_objects
    )


def _one(name: str, sentence: str, value: float) -> Metric:
    return GaugeMetricFamily(f"pingledger_{name}", sentence, value)


def _by(name: str, sentence: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"pingledger_{name}", sentence, labels=[label])
    for value, count in sorted(values.items()):
        family.add_metric([value], count)
    return family


class Metrics:
    """The whole text of /metrics."""

    def __init__(
        self, counters: CollectorRegistry, ledger: Ledger, clock: Callable[[], datetime]
    ) -> None:
        self._counters = counters
        self._gauges = CollectorRegistry()
        self._gauges.register(LedgerCollector(ledger, clock))

    def text(self) -> bytes:
        """Prometheus text format, version 0.0.4."""
        return generate_latest(self._counters) + generate_latest(self._gauges)
