"""Which tables hold what is known of the sinks, and what was given up for good?"""

import sqlalchemy as sa

from service.ledger.columns import BigId, Instant, Key, Word, metadata

sinks = sa.Table(
    "sinks",
    metadata,
    # every sink that any process was ever set up with
    sa.Column("name", Word, primary_key=True),
    sa.Column("known_since", Instant, nullable=False),
    # while older messages are looked through for it: the number of the last one looked at
    sa.Column("filled_to", BigId),
    sa.Column("fill_from", Instant),
    sa.Column("paused_at", Instant),
    sa.Column("paused_for", Key),
)

dropped = sa.Table(
    "dropped",
    metadata,
    # dead letters that a person gave up, and why
    sa.Column("outbox_id", BigId, sa.ForeignKey("outbox.id"), primary_key=True),
    sa.Column("sink", Word, primary_key=True),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("last_error", Word),
    sa.Column("dropped_at", Instant, nullable=False),
    sa.Column("reason", Key, nullable=False),
)
