"""One trace leads from the POST through the queue to the sink, and holds nothing of a person."""

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service import traces
from service.core.observation import Key
from service.ledger.engine import Ledger
from service.ledger.schema import deliveries, outbox
from service.outbound.jsonl import Jsonl
from service.pingpp.reader import read_answer
from service.work.apply import apply
from service.work.drain import drain
from service.work.outlet import Outlet
from service.work.publish import publish
from service.work.terms import AccountTerms, Terms
from service.work.traced import applying
from tests import bodies
from tests.collector import Collector, collecting
from tests.work.stories import TrueOrder, wire

TERMS = Terms(
    sinks=("file",),
    epoch="e",
    scale=1.0,
    grace_seconds=60,
    accounts={"shop": AccountTerms(True, frozenset(), {})},
)


@pytest.fixture
def collector() -> Iterator[Collector]:
    """Traces are on, and sent there."""
    with collecting() as found:
        tracing = traces.start(found.endpoint, 1.0)
        yield found
        if traces.tracing is not None:
            tracing.stop()


def event(number: int) -> tuple[bytes, str]:
    """A notification of a paid order, and the order's id."""
    order = TrueOrder(number)
    order.advance(0)
    return wire(bodies.event(order.truth, id=f"evt_{number:024}", type="order.succeeded")), order.id


def deliver(ledger: Ledger, folder: Path, now: datetime) -> int:
    """Drain and publish all of it; gives how many messages were sent."""
    drain(ledger, terms=TERMS, clock=lambda: now)
    outlet = Outlet(Jsonl("file", folder / "out.jsonl"))
    return publish(ledger, outlet, chance=random.random, clock=lambda: now).sent


def test_one_trace_leads_from_the_post_to_the_sink(
    served: Any, collector: Collector, tmp_path: Path, now: datetime
) -> None:
    body, order_id = event(1)
    other, _ = event(2)
    assert (served.post(body), served.post(other)) == (200, 200)
    messages = deliver(served.ledger, tmp_path, now)
    assert traces.tracing is not None
    traces.tracing.stop()
    first, second = collector.named("accept")
    assert first.trace != second.trace
    for root in (first, second):
        (applied,) = (span for span in collector.named("apply") if span.trace == root.trace)
        published = [span for span in collector.named("publish") if span.trace == root.trace]
        assert (root.parent, applied.parent) == ("", root.id)
        assert {span.parent for span in published} == {applied.id}
        assert len(published) == messages / 2 > 0
    assert not any(span.failed for span in collector.spans)
    assert first.attributes == {"pingledger.account": "shop", "pingledger.size": len(body)}
    assert collector.named("publish")[0].attributes["pingledger.state"] == "sent"
    assert {one["service.name"] for one in collector.resources} == {"pingledger"}
    words = json.dumps([span.attributes for span in collector.spans] + collector.resources)
    for secret in (order_id, "evt_", "M1", "1200", "127.0.0.1", "buyer"):
        assert secret not in words


def test_what_was_seen_of_a_trace_stands_in_the_rows(
    served: Any, collector: Collector, tmp_path: Path, now: datetime
) -> None:
    served.post(event(1)[0])
    drain(served.ledger, terms=TERMS, clock=lambda: now)
    with served.ledger.read() as connection:
        kept = connection.scalars(sa.select(deliveries.c.traceparent)).one()
        told = set(connection.scalars(sa.select(outbox.c.traceparent)))
    version, trace, _span, flags = kept.split("-")
    assert (version, len(trace), int(flags, 16) & 1, len(kept)) == ("00", 32, 1, 55)
    assert {one.split("-")[1] for one in told} == {trace}


def test_a_refused_delivery_is_a_trace_that_failed_and_is_kept_nowhere(
    served: Any, collector: Collector
) -> None:
    forged = served.request(b"{}", (b"X-Pingplusplus-Signature", b"Zm9yZ2Vk"))
    assert b" 401 " in served.raw(forged)[:20]
    assert traces.tracing is not None
    traces.tracing.stop()
    (span,) = collector.spans
    assert (span.name, span.failed) == ("accept", True)


def test_without_tracing_nothing_is_kept(served: Any, tmp_path: Path, now: datetime) -> None:
    served.post(event(1)[0])
    assert deliver(served.ledger, tmp_path, now) > 0
    with served.ledger.read() as connection:
        assert connection.scalars(sa.select(deliveries.c.traceparent)).all() == [None]
        assert set(connection.scalars(sa.select(outbox.c.traceparent))) == {None}


def test_a_look_begins_a_trace_of_its_own(
    ledger: Ledger, collector: Collector, tmp_path: Path, now: datetime
) -> None:
    order = TrueOrder(7)
    seen = read_answer(wire(order.truth), key=Key("shop", "order", order.id), seen_at=now)
    assert traces.tracing is not None
    span = traces.tracing.begin("poll", account="shop", kind="order")
    span.end(answer="ok")
    with applying([(span.traceparent, seen.observations)]) as traced:
        apply(ledger, seen.observations, terms=TERMS, now=now, traced=traced)
    assert deliver(ledger, tmp_path, now) > 0
    traces.tracing.stop()
    assert {one.trace for one in collector.spans} == {collector.named("poll")[0].trace}
    assert {one.name for one in collector.spans} == {"poll", "apply", "publish"}


def test_a_share_of_none_keeps_nothing_anywhere(served: Any, tmp_path: Path, now: datetime) -> None:
    with collecting() as found:
        tracing = traces.start(found.endpoint, 0.0)
        served.post(event(1)[0])
        deliver(served.ledger, tmp_path, now)
        tracing.stop()
        assert found.spans == []
    with served.ledger.read() as connection:
        assert connection.scalars(sa.select(deliveries.c.traceparent)).all() == [None]


def test_a_span_says_only_what_is_on_the_list(collector: Collector) -> None:
    assert traces.tracing is not None
    with pytest.raises(ValueError, match="user_id"):
        traces.tracing.begin("accept", user_id="cus_1")
    span = traces.tracing.begin("accept")
    with pytest.raises(ValueError, match="order_no"):
        span.end(order_no="M1")


def test_without_the_setting_nothing_of_the_library_is_loaded() -> None:
    code = (
        "import sys, service.cli.commands, service.web.app, service.scheduler.loop;"
        "print([name for name in sys.modules if name.startswith(('opentelemetry', 'requests'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
