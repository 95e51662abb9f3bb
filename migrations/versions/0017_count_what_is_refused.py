"""Count what is refused, minute by minute (pre)."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "refusals",
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("minute_at", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account", "minute_at", name=op.f("pk_refusals")),
    )
