"""Does what happens show in the counters, under labels that are bounded?"""

from datetime import datetime

import pytest

from service.ledger.engine import Ledger
from service.telemetry import REGISTRY
from tests.provider import Provider
from tests.work import test_poll as polling
from tests.work import test_publish as publishing
from tests.work.test_publish import Sink, Time, enqueue

DONE = {
    "looks_total": {"account": "shop", "answer": "ok"},
    "sightings_total": {"decision": "applied"},
    "apply_sightings_count": {},
    "apply_seconds_count": {},
}
SENT = {
    "dispatches_total": {"sink": "counted", "state": "sent"},
    "send_seconds_count": {"sink": "counted"},
}


def read(names: dict[str, dict[str, str]]) -> dict[str, float]:
    found = {name: REGISTRY.get_sample_value(f"pingledger_{name}", names[name]) for name in names}
    return {name: value or 0.0 for name, value in found.items()}


@pytest.fixture
def dialect() -> str:
    """The database has no part in it."""
    return "sqlite"


def test_a_look_and_what_it_showed_are_counted(ledger: Ledger, now: datetime) -> None:
    provider = Provider(now)
    provider.show(polling.ORDER, polling.ORDER_PATH)
    polling.ask(ledger, polling.ORDER_KEY, at=now)
    before = read(DONE)
    polling.run(ledger, provider)
    after = read(DONE)
    assert {name: after[name] > before[name] for name in DONE} == dict.fromkeys(DONE, True)


def test_a_message_that_was_sent_is_counted_with_its_time(ledger: Ledger, now: datetime) -> None:
    clock = Time(now)
    enqueue(ledger, clock, ("x", 1), ("y", 1), sinks=("counted",))
    before = read(SENT)
    publishing.run(ledger, clock.outlet(Sink("counted")), clock)
    after = read(SENT)
    assert {name: after[name] - before[name] for name in SENT} == dict.fromkeys(SENT, 2)


def test_no_label_takes_what_others_write() -> None:
    """Accounts, sinks, jobs and channels are of the settings; all else are fixed words."""
    labels = {
        name for family in REGISTRY.collect() for sample in family.samples for name in sample.labels
    }
    assert labels - {"le"} <= {
        "account", "answer", "channel", "decision", "job", "outcome", "reason", "sink", "state",
        "status",
    }  # fmt: skip
