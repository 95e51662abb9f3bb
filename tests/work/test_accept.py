"""Is every delivery named rightly, and are honest retries told from something else?"""

import asyncio
import hashlib
import json
import re
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, Protocol

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.core.errors import TryLater
from service.ledger.engine import Ledger
from service.ledger.inbox import InboxWriter
from service.ledger.schema import deliveries, notices, outbox
from service.ledger.vault import of_delivery
from service.pingpp.signature import KeyRing, Refused, load_public_key, sign_body
from service.work.accept import Acceptor, content_digest, name, tell_differences
from service.work.drain import drain
from service.work.terms import Terms
from tests import bodies

BODY = b'{"id":"evt_1","type":"order.succeeded","data":{"object":{}},"pending_webhooks":2}'


ATOMS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=200)
JSON = st.dictionaries(
    st.sampled_from(["id", "type", "data", "pending_webhooks"]),
    ATOMS | st.lists(ATOMS, max_size=3) | st.dictionaries(st.text(max_size=5), ATOMS, max_size=3),
)


def json_bytes(value: Any) -> bytes:
    return json.dumps(value).encode()


class Pair(Protocol):
    private_key: Any
    public_pem: bytes


def accept_all(ledger: Ledger, pair: Pair, now: datetime, *bodies: bytes) -> None:
    """Accept bodies one after the other with good signatures."""
    terms = Terms(sinks=("file",), epoch="e")

    async def work() -> None:
        writer = InboxWriter(ledger, tell_differences(terms, lambda: now))
        writer.start()
        ring = KeyRing([load_public_key(pair.public_pem)])
        acceptor = Acceptor({"shop": ring}, writer, lambda: now)
        try:
            for body in bodies:
                signature = sign_body(pair.private_key, body).encode()
                await acceptor.accept("shop", body, signature)
        finally:
            await writer.close()

    asyncio.run(work())


def test_the_key_that_signed_is_kept_with_the_delivery(
    ledger: Ledger, key_pair: Pair, now: datetime
) -> None:
    accept_all(ledger, key_pair, now, BODY)
    with ledger.read() as connection:
        row = connection.execute(sa.select(deliveries)).one()
    assert row.key_fingerprint == load_public_key(key_pair.public_pem).fingerprint
    assert row.signature == sign_body(key_pair.private_key, BODY)
    assert row.received_at == now
    assert ledger.vault.open(row.body, of_delivery(row.account, row.dedup_key)) == BODY


def test_a_retry_that_differs_is_told_once_by_a_message(
    ledger: Ledger, key_pair: Pair, now: datetime
) -> None:
    other = BODY.replace(b"succeeded", b"canceled")
    third = BODY.replace(b"succeeded", b"refunded")
    retry = BODY.replace(b":2}", b":0}")
    accept_all(ledger, key_pair, now, BODY, retry, other, other, third)
    with ledger.read() as connection:
        told = connection.execute(sa.select(notices.c.cause, notices.c.subject, notices.c.count))
        assert told.all() == [("differing_retry", "evt_1", 2)]
        messages = connection.execute(sa.select(outbox.c.stream)).all()
        assert messages == [("shop/notice/differing_retry/evt_1",)]
        verdicts = connection.execute(
            sa.select(deliveries.c.verdict, sa.func.count()).group_by(deliveries.c.verdict)
        )
        assert sorted(map(tuple, verdicts)) == [("accepted", 1), ("evidence", 2)]


def test_an_honest_event_after_a_body_with_two_ids_is_read(
    ledger: Ledger, key_pair: Pair, now: datetime
) -> None:
    honest = json_bytes(bodies.event(bodies.order(), id="evt_1"))
    twice = honest.replace(b'"id": "evt_1"', b'"id": "evt_0", "id": "evt_1"', 1)

    def states() -> list[tuple[str, str, str | None, int]]:
        drain(ledger, terms=Terms(sinks=("file",), epoch="e"), clock=lambda: now)
        columns = (deliveries.c.verdict, deliveries.c.state, deliveries.c.reason)
        rows = sa.select(*columns, deliveries.c.repeats).order_by(deliveries.c.id)
        with ledger.read() as connection:
            return [tuple(row) for row in connection.execute(rows)]

    accept_all(ledger, key_pair, now, twice)
    first = ("accepted", "quarantined", "key_twice", 0)
    assert states() == [first]
    accept_all(ledger, key_pair, now, honest, honest)
    assert states() == [first, ("accepted", "applied", None, 1)]
    accept_all(ledger, key_pair, now, twice, honest)
    assert states() == [(*first[:3], 1), ("accepted", "applied", None, 2)]


def test_a_body_by_another_key_is_refused_before_anything_is_written(
    ledger: Ledger, key_pair: Pair, now: datetime
) -> None:
    async def work() -> None:
        ring = KeyRing([load_public_key(key_pair.public_pem)])
        # a writer that never starts takes nothing: reaching it would be TryLater
        writer = InboxWriter(ledger, lambda _connection, _arrival: None)
        acceptor = Acceptor({"shop": ring}, writer, lambda: now)
        with pytest.raises(Refused, match="mismatch"):
            await acceptor.accept("shop", BODY, sign_body(key_pair.private_key, b"x").encode())
        with pytest.raises(TryLater):
            await acceptor.accept("shop", BODY, sign_body(key_pair.private_key, BODY).encode())

    asyncio.run(work())


@pytest.mark.parametrize(
    ("retry", "same"),
    [
        (BODY.replace(b":2}", b":0}"), True),
        (BODY.replace(b":2}", b":10}"), True),
        (BODY.replace(b":2}", b":null}"), False),
        (BODY.replace(b":2}", b':"2"}'), False),
        (BODY.replace(b"{}", b'{"amount":1}'), False),
        (BODY + b" ", False),
    ],
)
def test_only_the_count_of_pending_webhooks_may_differ(retry: bytes, same: bool) -> None:
    assert (content_digest(retry) == content_digest(BODY)) is same


def test_a_name_inside_a_text_is_no_count() -> None:
    said = rb'{"id":"evt_1","note":"\"pending_webhooks\":%d"}'
    assert content_digest(said % 1) != content_digest(said % 2)


def test_a_body_without_the_count_is_digested_whole() -> None:
    assert content_digest(b"{}") == hashlib.sha256(b"{}").hexdigest()


def test_without_an_id_the_bytes_are_the_name(now: datetime) -> None:
    arrival = name("shop", b'{"type":"agreement.succeeded"}', "s", "f", now)
    assert arrival.dedup_key == f"sha256:{hashlib.sha256(arrival.body).hexdigest()}"
    assert arrival.event_type == "agreement.succeeded"


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=300) | st.builds(json_bytes, JSON))
def test_any_bytes_have_a_name(body: bytes) -> None:
    arrival = name("shop", body, "s", "f", datetime(2026, 11, 23, tzinfo=UTC))
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,128}|sha256:[0-9a-f]{64}", arrival.dedup_key)
    assert arrival.event_type is None or re.fullmatch(r"[!-~]{1,128}", arrival.event_type)
    assert len(arrival.content_digest) == 64


def test_nothing_but_the_inbox_is_asked_for_a_delivery(
    ledger: Ledger, key_pair: Pair, now: datetime
) -> None:
    """A ledger whose other tables are gone still takes deliveries in."""
    with ledger.begin() as connection:
        for table in (
            "dispatches",
            "dropped",
            "outbox",
            "observations",
            "changes",
            "beliefs",
            "watches",
        ):
            connection.exec_driver_sql(f"DROP TABLE {table}")
    with closing(ledger):
        accept_all(ledger, key_pair, now, BODY, BODY)
