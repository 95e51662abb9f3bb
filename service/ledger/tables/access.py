"""Which tables keep who may look and act: people, their sessions, programs' tokens?

No secret stands here: of cookies, tokens and states the SHA-256, of passwords an argon2id hash.
"""

import sqlalchemy as sa

from service.ledger.columns import Instant, Key, Word, metadata, words

DIGEST = sa.String(64)

users = sa.Table(
    "users",
    metadata,
    sa.Column("id", Word, primary_key=True),
    # small letters: two people never differ in their capitals
    sa.Column("name", Word, nullable=False, unique=True),
    # words parted by commas, in their order
    sa.Column("roles", sa.String(200), nullable=False),
    # accounts parted by commas; none: all of them
    sa.Column("accounts", sa.Text),
    sa.Column("language", sa.String(2), nullable=False),
    # NULL for who signs in elsewhere
    sa.Column("password", sa.String(200)),
    sa.Column("must_change", sa.Boolean, nullable=False),
    # who says so, and what they call them
    sa.Column("issuer", Key),
    sa.Column("subject", Key),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("disabled_at", Instant),
    words("language", "zh", "en"),
    sa.UniqueConstraint("issuer", "subject"),
    sa.CheckConstraint("(issuer IS NULL) = (subject IS NULL)", name="subject_whole"),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("digest", DIGEST, primary_key=True),
    sa.Column("user_id", Word, sa.ForeignKey("users.id"), nullable=False, index=True),
    sa.Column("address", Key, nullable=False),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("seen_at", Instant, nullable=False, index=True),
)

tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("id", Word, primary_key=True),
    sa.Column("digest", DIGEST, nullable=False, unique=True),
    sa.Column("name", Word, nullable=False),
    sa.Column("scopes", sa.String(200), nullable=False),
    sa.Column("accounts", sa.Text),
    sa.Column("made_by", Key, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
    sa.Column("used_at", Instant),
    sa.Column("revoked_at", Instant),
)

attempts = sa.Table(
    "attempts",
    metadata,
    # of a name and an address, or of an address alone: what failed since it last went well
    sa.Column("digest", DIGEST, primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("last_at", Instant, nullable=False, index=True),
)

handshakes = sa.Table(
    "handshakes",
    metadata,
    # somebody who was sent to sign in elsewhere and is not back yet
    sa.Column("digest", DIGEST, primary_key=True),
    sa.Column("browser", DIGEST, nullable=False),
    sa.Column("nonce", sa.String(64), nullable=False),
    sa.Column("verifier", sa.String(128), nullable=False),
    sa.Column("after", sa.String(500), nullable=False),
    sa.Column("started_at", Instant, nullable=False, index=True),
)

answers = sa.Table(
    "answers",
    metadata,
    # what a program was answered under an Idempotency-Key, or a person to a form; no status: it is
    # being done. token_id: the token's or the person's
    sa.Column("token_id", Word, primary_key=True),
    sa.Column("digest", DIGEST, primary_key=True),
    sa.Column("asked", DIGEST, nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("body", sa.Text),
    sa.Column("started_at", Instant, nullable=False, index=True),
)
