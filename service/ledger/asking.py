"""How an object is asked for sooner than planned."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from service.core.observation import Key
from service.ledger.dialect import insert
from service.ledger.schema import watches


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
