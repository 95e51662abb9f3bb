"""Which tables keep what was seen of Ping++'s objects, and what is believed of them."""

import sqlalchemy as sa

from service.ledger.columns import BigId, Instant, Key, Word, metadata, partial, words

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", BigId, primary_key=True, autoincrement=True),
    sa.Column("account", Word, nullable=False),
    # the event id, else "sha256:" and the digest; evidence adds "#" and its content digest
    sa.Column("dedup_key", sa.String(280), nullable=False),
    # sha256 of the body with the value of pending_webhooks blanked: equal for honest retries
    sa.Column("content_digest", sa.String(64), nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("signature", sa.Text, nullable=False),
    sa.Column("key_fingerprint", sa.String(64), nullable=False),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("verdict", Word, nullable=False),
    sa.Column("state", Word, nullable=False),
    sa.Column("reason", Word),
    sa.Column("event_type", sa.String(128)),
    sa.Column("repeats", sa.Integer, nullable=False, server_default="0"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("claim_token", sa.String(32)),
    sa.Column("claimed_until", Instant),
    sa.Column("handled_at", Instant),
    # the trace it began, as W3C writes it; null: nobody traced it
    sa.Column("traceparent", sa.String(55)),
    sa.UniqueConstraint("account", "dedup_key"),
    words("verdict", "accepted", "evidence"),
    words("state", "waiting", "applied", "kept", "quarantined"),
)
partial("ix_deliveries_waiting", [deliveries.c.id], "state = 'waiting'")
partial("ix_deliveries_quarantined", [deliveries.c.id], "state = 'quarantined'")
sa.Index("ix_deliveries_received_at", deliveries.c.received_at)

beliefs = sa.Table(
    "beliefs",
    metadata,
    sa.Column("account", Word, primary_key=True),
    sa.Column("kind", Word, primary_key=True),
    sa.Column("object_id", Key, primary_key=True),
    # the whole join as canonical JSON; every column down to heard_at is derived from it
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("status", Word, nullable=False),
    sa.Column("final", sa.Boolean, nullable=False),
    sa.Column("conflict", sa.Boolean, nullable=False),
    sa.Column("failing", sa.Boolean, nullable=False),
    sa.Column("contested", sa.String(200), nullable=False),
    sa.Column("app", Key),
    sa.Column("order_no", Key),
    sa.Column("order_id", Key),
    sa.Column("charge_id", Key),
    sa.Column("allocation_id", Key),
    sa.Column("user_id", Key),
    sa.Column("channel", Word),
    sa.Column("currency", Word),
    sa.Column("amount", sa.BigInteger),
    sa.Column("amount_paid", sa.BigInteger),
    sa.Column("amount_refunded", sa.BigInteger),
    sa.Column("created_at", Instant),
    sa.Column("since_at", Instant, nullable=False),
    # when a notification first said the current status; null: only our own questions said it
    sa.Column("notified_at", Instant),
    # when a notification first said anything of it; null: it was found only by asking
    sa.Column("heard_at", Instant),
    sa.Column("seq", sa.Integer, nullable=False),
    # what was published last, as canonical JSON; null before the first change
    sa.Column("told", sa.Text),
    # what the journal holds of it, as canonical JSON; null while it moved no money
    sa.Column("booked", sa.Text),
    sa.Column("updated_at", Instant, nullable=False),
    # what statements are compared with: the channel's number, when money moved, and for what fee
    sa.Column("transaction_no", Key),
    sa.Column("moved_at", Instant),
    sa.Column("fee", sa.BigInteger),
    sa.CheckConstraint("seq >= 0", name="seq_counts"),
)
# Partial, though they hold nearly all rows: without statistics PostgreSQL would else take one of
# them for a look-up by primary key.
partial(
    "ix_beliefs_order_id",
    [beliefs.c.account, beliefs.c.order_id, beliefs.c.kind],
    "order_id IS NOT NULL",
)
partial(
    "ix_beliefs_charge_id",
    [beliefs.c.account, beliefs.c.charge_id, beliefs.c.kind],
    "charge_id IS NOT NULL",
)
partial(
    "ix_beliefs_order_no",
    [beliefs.c.account, beliefs.c.kind, beliefs.c.order_no, beliefs.c.object_id],
    "order_no IS NOT NULL",
)
partial(
    "ix_beliefs_created_at",
    [beliefs.c.account, beliefs.c.kind, beliefs.c.created_at],
    "created_at IS NOT NULL",
)
partial(
    "ix_beliefs_user_id",
    [beliefs.c.account, beliefs.c.user_id],
    "user_id IS NOT NULL",
)
sa.Index("ix_beliefs_updated_at", beliefs.c.updated_at)
partial(
    "ix_beliefs_transaction_no",
    [beliefs.c.account, beliefs.c.transaction_no],
    "transaction_no IS NOT NULL",
)
partial(
    "ix_beliefs_moved_at",
    [beliefs.c.account, beliefs.c.kind, beliefs.c.moved_at],
    "moved_at IS NOT NULL",
)

observations = sa.Table(
    "observations",
    metadata,
    sa.Column("id", BigId, primary_key=True, autoincrement=True),
    sa.Column("account", Word, nullable=False),
    sa.Column("kind", Word, nullable=False),
    sa.Column("object_id", Key, nullable=False),
    sa.Column("source", Word, nullable=False),
    sa.Column("seen_at", Instant, nullable=False),
    sa.Column("recorded_at", Instant, nullable=False),
    sa.Column("delivery_id", BigId, sa.ForeignKey("deliveries.id")),
    sa.Column("decision", Word, nullable=False),
    # the sighting as canonical JSON: what `rebuild` joins again
    sa.Column("body", sa.Text, nullable=False),
    # the answer's bytes, for sightings that no delivery keeps
    sa.Column("raw", sa.LargeBinary),
    words("source", "webhook", "poll", "list", "statement", "replay"),
    words("decision", "applied", "unchanged", "late", "conflicting"),
)
sa.Index(
    "ix_observations_object",
    observations.c.account,
    observations.c.kind,
    observations.c.object_id,
    observations.c.id,
)
partial(
    "ix_observations_delivery_id",
    [observations.c.delivery_id],
    "delivery_id IS NOT NULL",
)

changes = sa.Table(
    "changes",
    metadata,
    sa.Column("id", BigId, primary_key=True, autoincrement=True),
    sa.Column("account", Word, nullable=False),
    sa.Column("kind", Word, nullable=False),
    sa.Column("object_id", Key, nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("source", Word, nullable=False),
    sa.Column("before", sa.Text),
    sa.Column("after", sa.Text, nullable=False),
    sa.Column("correction", sa.Boolean, nullable=False),
    sa.UniqueConstraint("account", "kind", "object_id", "seq"),
    sa.CheckConstraint("seq > 0", name="seq_counts"),
)

watches = sa.Table(
    "watches",
    metadata,
    sa.Column("account", Word, primary_key=True),
    sa.Column("kind", Word, primary_key=True),
    sa.Column("object_id", Key, primary_key=True),
    # where the object is asked for, besides its own id: its app, order or charge
    sa.Column("app", Key),
    sa.Column("order_id", Key),
    sa.Column("charge_id", Key),
    sa.Column("state", Word, nullable=False),
    sa.Column("reason", Word, nullable=False),
    sa.Column("next_look_at", Instant),
    sa.Column("deadline_at", Instant),
    sa.Column("looks", sa.Integer, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("last_looked_at", Instant),
    sa.Column("last_answer", Word),
    sa.Column("claim_token", sa.String(32)),
    sa.Column("claimed_until", Instant),
    words("state", "active", "ended"),
    sa.CheckConstraint("state = 'ended' OR next_look_at IS NOT NULL", name="active_looks_again"),
)
# by account: one that cannot be asked, with all its due objects, costs the others nothing
partial("ix_watches_due", [watches.c.account, watches.c.next_look_at], "state = 'active'")
partial("ix_watches_deadline", [watches.c.deadline_at], "state = 'active'")

looks = sa.Table(
    "looks",
    metadata,
    sa.Column("id", BigId, primary_key=True, autoincrement=True),
    sa.Column("account", Word, nullable=False),
    sa.Column("kind", Word, nullable=False),
    sa.Column("object_id", Key, nullable=False),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("answer", Word, nullable=False),
)
sa.Index("ix_looks_object", looks.c.account, looks.c.kind, looks.c.object_id, looks.c.id)
