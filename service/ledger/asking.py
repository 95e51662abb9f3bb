"""How an object is asked for sooner than planned."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from service.core.observation import Key
from service.ledger.dialect import insert
from service.ledger.schema import beliefs, watches


def ask_by(connection: sa.Connection, keys: Sequence[Key], *, at: datetime) -> None:
    """Look at objects at `at` or before, also those whose looks had ended; leaves running looks be.

    A change that arrives meanwhile plans the next look anew, so that the question is spared.
    """
    if not keys:
        return
    statement = insert(connection, watches)
    soon = statement.on_conflict_do_update(
        index_elements=list(watches.primary_key.columns),
        set_={"next_look_at": statement.excluded.next_look_at, "state": "active"},
        where=sa.and_(
            watches.c.claim_token.is_(None),
            sa.or_(
                watches.c.state == "ended",
                watches.c.next_look_at > statement.excluded.next_look_at,
            ),
        ),
    )
    rows = [
        {
            **key._asdict(),
            "state": "active",
            "reason": "asked",
            "next_look_at": at,
            "looks": 0,
            "failures": 0,
        }
        for key in sorted(set(keys))
    ]
    connection.execute(soon, rows)


def ask_standing(connection: sa.Connection, accounts: Sequence[str], *, at: datetime) -> int:
    """Look at everything that is still followed, at `at` or before; gives how many that are."""
    found = connection.execute(
        sa.update(watches)
        .where(
            watches.c.account.in_(accounts),
            watches.c.state == "active",
            watches.c.claim_token.is_(None),
            watches.c.next_look_at > at,
        )
        .values(next_look_at=at, failures=0)
    )
    return found.rowcount


def paid_since(
    connection: sa.Connection,
    accounts: Sequence[str],
    kinds: Sequence[str],
    *,
    since: datetime,
    until: datetime,
    limit: int,
) -> list[Key]:
    """Objects of `kinds` that were created within these bounds and say that money moved."""
    rows = connection.execute(
        sa.select(beliefs.c.account, beliefs.c.kind, beliefs.c.object_id)
        .where(
            beliefs.c.account.in_(accounts),
            beliefs.c.kind.in_(kinds),
            beliefs.c.created_at >= since,
            beliefs.c.created_at < until,
            beliefs.c.status.in_(("paid", "refunded")),
        )
        .order_by(beliefs.c.created_at)
        .limit(limit)
    )
    return [Key(*row) for row in rows]
