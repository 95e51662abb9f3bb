"""Keep what was added up of the journal, and the provider's card (pre)."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

_WORD, _BOOK = sa.String(64), sa.String(240)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def upgrade() -> None:
    """Make the tables, and say that nothing is added up yet."""
    op.create_table(
        "moves",
        sa.Column("quarter_at", sa.BigInteger(), nullable=False),
        *(sa.Column(name, _WORD, nullable=False) for name in ("account", "measure", "currency")),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        _count("count"),
        sa.PrimaryKeyConstraint(
            "quarter_at", "account", "measure", "currency", name=op.f("pk_moves")
        ),
    )
    op.create_table(
        "standings",
        sa.Column("account", _WORD, nullable=False),
        sa.Column("book", _BOOK, nullable=False),
        sa.Column("currency", _WORD, nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("debit", "credit")),
        sa.PrimaryKeyConstraint("account", "book", "currency", name=op.f("pk_standings")),
    )
    op.create_table(
        "card_lines",
        _count("week"),
        *(sa.Column(name, _WORD, nullable=False) for name in ("account", "kind", "channel")),
        *(_count(name) for name in ("objects", "due", "lost", "asked_first")),
        *(_count(name) for name in ("events", "repeats", "late", "delays")),
        *(sa.Column(name, sa.BigInteger()) for name in ("delay_p50", "delay_p99")),
        _count("ended"),
        *(sa.Column(name, sa.BigInteger()) for name in ("to_final_p50", "to_final_p99")),
        sa.PrimaryKeyConstraint("week", "account", "kind", "channel", name=op.f("pk_card_lines")),
    )
    op.create_table(
        "card_weeks",
        sa.Column("week", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("measured_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("week", name=op.f("pk_card_weeks")),
    )
    condition = sa.text("state = 'dead'")
    op.create_index(
        "ix_dispatches_dead_id",
        "dispatches",
        ["outbox_id", "sink"],
        sqlite_where=condition,
        postgresql_where=condition,
    )
    op.execute("INSERT INTO meta (name, value) VALUES ('counted', '0')")
