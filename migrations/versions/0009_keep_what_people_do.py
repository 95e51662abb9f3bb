"""Keep what people do about mismatches (pre)."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_SQLITE = (
    "CREATE TRIGGER acts_stay_updated BEFORE UPDATE ON acts"
    " BEGIN SELECT RAISE(ABORT, 'acts are never changed'); END",
    "CREATE TRIGGER acts_stay_deleted BEFORE DELETE ON acts"
    " BEGIN SELECT RAISE(ABORT, 'acts are never changed'); END",
)
_POSTGRESQL = (
    "CREATE OR REPLACE FUNCTION acts_stay() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION 'acts are never changed'; END $$",
    "CREATE TRIGGER acts_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON acts"
    " FOR EACH STATEMENT EXECUTE FUNCTION acts_stay()",
)


def upgrade() -> None:
    """Add the table, its triggers and the columns."""
    with op.batch_alter_table("mismatches") as batch_op:
        batch_op.add_column(sa.Column("owner", sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column("waived_until", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("turns", sa.Integer(), server_default="1", nullable=False))
        batch_op.create_check_constraint(
            op.f("ck_mismatches_waived_has_end"),
            "(state = 'waived') = (waived_until IS NOT NULL)",
        )
    op.create_table(
        "acts",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column(
            "mismatch_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(length=200), nullable=False),
        sa.Column("act", sa.String(length=64), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=True),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "act IN ('acknowledge', 'assign', 'comment', 'waive', 'reopen')",
            name=op.f("ck_acts_act_known"),
        ),
        sa.ForeignKeyConstraint(
            ["mismatch_id"], ["mismatches.id"], name=op.f("fk_acts_mismatch_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acts")),
    )
    op.create_index("ix_acts_mismatch_id", "acts", ["mismatch_id"], unique=False)
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)
