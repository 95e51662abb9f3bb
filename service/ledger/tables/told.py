"""Which tables keep what is told, to whom, and what became of it."""

import sqlalchemy as sa

from service.ledger.columns import BigId, Instant, Key, Word, metadata, partial, words

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", BigId, primary_key=True, autoincrement=True),
    # sha256 over the ledger's epoch, the stream and seq: the same on every resend
    sa.Column("message_id", sa.String(64), nullable=False),
    # what the message is about; messages of one stream are sent in order of seq
    sa.Column("stream", sa.String(340), nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("account", Word, nullable=False),
    sa.Column("type", sa.String(128), nullable=False),
    # the exact bytes that every sink sends: a CloudEvents 1.0 JSON document
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    # the trace that led to it, as W3C writes it; null: nobody traced it
    sa.Column("traceparent", sa.String(55)),
    sa.UniqueConstraint("message_id"),
    sa.UniqueConstraint("stream", "seq"),
)

dispatches = sa.Table(
    "dispatches",
    metadata,
    sa.Column("outbox_id", BigId, sa.ForeignKey("outbox.id"), primary_key=True),
    sa.Column("sink", Word, primary_key=True),
    sa.Column("stream", sa.String(340), nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("state", Word, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_try_at", Instant, nullable=False),
    sa.Column("last_error", Word),
    sa.Column("claim_token", sa.String(32)),
    sa.Column("claimed_until", Instant),
    sa.Column("settled_at", Instant),
    sa.UniqueConstraint("sink", "stream", "seq"),
    words("state", "waiting", "sent", "dead"),
)
# "next_try_at > 0" is always true: it keeps this index for questions about time. Without it
# PostgreSQL, with statistics from before a backlog, walks it once for every waiting message.
partial(
    "ix_dispatches_waiting",
    [dispatches.c.sink, dispatches.c.next_try_at],
    "state = 'waiting' AND next_try_at > 0",
)
partial(
    "ix_dispatches_stream_waiting",
    [dispatches.c.sink, dispatches.c.stream, dispatches.c.seq],
    "state = 'waiting'",
)
partial("ix_dispatches_dead", [dispatches.c.sink], "state = 'dead'")
partial("ix_dispatches_dead_id", [dispatches.c.outbox_id, dispatches.c.sink], "state = 'dead'")

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
