"""What is still open of a business day, and what does not agree when it closes?"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa

from service.core.closing import Pending, Unsettled
from service.ledger import statements
from service.ledger.engine import Connection
from service.ledger.keys import Selection, same_object
from service.ledger.rules.sources import word
from service.ledger.schema import beliefs, deliveries, mismatches, watches

# So many of one sort are named; all of them are counted.
NAMED_LIMIT = 200


def unread(connection: Connection, begins: datetime, ends: datetime) -> tuple[int, list[Pending]]:
    """Deliveries that came before the day ended: nobody has read them, or nobody could.

    Those that nobody could read count on the day on which they came.
    """
    waiting = sa.and_(deliveries.c.state == word("waiting"), deliveries.c.received_at < ends)
    kept = sa.and_(
        deliveries.c.state == word("quarantined"),
        deliveries.c.received_at >= begins,
        deliveries.c.received_at < ends,
    )
    what = sa.case((deliveries.c.state == "waiting", "delivery"), else_="quarantine")
    chosen = sa.select(
        what,
        deliveries.c.account,
        deliveries.c.event_type,
        sa.cast(deliveries.c.id, sa.String()),
        sa.func.coalesce(deliveries.c.reason, deliveries.c.state),
    ).where(sa.or_(waiting, kept))
    return _counted(connection, chosen, deliveries.c.id)


def unsettled_objects(
    connection: Connection, kinds: Sequence[str], begins: datetime, ends: datetime
) -> tuple[int, list[Pending]]:
    """Objects of these kinds that began on the day, are not final, and are still followed.

    One that a person has waived a mismatch of may stand as it is.
    """
    began = sa.func.coalesce(beliefs.c.created_at, beliefs.c.since_at)
    live = sa.or_(sa.not_(beliefs.c.final), beliefs.c.conflict)
    waived = (
        sa.select(sa.literal(1))
        .where(same_object(mismatches, beliefs), mismatches.c.state == word("waived"))
        .correlate(beliefs)
        .exists()
    )
    chosen = (
        sa.select(
            sa.literal("object"),
            beliefs.c.account,
            beliefs.c.kind,
            beliefs.c.object_id,
            beliefs.c.status,
        )
        .join_from(beliefs, watches, same_object(beliefs, watches))
        .where(
            beliefs.c.kind.in_(kinds),
            began >= begins,
            began < ends,
            live,
            watches.c.state == word("active"),
            sa.not_(waived),
        )
    )
    return _counted(connection, chosen, beliefs.c.account, beliefs.c.kind, beliefs.c.object_id)


def missing_statements(
    connection: Connection, wanted: Iterable[tuple[str, str]], day: int
) -> list[Pending]:
    """Which (account, source) has no statement that covers the day (days since 1970)."""
    return [
        Pending("statement", account, source, "", "missing")
        for account, source in wanted
        if not any(
            window.first_day <= day <= window.last_day
            for window in statements.windows(connection, account, source)
        )
    ]


def unsettled(connection: Connection) -> tuple[Unsettled, ...]:
    """All mismatches that the facts have not settled, counted."""
    key = (
        mismatches.c.account,
        mismatches.c.kind,
        mismatches.c.rule,
        mismatches.c.severity,
        mismatches.c.state,
    )
    rows = connection.execute(
        sa.select(*key, sa.func.count()).where(mismatches.c.state != word("settled")).group_by(*key)
    )
    return tuple(sorted(Unsettled(*row) for row in rows))


def _counted(
    connection: Connection, chosen: Selection, *order: sa.ColumnElement[object]
) -> tuple[int, list[Pending]]:
    """How many there are, and the first of them."""
    count = connection.scalar(sa.select(sa.func.count()).select_from(chosen.subquery("chosen")))
    rows = connection.execute(chosen.order_by(*order).limit(NAMED_LIMIT))
    return count or 0, [Pending(*(value or "" for value in row)) for row in rows]
