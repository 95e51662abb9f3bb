"""Note when a notification first spoke of each object, and find objects by their creation (pre)."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

# from the words of each state: [first seen, last seen, first by notification or 0]
_FILL = {
    "sqlite": "UPDATE beliefs SET heard_at = (SELECT min(json_extract(value, '$[2]'))"
    " FROM json_each(state, '$.words') WHERE json_extract(value, '$[2]') > 0)",
    "postgresql": "UPDATE beliefs SET heard_at = (SELECT min((value ->> 2)::bigint)"
    " FROM json_each(state::json -> 'words') WHERE (value ->> 2)::bigint > 0)",
}


def upgrade() -> None:
    """Add the column, fill it from what is believed, and add the index."""
    op.add_column("beliefs", sa.Column("heard_at", sa.BigInteger(), nullable=True))
    op.execute(_FILL[op.get_bind().dialect.name])
    where = sa.text("created_at IS NOT NULL")
    op.create_index(
        "ix_beliefs_created_at",
        "beliefs",
        ["account", "kind", "created_at"],
        sqlite_where=where,
        postgresql_where=where,
    )
