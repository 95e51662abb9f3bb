"""Which tables keep what people are told, on which channel, and what became of it."""

import sqlalchemy as sa

from service.ledger.columns import BigId, Instant, Key, Word, metadata, partial, words

# Whoever composes for a channel holds its row: two replicas never tell the same thing twice.
people_channels = sa.Table(
    "people_channels",
    metadata,
    sa.Column("name", Word, primary_key=True),
    sa.Column("known_since", Instant, nullable=False),
    # the last business day whose morning digest was made
    sa.Column("digest_on", sa.String(10)),
)

# A cause is what is told as one: a rule, an alert or a notice, of one account.
people_causes = sa.Table(
    "people_causes",
    metadata,
    sa.Column("channel", Word, primary_key=True),
    sa.Column("source", Word, primary_key=True),
    sa.Column("code", Word, primary_key=True),
    sa.Column("account", Word, primary_key=True),
    sa.Column("severity", Word, nullable=False),
    # what names its incident, where the channel has such: the cause itself, or "more" in a storm
    sa.Column("topic", Key, nullable=False),
    # since when it has been open without a break, as far as this channel was told; None: it is not
    sa.Column("open_since", Instant),
    # when openings were told last, endings, and that it is still open
    sa.Column("told_at", Instant),
    sa.Column("ended_at", Instant),
    sa.Column("reminded_at", Instant),
    # when it was handed on to another channel
    sa.Column("escalated_at", Instant),
)

people_told = sa.Table(
    "people_told",
    metadata,
    # what a channel was told of and whose end it was not told of yet
    sa.Column("channel", Word, primary_key=True),
    sa.Column("source", Word, primary_key=True),
    # the number of a mismatch or of an alert; of a notice its words
    sa.Column("ref", sa.String(340), primary_key=True),
    sa.Column("code", Word, nullable=False),
    sa.Column("account", Word, nullable=False),
    sa.Column("state", Word, nullable=False),
    sa.Column("told_at", Instant, nullable=False),
    words("source", "mismatch", "alert", "notice"),
    words("state", "open", "waived"),
)
sa.Index("ix_people_told_cause", people_told.c.channel, people_told.c.code, people_told.c.account)

people_notes = sa.Table(
    "people_notes",
    metadata,
    sa.Column("id", BigId, primary_key=True, autoincrement=True),
    sa.Column("channel", Word, nullable=False),
    sa.Column("what", Word, nullable=False),
    sa.Column("made_at", Instant, nullable=False),
    # a JSON document: title, text and, for channels that have them, the incidents
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("state", Word, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_try_at", Instant, nullable=False),
    sa.Column("last_error", Word),
    sa.Column("claim_token", sa.String(32)),
    sa.Column("claimed_until", Instant),
    sa.Column("settled_at", Instant),
    words("what", "news", "reminder", "escalation", "digest", "test"),
    words("state", "waiting", "sent", "dead"),
)
sa.Index("ix_people_notes_channel", people_notes.c.channel, people_notes.c.id)
partial("ix_people_notes_waiting", [people_notes.c.channel, people_notes.c.id], "state = 'waiting'")
