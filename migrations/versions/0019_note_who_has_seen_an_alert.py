"""Note who has seen an alert, so that nobody is reminded of it any more.

Pre: old code works on the new schema.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Add two columns; of the alerts that are open nobody has said so."""
    op.add_column("alerts", sa.Column("acknowledged_at", sa.BigInteger(), nullable=True))
    op.add_column("alerts", sa.Column("acknowledged_by", sa.String(length=200), nullable=True))
