"""Keep the trace that a delivery and a message belong to (pre: nothing that runs needs it)."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Add a column to each; empty means that nobody traced it."""
    op.add_column("deliveries", sa.Column("traceparent", sa.String(length=55)))
    op.add_column("outbox", sa.Column("traceparent", sa.String(length=55)))
