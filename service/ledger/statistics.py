"""What PostgreSQL's planner has to know of the tables before it can choose well."""

import sqlalchemy as sa

from service.ledger.engine import Ledger

_IS_KNOWN = sa.text(
    "SELECT EXISTS (SELECT FROM pg_stats"
    " WHERE schemaname = current_schema() AND tablename = 'beliefs')"
)


def gather_first(ledger: Ledger) -> None:
    """Have PostgreSQL look at what is believed, unless it has looked before; nothing on SQLite.

    It looks by itself once a minute, and a backlog grows by ten thousands in that time. Until then
    all that it knows is how many pages there are, and for a while it takes the two words that a
    primary key begins with for as rare as an order_no: the rules then read every order once for
    each order of the batch. Raises TryLater when the ledger is away.
    """
    if ledger.dialect == "sqlite":
        return
    with ledger.begin() as connection:
        if not connection.scalar(_IS_KNOWN):
            connection.exec_driver_sql("ANALYZE beliefs, watches")
