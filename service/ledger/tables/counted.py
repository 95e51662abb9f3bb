"""Which tables keep what was added up or measured beforehand, so that a page need not?

Nothing here is a truth of its own: all of it follows from other tables.
"""

import sqlalchemy as sa

from service.ledger.columns import Book, Instant, Word, metadata

# What moved in a quarter of an hour, by the journal up to the posting that `meta` names.
moves = sa.Table(
    "moves",
    metadata,
    sa.Column("quarter_at", Instant, primary_key=True),
    sa.Column("account", Word, primary_key=True),
    # a word of `ledger.moving`: paid, refunded, …
    sa.Column("measure", Word, primary_key=True),
    sa.Column("currency", Word, primary_key=True),
    # minor units, corrections taken off; and by how many postings
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
)

# Both sides of each account of the journal, up to the same posting.
standings = sa.Table(
    "standings",
    metadata,
    sa.Column("account", Word, primary_key=True),
    sa.Column("book", Book, primary_key=True),
    sa.Column("currency", Word, primary_key=True),
    sa.Column("debit", sa.BigInteger, nullable=False),
    sa.Column("credit", sa.BigInteger, nullable=False),
)

# A line of the provider's card: of what was created in a week. Times are microseconds.
card_lines = sa.Table(
    "card_lines",
    metadata,
    # its Monday, as whole days since 1970
    sa.Column("week", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("account", Word, primary_key=True),
    sa.Column("kind", Word, primary_key=True),
    # empty where the object has none
    sa.Column("channel", Word, primary_key=True),
    sa.Column("objects", sa.Integer, nullable=False),
    sa.Column("due", sa.Integer, nullable=False),
    sa.Column("lost", sa.Integer, nullable=False),
    sa.Column("asked_first", sa.Integer, nullable=False),
    sa.Column("events", sa.Integer, nullable=False),
    sa.Column("repeats", sa.Integer, nullable=False),
    sa.Column("late", sa.Integer, nullable=False),
    sa.Column("delays", sa.Integer, nullable=False),
    sa.Column("delay_p50", sa.BigInteger),
    sa.Column("delay_p99", sa.BigInteger),
    sa.Column("ended", sa.Integer, nullable=False),
    sa.Column("to_final_p50", sa.BigInteger),
    sa.Column("to_final_p99", sa.BigInteger),
)

# When each week of it was measured, also one in which nothing was created.
card_weeks = sa.Table(
    "card_weeks",
    metadata,
    sa.Column("week", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("measured_at", Instant, nullable=False),
)
