"""Which tables keep how the processes of a ledger run, and what they must remember."""

import sqlalchemy as sa

from service.ledger.columns import BigId, Instant, Key, Word, append_only, metadata, partial

meta = sa.Table(
    "meta",
    metadata,
    sa.Column("name", Word, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

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

successes = sa.Table(
    "successes",
    metadata,
    # when each job last ended well, in whichever process
    sa.Column("job", Word, primary_key=True),
    sa.Column("at", Instant, nullable=False),
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

alerts = sa.Table(
    "alerts",
    metadata,
    # something about our own running that holds for a while; account: empty when it is of none
    sa.Column("id", BigId, primary_key=True, autoincrement=True),
    sa.Column("code", Word, nullable=False),
    sa.Column("account", Word, nullable=False),
    sa.Column("subject", Key, nullable=False),
    sa.Column("severity", Word, nullable=False),
    # figures as text: "41 min", "0.93"
    sa.Column("shown", Key, nullable=False),
    # how often it has opened, this time among them
    sa.Column("turn", sa.Integer, nullable=False),
    sa.Column("opened_at", Instant, nullable=False),
    sa.Column("settled_at", Instant),
    # who has seen it: nobody is reminded of it, and it is not handed on
    sa.Column("acknowledged_at", Instant),
    sa.Column("acknowledged_by", Key),
)
partial(
    "uq_alerts_open",
    [alerts.c.code, alerts.c.account, alerts.c.subject],
    "settled_at IS NULL",
    unique=True,
)
sa.Index("ix_alerts_opened_at", alerts.c.opened_at)

refusals = sa.Table(
    "refusals",
    metadata,
    # how many deliveries without a good signature came to an account in a minute; nothing of them
    sa.Column("account", Word, primary_key=True),
    sa.Column("minute_at", Instant, primary_key=True),
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

radar = sa.Table(
    "radar",
    metadata,
    # how the objects created in an hour came into the ledger, by what the lists show
    sa.Column("account", Word, primary_key=True),
    sa.Column("kind", Word, primary_key=True),
    sa.Column("hour_at", Instant, primary_key=True),
    sa.Column("listed", sa.Integer, nullable=False),
    sa.Column("delivered", sa.Integer, nullable=False),
    sa.Column("asked", sa.Integer, nullable=False),
    sa.Column("quiet", sa.Integer, nullable=False),
    sa.Column("unexplained", sa.Integer, nullable=False),
    sa.Column("measured_at", Instant, nullable=False),
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
