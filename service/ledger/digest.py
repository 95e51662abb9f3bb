"""What does a morning's digest say: what stands, and what has moved since yesterday?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from service.ledger.engine import Connection
from service.ledger.people import FRESH_LIMIT, Cause, Matter, Scope
from service.ledger.schema import alerts, deliveries, mismatches

_LIVE = sa.text("state <> 'settled'")


@dataclass(frozen=True, slots=True)
class Morning:
    """open, alerts: what stands (of mismatches, the newest 20,000). The rest are counts since."""

    open: Sequence[Matter]
    alerts: Sequence[Matter]
    opened: int
    settled: int
    deliveries: int


def morning(connection: Connection, scope: Scope, *, since: datetime) -> Morning:
    """Read it all, as far as a channel hears of it."""
    columns = mismatches.c
    rows = connection.execute(
        sa.select(
            sa.cast(columns.id, sa.String(340)), columns.rule, columns.account, columns.severity,
            columns.kind, columns.object_id, columns.ours, columns.theirs, columns.currency,
            columns.opened_at,
        )
        .where(_LIVE, columns.state.in_(["open", "acknowledged"]))
        .order_by(columns.id.desc())
        .limit(FRESH_LIMIT)
    )  # fmt: skip
    standing = [Matter(row[0], Cause("mismatch", row[1], row[2]), *row[3:]) for row in rows]
    return Morning(
        open=[one for one in standing if scope.takes(one.cause, one.severity)],
        alerts=[one for one in _alerts(connection) if scope.takes(one.cause, one.severity)],
        opened=_count(connection, scope, columns.opened_at, since),
        settled=_count(connection, scope, columns.settled_at, since),
        deliveries=_deliveries(connection, scope, since),
    )


def _alerts(connection: Connection) -> list[Matter]:
    columns = alerts.c
    rows = connection.execute(
        sa.select(
            columns.id, columns.code, columns.account, columns.severity, columns.subject,
            columns.shown, columns.opened_at,
        ).where(columns.settled_at.is_(None))
    )  # fmt: skip
    return [
        Matter(str(row[0]), Cause("alert", row[1], row[2]), row[3], "", *row[4:6], "", None, row[6])
        for row in rows
    ]


def _count(
    connection: Connection, scope: Scope, column: sa.Column[datetime], since: datetime
) -> int:
    """Of those that were told: what vanished within its grace was never open."""
    rows = connection.execute(
        sa.select(mismatches.c.rule, mismatches.c.account, mismatches.c.severity, sa.func.count())
        .where(column >= since, mismatches.c.opened_at.is_not(None))
        .group_by(mismatches.c.rule, mismatches.c.account, mismatches.c.severity)
    )
    return sum(
        int(count)
        for rule, account, severity, count in rows
        if scope.takes(Cause("mismatch", rule, account), severity)
    )


def _deliveries(connection: Connection, scope: Scope, since: datetime) -> int:
    counted = sa.select(sa.func.count()).select_from(deliveries)
    counted = counted.where(deliveries.c.received_at >= since)
    if scope.accounts:
        counted = counted.where(deliveries.c.account.in_(sorted(scope.accounts)))
    return int(connection.scalar(counted) or 0)
