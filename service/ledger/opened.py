"""What are the bytes that the ledger keeps, opened? Only for who has said why."""

from collections.abc import Iterator
from typing import NamedTuple

import sqlalchemy as sa

from service.core.observation import Key
from service.ledger.engine import Connection, Ledger
from service.ledger.schema import deliveries, observations
from service.ledger.vault import of_delivery, of_observation

# of one object, the newest
OPENED_LIMIT = 200


class Opened(NamedTuple):
    """Bytes as they came, and where they are kept."""

    source: str
    number: int
    body: bytes


def has_delivery(connection: Connection, number: int) -> bool:
    """Whether there is a delivery of that number."""
    found = connection.scalar(sa.select(deliveries.c.id).where(deliveries.c.id == number))
    return found is not None


def delivery(ledger: Ledger, number: int) -> Iterator[Opened]:
    """One delivery; raises Unreadable when it does not open."""
    yield from _deliveries(ledger, deliveries.c.id == number)


def everything_of(ledger: Ledger, key: Key) -> Iterator[Opened]:
    """The deliveries and the answers that showed an object."""
    same = (
        observations.c.account == key.account,
        observations.c.kind == key.kind,
        observations.c.object_id == key.object_id,
    )
    told = sa.select(observations.c.delivery_id).where(*same)
    yield from _deliveries(ledger, deliveries.c.id.in_(told))
    with ledger.read() as connection:
        answers = connection.execute(
            sa.select(observations.c.id, observations.c.raw)
            .where(*same, observations.c.raw.is_not(None))
            .order_by(observations.c.id.desc())
            .limit(OPENED_LIMIT)
        ).all()
    for number, raw in answers:
        yield Opened("observation", number, ledger.vault.open(raw, of_observation(*key)))


def _deliveries(ledger: Ledger, chosen: sa.ColumnElement[bool]) -> Iterator[Opened]:
    with ledger.read() as connection:
        rows = connection.execute(
            sa.select(
                deliveries.c.id, deliveries.c.account, deliveries.c.dedup_key, deliveries.c.body
            )
            .where(chosen)
            .order_by(deliveries.c.id.desc())
            .limit(OPENED_LIMIT)
        ).all()
    for number, account, dedup_key, body in rows:
        about = of_delivery(account, dedup_key)
        yield Opened("delivery", number, ledger.vault.open(body, about))
