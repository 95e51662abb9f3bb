"""Keep the business days that are closed (pre)."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_SQLITE = (
    "CREATE TRIGGER closings_stay_updated BEFORE UPDATE ON closings"
    " BEGIN SELECT RAISE(ABORT, 'closings are never changed'); END",
    "CREATE TRIGGER closings_stay_deleted BEFORE DELETE ON closings"
    " BEGIN SELECT RAISE(ABORT, 'closings are never changed'); END",
)
_POSTGRESQL = (
    "CREATE OR REPLACE FUNCTION closings_stay() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION 'closings are never changed'; END $$",
    "CREATE TRIGGER closings_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON closings"
    " FOR EACH STATEMENT EXECUTE FUNCTION closings_stay()",
)


def upgrade() -> None:
    """Add the table and its triggers."""
    op.create_table(
        "closings",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_closings")),
        sa.UniqueConstraint("previous", name=op.f("uq_closings_previous")),
    )
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)
