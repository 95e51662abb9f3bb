"""Whose claims can be given back at once: those of a dead process that was alone on the ledger."""

import sqlalchemy as sa

from service.ledger.schema import deliveries, dispatches, watches


def release_all(connection: sa.Connection) -> int:
    """Free every claim, however long its lease still runs; gives how many.

    Only for a process that holds the whole ledger: then nobody else works on what was claimed.
    """
    freed = 0
    for table in (deliveries, dispatches, watches):
        result = connection.execute(
            sa.update(table)
            .where(table.c.claim_token.is_not(None))
            .values(claim_token=None, claimed_until=None)
        )
        freed += result.rowcount
    return freed
