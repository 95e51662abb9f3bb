"""Does the inbox keep what it says it keeps, once, whatever repeats or fails?"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager, closing
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa

from service.core.errors import Misconfigured, TryLater
from service.ledger.engine import Connection, Ledger, open_ledger
from service.ledger.inbox import DEFAULT_LIMITS, InboxLimits, InboxWriter
from service.ledger.intake import Arrival
from service.ledger.schema import deliveries
from service.ledger.vault import FORMAT, OVERHEAD, Vault, of_delivery
from tests.conftest import VAULT

WAIT_SECONDS = 30


def arrival(now: datetime, key: str, body: bytes | None = None, account: str = "shop") -> Arrival:
    body = f'{{"id":"{key}"}}'.encode() if body is None else body
    digest = hashlib.sha256(body).hexdigest()
    return Arrival(account, key, digest, body, "c2ln", "f" * 64, now, "order.succeeded")


@asynccontextmanager
async def writing(
    ledger: Ledger,
    tell: Callable[[Connection, Arrival], None] = lambda _connection, _arrival: None,
    limits: InboxLimits = DEFAULT_LIMITS,
) -> AsyncGenerator[InboxWriter]:
    writer = InboxWriter(ledger, tell, limits=limits)
    writer.start()
    try:
        yield writer
    finally:
        await writer.close()


def run(work: Coroutine[Any, Any, Any]) -> Any:
    async def bounded() -> Any:
        async with asyncio.timeout(WAIT_SECONDS):
            return await work

    return asyncio.run(bounded())


def submit_all(
    ledger: Ledger, arrivals: Iterable[Arrival], limits: InboxLimits = DEFAULT_LIMITS
) -> list[bool]:
    async def work() -> list[bool]:
        async with writing(ledger, limits=limits) as writer:
            return await asyncio.gather(*[writer.submit(one) for one in arrivals])

    return run(work())


def rows(ledger: Ledger, *columns: str) -> list[tuple[Any, ...]]:
    chosen = [deliveries.c[name] for name in columns]
    with ledger.read() as connection:
        return [tuple(row) for row in connection.execute(sa.select(*chosen).order_by(*chosen))]


def test_what_is_acknowledged_is_stored_byte_for_byte(ledger: Ledger, now: datetime) -> None:
    body = bytes(range(256))
    assert submit_all(ledger, [arrival(now, "evt_1", body)]) == [True]
    with ledger.read() as connection:
        row = connection.execute(sa.select(deliveries)).one()
    plain = ledger.vault.open(row.body, of_delivery("shop", "evt_1"))
    assert (row.account, row.dedup_key, plain) == ("shop", "evt_1", body)
    assert row.content_digest == hashlib.sha256(body).hexdigest()
    assert (row.signature, row.key_fingerprint) == ("c2ln", "f" * 64)
    assert (row.received_at, row.event_type) == (now, "order.succeeded")
    assert (row.verdict, row.state, row.repeats, row.attempts) == ("accepted", "waiting", 0, 0)


def test_a_delivery_without_a_type_is_stored(ledger: Ledger, now: datetime) -> None:
    submit_all(ledger, [arrival(now, "evt_1")._replace(event_type=None)])
    assert rows(ledger, "event_type") == [(None,)]


def test_everything_that_waits_is_stored_in_bounded_batches(ledger: Ledger, now: datetime) -> None:
    many = [arrival(now, f"evt_{number}", b"x" * 100) for number in range(500)]
    limits = InboxLimits(batch_rows=64, batch_bytes=1_000)
    assert submit_all(ledger, many, limits) == [True] * 500
    assert len(rows(ledger, "dedup_key")) == 500


def test_the_same_event_at_once_is_one_row_and_counted_repeats(
    ledger: Ledger, now: datetime
) -> None:
    assert submit_all(ledger, [arrival(now, "evt_1")] * 32) == [True] * 32
    assert rows(ledger, "dedup_key", "repeats") == [("evt_1", 31)]


def test_two_writers_with_the_same_events_store_each_once(database_url: str, now: datetime) -> None:
    many = [arrival(now, f"evt_{number % 40}") for number in range(400)]

    async def work(one: Ledger, other: Ledger) -> list[bool]:
        async with writing(one) as here, writing(other) as there:
            return await asyncio.gather(
                *[here.submit(each) for each in many],
                *[there.submit(each) for each in reversed(many)],
            )

    with (
        closing(open_ledger(database_url, VAULT)) as one,
        closing(open_ledger(database_url, VAULT)) as other,
    ):
        assert run(work(one, other)) == [True] * 800
        assert sorted(rows(one, "repeats")) == [(19,)] * 40


def test_old_and_new_events_in_one_batch_are_told_apart(ledger: Ledger, now: datetime) -> None:
    submit_all(ledger, [arrival(now, "evt_2"), arrival(now, "evt_4")])
    mixed = [arrival(now, f"evt_{number}") for number in (1, 2, 3, 4, 5, 4)]
    assert submit_all(ledger, mixed) == [True] * 6
    assert rows(ledger, "dedup_key", "repeats") == [
        ("evt_1", 0),
        ("evt_2", 1),
        ("evt_3", 0),
        ("evt_4", 2),
        ("evt_5", 0),
    ]


def test_accounts_do_not_share_event_ids(ledger: Ledger, now: datetime) -> None:
    both = [arrival(now, "evt_1"), arrival(now, "evt_1", account="other")]
    submit_all(ledger, both)
    assert rows(ledger, "account", "repeats") == [("other", 0), ("shop", 0)]


def test_another_content_under_a_known_id_is_kept_once_as_evidence_and_told(
    ledger: Ledger, now: datetime
) -> None:
    told: list[str] = []
    forged = arrival(now, "evt_1", b'{"id":"evt_1","amount":1}')

    def tell(_connection: Connection, one: Arrival) -> None:
        told.append(one.dedup_key)

    async def work() -> list[bool]:
        async with writing(ledger, tell) as writer:
            first = await writer.submit(arrival(now, "evt_1"))
            return [first, await writer.submit(forged), await writer.submit(forged)]

    assert run(work()) == [True, True, True]
    assert told == ["evt_1"]
    assert rows(ledger, "dedup_key", "verdict", "state", "repeats") == [
        ("evt_1", "accepted", "waiting", 0),
        (f"evt_1#{forged.content_digest}", "evidence", "kept", 1),
    ]


def test_evidence_is_sealed_for_its_own_row(ledger: Ledger, now: datetime) -> None:
    other = arrival(now, "evt_1", b'{"id":"evt_1","amount":1}')
    submit_all(ledger, [arrival(now, "evt_1"), other])
    kept = dict(rows(ledger, "dedup_key", "body"))
    evidence = f"evt_1#{other.content_digest}"
    assert ledger.vault.open(kept[evidence], of_delivery("shop", evidence)) == other.body
    assert kept[evidence][:1] == FORMAT


def test_what_cannot_be_sealed_is_not_taken(database_url: str, now: datetime) -> None:
    failures: list[Exception] = []

    async def work(keyless: Ledger) -> None:
        writer = InboxWriter(keyless, lambda _c, _a: None, on_failure=failures.append)
        writer.start()
        with pytest.raises(TryLater, match="sealed"):
            writer.submit(arrival(now, "evt_1"))
        assert writer.depth == 0
        await writer.close()

    with closing(open_ledger(database_url, Vault())) as keyless:
        run(work(keyless))
        assert rows(keyless, "id") == []
    assert [type(error) for error in failures] == [Misconfigured]


def test_when_telling_fails_only_the_differing_delivery_is_refused(
    ledger: Ledger, now: datetime
) -> None:
    def fail(_connection: Connection, _arrival: Arrival) -> None:
        raise RuntimeError("cannot tell")

    async def work() -> list[bool]:
        async with writing(ledger, fail) as writer:
            await writer.submit(arrival(now, "evt_1"))
            batch = [arrival(now, "evt_1", b"other"), arrival(now, "evt_2")]
            return await asyncio.gather(*[writer.submit(one) for one in batch])

    assert run(work()) == [False, True]
    assert rows(ledger, "dedup_key") == [("evt_1",), ("evt_2",)]


def test_a_full_queue_takes_nothing_more(ledger: Ledger, now: datetime) -> None:
    async def work() -> list[bool]:
        async with writing(
            ledger, limits=InboxLimits(queue_rows=2, queue_bytes=60 + 2 * OVERHEAD)
        ) as writer:
            futures = [writer.submit(arrival(now, f"evt_{n}", b"x" * 20)) for n in range(2)]
            with pytest.raises(TryLater):
                writer.submit(arrival(now, "evt_many", b""))
            stored = await asyncio.gather(*futures)
            with pytest.raises(TryLater):
                writer.submit(arrival(now, "evt_big", b"x" * (61 + 2 * OVERHEAD)))
            return stored

    assert run(work()) == [True, True]
    assert len(rows(ledger, "id")) == 2


def test_stored_is_acknowledged_when_commits_fail_now_and_then(
    ledger: Ledger, now: datetime
) -> None:
    """The database itself refuses the batch that holds every seventh event, until told not to."""
    refuse_sevens(ledger)
    many = [arrival(now, f"evt_{number}") for number in range(100)]
    acknowledged = submit_all(ledger, many, InboxLimits(batch_rows=3))
    stored = {key for (key,) in rows(ledger, "dedup_key")}
    assert stored == {one.dedup_key for one, ok in zip(many, acknowledged, strict=True) if ok}
    assert 0 < len(stored) < 100
    allow_sevens(ledger)
    assert submit_all(ledger, many) == [True] * 100
    assert len(rows(ledger, "dedup_key")) == 100


def refuse_sevens(ledger: Ledger) -> None:
    with ledger.begin() as connection:
        if ledger.dialect == "sqlite":
            connection.exec_driver_sql(
                "CREATE TRIGGER refuse AFTER INSERT ON deliveries WHEN NEW.dedup_key LIKE '%7'"
                " BEGIN SELECT RAISE(ABORT, 'refused'); END"
            )
            return
        connection.exec_driver_sql(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'refused'; END $$"
        )
        # deferred: it fires inside COMMIT
        connection.exec_driver_sql(
            "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON deliveries DEFERRABLE"
            " INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.dedup_key LIKE '%%7')"
            " EXECUTE FUNCTION refuse()"
        )


def allow_sevens(ledger: Ledger) -> None:
    where = "" if ledger.dialect == "sqlite" else " ON deliveries"
    with ledger.begin() as connection:
        connection.exec_driver_sql(f"DROP TRIGGER refuse{where}")
