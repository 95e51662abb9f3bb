"""What came in, and what became of it?"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.core.observation import Key
from service.ledger.columns import Instant
from service.ledger.engine import Connection
from service.ledger.reads import DELIVERIES, DeliveryRow
from service.ledger.rules.sources import word
from service.ledger.schema import deliveries, observations
from service.ledger.views.walk import Scope, Walked, judged, walk, within

OBJECTS_LIMIT = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """Which deliveries are listed; until is exclusive."""

    account: str | None = None
    state: str | None = None
    verdict: str | None = None
    event_type: str | None = None
    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def page(
    connection: Connection, scope: Scope, asked: Asked, *, after: tuple[Any, ...] | None, size: int
) -> Walked:
    """Deliveries, the newest first."""
    statement, filters = DELIVERIES, within(deliveries.c.account, scope)
    if asked.state in ("waiting", "quarantined"):
        # a literal: it has an index of its own
        statement = statement.where(deliveries.c.state == word(asked.state))
    elif asked.state is not None:
        filters.append(deliveries.c.state == asked.state)
    filters += judged(
        deliveries,
        account=asked.account,
        verdict=asked.verdict,
        event_type=asked.event_type,
        reason=asked.reason,
    )
    statement = statement.where(*_numbers(connection, asked.since, asked.until))
    found = walk(connection, statement, (deliveries.c.id,), after=after, size=size, filters=filters)
    return found._replace(rows=[DeliveryRow(*row) for row in found.rows])


def _numbers(
    connection: Connection, since: datetime | None, until: datetime | None
) -> list[sa.ColumnElement[bool]]:
    """A span of time as a span of numbers: both grow together, but for a moment's race."""
    conditions: list[sa.ColumnElement[bool]] = []
    if since is not None:
        first = _number_at(connection, since)
        conditions.append(deliveries.c.id >= first if first is not None else sa.false())
    if until is not None:
        end = _number_at(connection, until)
        if end is not None:
            conditions.append(deliveries.c.id < end)
    return conditions


def _number_at(connection: Connection, at: datetime) -> int | None:
    """The number of the first delivery from that time on."""
    return connection.scalar(
        sa.select(deliveries.c.id)
        .where(deliveries.c.received_at >= sa.literal(at, Instant()))
        .order_by(deliveries.c.received_at)
        .limit(1)
    )


def one(connection: Connection, scope: Scope, number: int) -> DeliveryRow | None:
    """One delivery without its bytes; None when there is none or it is nobody's to see."""
    row = connection.execute(
        DELIVERIES.where(deliveries.c.id == number, *within(deliveries.c.account, scope))
    ).one_or_none()
    return None if row is None else DeliveryRow(*row)


def signature_of(connection: Connection, number: int) -> str:
    """The signature that came with it."""
    return str(
        connection.scalar(sa.select(deliveries.c.signature).where(deliveries.c.id == number))
    )


def objects_in(connection: Connection, number: int) -> list[tuple[Key, str]]:
    """Which objects a delivery showed, and what was decided of each sighting."""
    rows = connection.execute(
        sa.select(
            observations.c.account,
            observations.c.kind,
            observations.c.object_id,
            observations.c.decision,
        )
        .where(observations.c.delivery_id == number)
        .order_by(observations.c.id)
        .limit(OBJECTS_LIMIT)
    )
    return [(Key(*row[:3]), row[3]) for row in rows]


def last_received(connection: Connection, scope: Scope) -> datetime | None:
    """When the newest delivery came; None: none of those that one looks through may be seen."""
    newest = page(connection, scope, Asked(), after=None, size=1).rows
    return newest[0].received_at if newest else None
