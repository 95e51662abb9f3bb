"""Keep the journal: postings, and what is booked of each belief (pre)."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_SQLITE = (
    "CREATE TRIGGER postings_stay_updated BEFORE UPDATE ON postings"
    " BEGIN SELECT RAISE(ABORT, 'postings are never changed'); END",
    "CREATE TRIGGER postings_stay_deleted BEFORE DELETE ON postings"
    " BEGIN SELECT RAISE(ABORT, 'postings are never changed'); END",
)
_POSTGRESQL = (
    "CREATE OR REPLACE FUNCTION postings_stay() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION 'postings are never changed'; END $$",
    "CREATE TRIGGER postings_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON postings"
    " FOR EACH STATEMENT EXECUTE FUNCTION postings_stay()",
)


def upgrade() -> None:
    """Add the table, its triggers and the column."""
    op.add_column("beliefs", sa.Column("booked", sa.Text(), nullable=True))
    op.create_table(
        "postings",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("object_id", sa.String(length=200), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("debit", sa.String(length=240), nullable=False),
        sa.Column("credit", sa.String(length=240), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=64), nullable=False),
        sa.Column("app", sa.String(length=200), nullable=True),
        sa.Column("order_id", sa.String(length=200), nullable=True),
        sa.Column("happened_at", sa.BigInteger(), nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("corrects", sa.Integer(), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_postings_amount_moves")),
        sa.CheckConstraint("corrects < entry", name=op.f("ck_postings_corrects_earlier")),
        sa.CheckConstraint("debit <> credit", name=op.f("ck_postings_two_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_postings")),
        sa.UniqueConstraint(
            "account",
            "kind",
            "object_id",
            "entry",
            "line",
            name=op.f("uq_postings_account_kind_object_id_entry_line"),
        ),
    )
    op.create_index("ix_postings_known_at", "postings", ["known_at"], unique=False)
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)
