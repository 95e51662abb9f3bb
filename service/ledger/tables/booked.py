"""Which tables keep the money that has moved, what does not agree, and what people do about it."""

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
sa.Index("ix_postings_happened_at", postings.c.happened_at)
# What has moved a wallet, for the rule that compares it with the balance that the provider states.
for _side in ("debit", "credit"):
    partial(
        f"ix_postings_wallet_{_side}",
        [postings.c.account, postings.c[_side], postings.c.happened_at],
        f"substr({_side}, 1, 7) = 'wallet:'",
    )
append_only(postings)

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
partial("ix_mismatches_live_id", [mismatches.c.id], "state <> 'settled'")
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
