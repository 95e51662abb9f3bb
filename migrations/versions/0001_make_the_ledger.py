"""Make the ledger: every table, index and constraint of the first release."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Bring the schema up from nothing."""
    op.create_table(
        "beliefs",
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("object_id", sa.String(length=200), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=64), nullable=False),
        sa.Column("final", sa.Boolean(), nullable=False),
        sa.Column("conflict", sa.Boolean(), nullable=False),
        sa.Column("failing", sa.Boolean(), nullable=False),
        sa.Column("contested", sa.String(length=200), nullable=False),
        sa.Column("app", sa.String(length=200), nullable=True),
        sa.Column("order_no", sa.String(length=200), nullable=True),
        sa.Column("order_id", sa.String(length=200), nullable=True),
        sa.Column("charge_id", sa.String(length=200), nullable=True),
        sa.Column("allocation_id", sa.String(length=200), nullable=True),
        sa.Column("user_id", sa.String(length=200), nullable=True),
        sa.Column("channel", sa.String(length=64), nullable=True),
        sa.Column("currency", sa.String(length=64), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("amount_paid", sa.BigInteger(), nullable=True),
        sa.Column("amount_refunded", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=True),
        sa.Column("since_at", sa.BigInteger(), nullable=False),
        sa.Column("notified_at", sa.BigInteger(), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("told", sa.Text(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("seq >= 0", name=op.f("ck_beliefs_seq_counts")),
        sa.PrimaryKeyConstraint("account", "kind", "object_id", name=op.f("pk_beliefs")),
    )
    with op.batch_alter_table("beliefs") as batch_op:
        batch_op.create_index(
            "ix_beliefs_charge_id",
            ["account", "charge_id", "kind"],
            unique=False,
            sqlite_where=sa.text("charge_id IS NOT NULL"),
            postgresql_where=sa.text("charge_id IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_beliefs_order_id",
            ["account", "order_id", "kind"],
            unique=False,
            sqlite_where=sa.text("order_id IS NOT NULL"),
            postgresql_where=sa.text("order_id IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_beliefs_order_no",
            ["account", "kind", "order_no", "object_id"],
            unique=False,
            sqlite_where=sa.text("order_no IS NOT NULL"),
            postgresql_where=sa.text("order_no IS NOT NULL"),
        )
        batch_op.create_index("ix_beliefs_updated_at", ["updated_at"], unique=False)

    op.create_table(
        "changes",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("object_id", sa.String(length=200), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("correction", sa.Boolean(), nullable=False),
        sa.CheckConstraint("seq > 0", name=op.f("ck_changes_seq_counts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_changes")),
        sa.UniqueConstraint(
            "account",
            "kind",
            "object_id",
            "seq",
            name=op.f("uq_changes_account_kind_object_id_seq"),
        ),
    )
    op.create_table(
        "deliveries",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("dedup_key", sa.String(length=280), nullable=False),
        sa.Column("content_digest", sa.String(length=64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("key_fingerprint", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("event_type", sa.String(length=128), nullable=True),
        sa.Column("repeats", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("claim_token", sa.String(length=32), nullable=True),
        sa.Column("claimed_until", sa.BigInteger(), nullable=True),
        sa.Column("handled_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'applied', 'kept', 'quarantined')",
            name=op.f("ck_deliveries_state_known"),
        ),
        sa.CheckConstraint(
            "verdict IN ('accepted', 'evidence')", name=op.f("ck_deliveries_verdict_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("account", "dedup_key", name=op.f("uq_deliveries_account_dedup_key")),
    )
    with op.batch_alter_table("deliveries") as batch_op:
        batch_op.create_index(
            "ix_deliveries_quarantined",
            ["id"],
            unique=False,
            sqlite_where=sa.text("state = 'quarantined'"),
            postgresql_where=sa.text("state = 'quarantined'"),
        )
        batch_op.create_index("ix_deliveries_received_at", ["received_at"], unique=False)
        batch_op.create_index(
            "ix_deliveries_waiting",
            ["id"],
            unique=False,
            sqlite_where=sa.text("state = 'waiting'"),
            postgresql_where=sa.text("state = 'waiting'"),
        )

    op.create_table(
        "looks",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("object_id", sa.String(length=200), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_looks")),
    )
    with op.batch_alter_table("looks") as batch_op:
        batch_op.create_index(
            "ix_looks_object", ["account", "kind", "object_id", "id"], unique=False
        )

    op.create_table(
        "meta",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_meta")),
    )
    op.create_table(
        "mismatches",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("object_id", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("severity", sa.String(length=64), nullable=False),
        sa.Column("ours", sa.String(length=200), nullable=False),
        sa.Column("theirs", sa.String(length=200), nullable=False),
        sa.Column("currency", sa.String(length=64), nullable=True),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=True),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state IN ('suspected', 'open', 'acknowledged', 'waived', 'settled')",
            name=op.f("ck_mismatches_state_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mismatches")),
    )
    with op.batch_alter_table("mismatches") as batch_op:
        batch_op.create_index(
            "ix_mismatches_live",
            ["rule"],
            unique=False,
            sqlite_where=sa.text("state <> 'settled'"),
            postgresql_where=sa.text("state <> 'settled'"),
        )
        batch_op.create_index(
            "ix_mismatches_object", ["account", "kind", "object_id"], unique=False
        )
        batch_op.create_index(
            "uq_mismatches_live",
            ["account", "rule", "kind", "object_id"],
            unique=True,
            sqlite_where=sa.text("state <> 'settled'"),
            postgresql_where=sa.text("state <> 'settled'"),
        )

    op.create_table(
        "notices",
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("cause", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account", "cause", "subject", name=op.f("pk_notices")),
    )
    op.create_table(
        "outbox",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("message_id", sa.String(length=64), nullable=False),
        sa.Column("stream", sa.String(length=340), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=128), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("message_id", name=op.f("uq_outbox_message_id")),
        sa.UniqueConstraint("stream", "seq", name=op.f("uq_outbox_stream_seq")),
    )
    op.create_table(
        "pages",
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("list", sa.String(length=200), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=False),
        sa.Column("walked_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "list", name=op.f("pk_pages")),
    )
    op.create_table(
        "replicas",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=True),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ticked_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_replicas")),
    )
    op.create_table(
        "slots",
        sa.Column("job", sa.String(length=64), nullable=False),
        sa.Column("slot_at", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.String(length=200), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("job", "slot_at", name=op.f("pk_slots")),
    )
    op.create_table(
        "watches",
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("object_id", sa.String(length=200), nullable=False),
        sa.Column("app", sa.String(length=200), nullable=True),
        sa.Column("order_id", sa.String(length=200), nullable=True),
        sa.Column("charge_id", sa.String(length=200), nullable=True),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("next_look_at", sa.BigInteger(), nullable=True),
        sa.Column("deadline_at", sa.BigInteger(), nullable=True),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_looked_at", sa.BigInteger(), nullable=True),
        sa.Column("last_answer", sa.String(length=64), nullable=True),
        sa.Column("claim_token", sa.String(length=32), nullable=True),
        sa.Column("claimed_until", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state = 'ended' OR next_look_at IS NOT NULL",
            name=op.f("ck_watches_active_looks_again"),
        ),
        sa.CheckConstraint("state IN ('active', 'ended')", name=op.f("ck_watches_state_known")),
        sa.PrimaryKeyConstraint("account", "kind", "object_id", name=op.f("pk_watches")),
    )
    with op.batch_alter_table("watches") as batch_op:
        batch_op.create_index(
            "ix_watches_deadline",
            ["deadline_at"],
            unique=False,
            sqlite_where=sa.text("state = 'active'"),
            postgresql_where=sa.text("state = 'active'"),
        )
        batch_op.create_index(
            "ix_watches_due",
            ["account", "next_look_at"],
            unique=False,
            sqlite_where=sa.text("state = 'active'"),
            postgresql_where=sa.text("state = 'active'"),
        )

    op.create_table(
        "dispatches",
        sa.Column(
            "outbox_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("sink", sa.String(length=64), nullable=False),
        sa.Column("stream", sa.String(length=340), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.BigInteger(), nullable=False),
        sa.Column("last_error", sa.String(length=64), nullable=True),
        sa.Column("claim_token", sa.String(length=32), nullable=True),
        sa.Column("claimed_until", sa.BigInteger(), nullable=True),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'sent', 'dead')", name=op.f("ck_dispatches_state_known")
        ),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name=op.f("fk_dispatches_outbox_id")),
        sa.PrimaryKeyConstraint("outbox_id", "sink", name=op.f("pk_dispatches")),
        sa.UniqueConstraint("sink", "stream", "seq", name=op.f("uq_dispatches_sink_stream_seq")),
    )
    with op.batch_alter_table("dispatches") as batch_op:
        batch_op.create_index(
            "ix_dispatches_dead",
            ["sink"],
            unique=False,
            sqlite_where=sa.text("state = 'dead'"),
            postgresql_where=sa.text("state = 'dead'"),
        )
        batch_op.create_index(
            "ix_dispatches_stream_waiting",
            ["sink", "stream", "seq"],
            unique=False,
            sqlite_where=sa.text("state = 'waiting'"),
            postgresql_where=sa.text("state = 'waiting'"),
        )
        batch_op.create_index(
            "ix_dispatches_waiting",
            ["sink", "next_try_at"],
            unique=False,
            sqlite_where=sa.text("state = 'waiting' AND next_try_at > 0"),
            postgresql_where=sa.text("state = 'waiting' AND next_try_at > 0"),
        )

    op.create_table(
        "observations",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("object_id", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "delivery_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("decision", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "decision IN ('applied', 'unchanged', 'late', 'conflicting')",
            name=op.f("ck_observations_decision_known"),
        ),
        sa.CheckConstraint(
            "source IN ('webhook', 'poll', 'list', 'statement', 'replay')",
            name=op.f("ck_observations_source_known"),
        ),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["deliveries.id"], name=op.f("fk_observations_delivery_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_observations")),
    )
    with op.batch_alter_table("observations") as batch_op:
        batch_op.create_index(
            "ix_observations_delivery_id",
            ["delivery_id"],
            unique=False,
            sqlite_where=sa.text("delivery_id IS NOT NULL"),
            postgresql_where=sa.text("delivery_id IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_observations_object", ["account", "kind", "object_id", "id"], unique=False
        )
