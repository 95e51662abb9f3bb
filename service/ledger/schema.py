"""Which tables the ledger has, and which truths their constraints keep."""

import sqlalchemy as sa

from service.ledger.columns import (
    BigId,
    Book,
    Instant,
    Key,
    Word,
    append_only,
    metadata,
    partial,
    words,
)
from service.ledger.sink_tables import dropped as dropped
from service.ledger.sink_tables import sinks as sinks
from service.ledger.statement_tables import statement_lines as statement_lines
from service.ledger.statement_tables import statements as statements

meta = sa.Table(
    "meta",
    metadata,
    sa.Column("name", Word, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

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

# Each row names both of its accounts, so that the journal balances by construction.
postings = sa.Table(
    "postings",
    metadata,
    sa.Column("id", BigId, primary_key=True, autoincrement=True),
    sa.Column("account", Word, nullable=False),
    sa.Column("kind", Word, nullable=False),
    sa.Column("object_id", Key, nullable=False),
    sa.Column("entry", sa.Integer, nullable=False),
    sa.Column("line", sa.Integer, nullable=False),
    sa.Column("debit", Book, nullable=False),
    sa.Column("credit", Book, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("currency", Word, nullable=False),
    sa.Column("app", Key),
    sa.Column("order_id", Key),
    # when it happened at the provider, and when we knew
    sa.Column("happened_at", Instant, nullable=False),
    sa.Column("known_at", Instant, nullable=False),
    sa.Column("corrects", sa.Integer),
    sa.UniqueConstraint("account", "kind", "object_id", "entry", "line"),
    sa.CheckConstraint("amount > 0", name="amount_moves"),
    sa.CheckConstraint("debit <> credit", name="two_accounts"),
    sa.CheckConstraint("corrects < entry", name="corrects_earlier"),
)
sa.Index("ix_postings_known_at", postings.c.known_at)
append_only(postings)

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

mismatches = sa.Table(
    "mismatches",
    metadata,
    sa.Column("id", BigId, primary_key=True, autoincrement=True),
    sa.Column("rule", Word, nullable=False),
    sa.Column("account", Word, nullable=False),
    sa.Column("kind", Word, nullable=False),
    sa.Column("object_id", Key, nullable=False),
    sa.Column("state", Word, nullable=False),
    sa.Column("severity", Word, nullable=False),
    # the two sides that differ: minor units as text, ids or words, as the rule says
    sa.Column("ours", sa.String(200), nullable=False),
    sa.Column("theirs", sa.String(200), nullable=False),
    sa.Column("currency", Word),
    sa.Column("found_at", Instant, nullable=False),
    sa.Column("opened_at", Instant),
    sa.Column("settled_at", Instant),
    # who looks after it, and until when a person said that it may stand
    sa.Column("owner", Word),
    sa.Column("waived_until", Instant),
    # how often it was opened: once, and again after each waiver that ended
    sa.Column("turns", sa.Integer, nullable=False, server_default="1"),
    sa.CheckConstraint("(state = 'waived') = (waived_until IS NOT NULL)", name="waived_has_end"),
    words("state", "suspected", "open", "acknowledged", "waived", "settled"),
)
partial(
    "uq_mismatches_live",
    [mismatches.c.account, mismatches.c.rule, mismatches.c.kind, mismatches.c.object_id],
    "state <> 'settled'",
    unique=True,
)
partial("ix_mismatches_live", [mismatches.c.rule], "state <> 'settled'")
sa.Index("ix_mismatches_object", mismatches.c.account, mismatches.c.kind, mismatches.c.object_id)

# Who did what about a mismatch, and when: nothing of it is ever changed.
acts = sa.Table(
    "acts",
    metadata,
    sa.Column("id", BigId, primary_key=True, autoincrement=True),
    sa.Column("mismatch_id", BigId, sa.ForeignKey("mismatches.id"), nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("who", Key, nullable=False),
    sa.Column("act", Word, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("owner", Word),
    sa.Column("until", Instant),
    words("act", "acknowledge", "assign", "comment", "waive", "reopen"),
)
sa.Index("ix_acts_mismatch_id", acts.c.mismatch_id)
append_only(acts)

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

slots = sa.Table(
    "slots",
    metadata,
    sa.Column("job", Word, primary_key=True),
    sa.Column("slot_at", Instant, primary_key=True),
    sa.Column("holder", Key, nullable=False),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("finished_at", Instant),
    sa.Column("outcome", sa.String(200)),
)

replicas = sa.Table(
    "replicas",
    metadata,
    sa.Column("name", Key, primary_key=True),
    sa.Column("role", Word, nullable=False),
    sa.Column("address", Key),
    # opens the replica's own diagnostics; whoever can read the ledger may ask
    sa.Column("token", sa.String(64), nullable=False),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("ticked_at", Instant, nullable=False),
)

notices = sa.Table(
    "notices",
    metadata,
    # something that is told once: an unknown word, a differing retry, a refused key
    sa.Column("account", Word, primary_key=True),
    sa.Column("cause", Word, primary_key=True),
    sa.Column("subject", Key, primary_key=True),
    sa.Column("first_at", Instant, nullable=False),
    sa.Column("last_at", Instant, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
)

pages = sa.Table(
    "pages",
    metadata,
    # how far a walk over one of the provider's lists has come
    sa.Column("account", Word, primary_key=True),
    sa.Column("list", Key, primary_key=True),
    sa.Column("cursor", sa.Text, nullable=False),
    sa.Column("walked_at", Instant, nullable=False),
)

sendings = sa.Table(
    "sendings",
    metadata,
    # an operation that must not be sent twice, from before it is sent until it has its answer
    sa.Column("account", Word, primary_key=True),
    sa.Column("operation", Word, primary_key=True),
    # sha256 of what tells one sending from another: its number, or what it acts on
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("started_at", Instant, nullable=False),
)

# who opened personal data: each line holds the hash of the one before
audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", BigId, primary_key=True, autoincrement=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("who", Key, nullable=False),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.UniqueConstraint("previous"),
)
append_only(audit)
