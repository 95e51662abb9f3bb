"""What did the notifications of an hour leave out? The lists beside the ledger, hour by hour."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from service.core.observation import Scalar
from service.ledger.dialect import upsert_rows
from service.ledger.rules.single import is_notified_end
from service.ledger.schema import beliefs, radar

HOUR = timedelta(hours=1)


class Listed(NamedTuple):
    """One object as its list showed it, and when that was asked for."""

    status: str
    amount: Scalar | None
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Hour:
    """How the objects that a list shows for one hour of creation came into the ledger.

    delivered: a notification said its end. asked: the end is one that is notified, and only our
    own questions said it. quiet: as it is, nobody notifies of it. unexplained: the list and the
    ledger do not agree on it, or the list lacks it.
    """

    listed: int = 0
    delivered: int = 0
    asked: int = 0
    quiet: int = 0
    unexplained: int = 0
    # the ids behind the last number
    doubtful: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Measured:
    """One hour of one kind, or the sum of several."""

    account: str
    kind: str
    hours: int
    first_at: datetime
    last_at: datetime
    listed: int
    delivered: int
    asked: int
    quiet: int
    unexplained: int


def share(delivered: int, asked: int, unexplained: int) -> float:
    """Which part of what should have been delivered was; 1 when nothing should have been."""
    due = delivered + asked + unexplained
    return delivered / due if due else 1.0


def compare(
    connection: sa.Connection,
    account: str,
    kind: str,
    apps: Collection[str],
    hour_at: datetime,
    listed: Mapping[str, Listed],
) -> Hour:
    """Set what the lists showed of an hour against what is believed to be created in it."""
    rows = connection.execute(_believed(account, kind, apps, hour_at)).all()
    known = {row.object_id: row for row in rows}
    counts = dict.fromkeys(("delivered", "asked", "quiet"), 0)
    doubtful = sorted(known.keys() - listed.keys())
    for object_id, shown in listed.items():
        believed = known.get(object_id)
        if believed is None or not _agrees(believed, shown):
            doubtful.append(object_id)
        elif not believed.is_due:
            counts["quiet"] += 1
        else:
            counts["asked" if believed.notified_at is None else "delivered"] += 1
    return Hour(listed=len(listed), **counts, unexplained=len(doubtful), doubtful=tuple(doubtful))


def _believed(account: str, kind: str, apps: Collection[str], hour_at: datetime) -> Any:
    return sa.select(
        beliefs.c.object_id,
        beliefs.c.status,
        beliefs.c.amount,
        beliefs.c.conflict,
        beliefs.c.since_at,
        beliefs.c.notified_at,
        is_notified_end(beliefs).label("is_due"),
    ).where(
        beliefs.c.account == account,
        beliefs.c.kind == kind,
        beliefs.c.created_at >= hour_at,
        beliefs.c.created_at < hour_at + HOUR,
        beliefs.c.app.in_(sorted(apps)),
    )


def _agrees(believed: Any, shown: Listed) -> bool:
    """Equal, or it has moved on since the list was asked for."""
    if believed.conflict or believed.amount != shown.amount:
        return False
    return believed.status == shown.status or believed.since_at >= shown.seen_at


def last_hour(connection: sa.Connection, account: str, kind: str) -> datetime | None:
    """The newest hour that was measured; None before the first."""
    return connection.scalar(
        sa.select(radar.c.hour_at)
        .where(radar.c.account == account, radar.c.kind == kind)
        .order_by(radar.c.hour_at.desc())
        .limit(1)
    )


def record(
    connection: sa.Connection,
    account: str,
    kind: str,
    hour_at: datetime,
    hour: Hour,
    *,
    now: datetime,
) -> None:
    """Keep what an hour was like; a second measuring replaces the first."""
    row = {
        "account": account,
        "kind": kind,
        "hour_at": hour_at,
        **{name: getattr(hour, name) for name in _COUNTS},
        "measured_at": now,
    }
    upsert_rows(connection, radar, [row])


_COUNTS = ("listed", "delivered", "asked", "quiet", "unexplained")


def sums(
    connection: sa.Connection, *, since: datetime, account: str | None = None
) -> Sequence[Measured]:
    """The hours since, added up by account and kind."""
    statement = (
        sa.select(
            radar.c.account,
            radar.c.kind,
            sa.func.count(),
            sa.func.min(radar.c.hour_at),
            sa.func.max(radar.c.hour_at),
            *(sa.cast(sa.func.sum(radar.c[name]), sa.BigInteger) for name in _COUNTS),
        )
        .where(radar.c.hour_at >= since)
        .group_by(radar.c.account, radar.c.kind)
        .order_by(radar.c.account, radar.c.kind)
    )
    if account is not None:
        statement = statement.where(radar.c.account == account)
    return [Measured(*row) for row in connection.execute(statement)]
