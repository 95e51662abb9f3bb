"""Find by its index what the console's pages ask for (pre)."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add three indexes."""
    op.create_index("ix_postings_happened_at", "postings", ["happened_at"])
    _partial("ix_mismatches_live_id", "mismatches", ["id"], "state <> 'settled'")
    _partial("ix_beliefs_user_id", "beliefs", ["account", "user_id"], "user_id IS NOT NULL")


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)
