"""Keep statements and their lines, and beside beliefs what they are compared with (pre)."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SQLITE = {
    "fact": "json_extract(state, '$.facts.{}[0][1]')",
    "attr": "json_extract(state, '$.shown[3].{}')",
}
_POSTGRES = {
    "fact": "(state::json #>> '{{facts,{},0,1}}')::bigint",
    "attr": "(state::json #>> '{{shown,3,{}}}')",
}


def upgrade() -> None:
    """Add columns, fill them from the states that are kept, add the tables."""
    op.add_column("beliefs", sa.Column("transaction_no", sa.String(length=200), nullable=True))
    op.add_column("beliefs", sa.Column("moved_at", sa.BigInteger(), nullable=True))
    op.add_column("beliefs", sa.Column("fee", sa.BigInteger(), nullable=True))
    _fill()
    for column, keys in (
        ("transaction_no", ["account", "transaction_no"]),
        ("moved_at", ["account", "kind", "moved_at"]),
    ):
        condition = sa.text(f"{column} IS NOT NULL")
        op.create_index(
            f"ix_beliefs_{column}",
            "beliefs",
            keys,
            unique=False,
            sqlite_where=condition,
            postgresql_where=condition,
        )
    _make_statements()
    _make_lines()


def _fill() -> None:
    spelt = _POSTGRES if op.get_bind().dialect.name == "postgresql" else _SQLITE

    def fact(name: str) -> str:
        return spelt["fact"].format(name)

    def attr(name: str) -> str:
        return spelt["attr"].format(name)

    settled, fee = f"CAST({attr('amount_settle')} AS BIGINT)", f"CAST({attr('fee')} AS BIGINT)"
    times = ", ".join(fact(name) for name in ("time_paid", "time_succeeded", "created"))
    op.execute(
        sa.text(f"UPDATE beliefs SET transaction_no = nullif({attr('transaction_no')}, '')")  # noqa: S608
    )
    op.execute(
        sa.text(
            f"UPDATE beliefs SET moved_at = coalesce(coalesce({times}) * 1000000, since_at)"  # noqa: S608
            " WHERE status IN ('paid', 'refunded', 'succeeded')"
        )
    )
    op.execute(
        sa.text(
            f"UPDATE beliefs SET fee = coalesce({fee}, CASE WHEN {settled} > 0"  # noqa: S608
            f" AND {settled} < amount THEN amount - {settled} END)"
        )
    )


def _make_statements() -> None:
    op.create_table(
        "statements",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("known", sa.Integer(), nullable=False),
        sa.Column("first_day", sa.Integer(), nullable=False),
        sa.Column("last_day", sa.Integer(), nullable=False),
        sa.Column("imported_at", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.CheckConstraint(
            "state IN ('staged', 'imported', 'removed')", name=op.f("ck_statements_state_known")
        ),
        sa.CheckConstraint("first_day <= last_day", name=op.f("ck_statements_days_in_order")),
        sa.CheckConstraint(
            "(state = 'removed') = (removed_at IS NOT NULL)",
            name=op.f("ck_statements_removed_when"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statements")),
    )
    condition = sa.text("state = 'imported'")
    op.create_index(
        "uq_statements_imported",
        "statements",
        ["account", "source", "digest"],
        unique=True,
        sqlite_where=condition,
        postgresql_where=condition,
    )


def _make_lines() -> None:
    op.create_table(
        "statement_lines",
        sa.Column("statement_id", _BIG, nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("what", sa.String(length=64), nullable=False),
        sa.Column("order_no", sa.String(length=200), nullable=True),
        sa.Column("transaction_no", sa.String(length=200), nullable=True),
        sa.Column("refund_no", sa.String(length=200), nullable=True),
        sa.Column("object_id", sa.String(length=200), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("fee", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=64), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=True),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("mark", sa.String(length=40), nullable=False),
        sa.Column("known", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "what IN ('payment', 'refund', 'withdrawal')",
            name=op.f("ck_statement_lines_what_known"),
        ),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_statement_lines_amount_counts")),
        sa.ForeignKeyConstraint(
            ["statement_id"],
            ["statements.id"],
            name=op.f("fk_statement_lines_statement_id"),
        ),
        sa.PrimaryKeyConstraint("statement_id", "line", name=op.f("pk_statement_lines")),
    )
    op.create_index(
        "ix_statement_lines_mark", "statement_lines", ["account", "source", "mark"], unique=False
    )
