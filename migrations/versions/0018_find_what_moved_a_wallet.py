"""Find by their index the postings that moved a wallet (pre)."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Add an index for each side of a posting, over wallets only."""
    for side in ("debit", "credit"):
        condition = sa.text(f"substr({side}, 1, 7) = 'wallet:'")
        op.create_index(
            f"ix_postings_wallet_{side}",
            "postings",
            ["account", side, "happened_at"],
            sqlite_where=condition,
            postgresql_where=condition,
        )
