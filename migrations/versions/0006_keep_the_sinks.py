"""Keep the sinks that are known, which of them are paused, and which dead letters were dropped.

Pre: old code works on the new schema.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make both tables; who has got messages before is no new sink."""
    op.create_table(
        "sinks",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("known_since", sa.BigInteger(), nullable=False),
        sa.Column("filled_to", _BIG_ID, nullable=True),
        sa.Column("fill_from", sa.BigInteger(), nullable=True),
        sa.Column("paused_at", sa.BigInteger(), nullable=True),
        sa.Column("paused_for", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_sinks")),
    )
    op.create_table(
        "dropped",
        sa.Column("outbox_id", _BIG_ID, nullable=False),
        sa.Column("sink", sa.String(length=64), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(length=64), nullable=True),
        sa.Column("dropped_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name=op.f("fk_dropped_outbox_id")),
        sa.PrimaryKeyConstraint("outbox_id", "sink", name=op.f("pk_dropped")),
    )
    op.execute(
        "INSERT INTO sinks (name, known_since)"
        " SELECT dispatches.sink, MIN(outbox.created_at) FROM dispatches"
        " JOIN outbox ON outbox.id = dispatches.outbox_id GROUP BY dispatches.sink"
    )
