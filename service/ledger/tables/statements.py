"""Which tables keep statements, their lines, and what becomes of a file that was removed?"""

import sqlalchemy as sa

from service.ledger.columns import BigId, Instant, Key, Word, metadata, partial, words

statements = sa.Table(
    "statements",
    metadata,
    sa.Column("id", BigId, primary_key=True, autoincrement=True),
    sa.Column("account", Word, nullable=False),
    sa.Column("source", Word, nullable=False),
    # the file's name without its folder, and the sha256 of its bytes
    sa.Column("name", Key, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("state", Word, nullable=False),
    sa.Column("lines", sa.Integer, nullable=False),
    # lines that another file had brought already
    sa.Column("known", sa.Integer, nullable=False),
    # the business days it speaks for, as whole days since 1970
    sa.Column("first_day", sa.Integer, nullable=False),
    sa.Column("last_day", sa.Integer, nullable=False),
    sa.Column("imported_at", Instant, nullable=False),
    sa.Column("removed_at", Instant),
    sa.Column("reason", sa.String(200)),
    words("state", "staged", "imported", "removed"),
    sa.CheckConstraint("first_day <= last_day", name="days_in_order"),
    sa.CheckConstraint("(state = 'removed') = (removed_at IS NOT NULL)", name="removed_when"),
)
partial(
    "uq_statements_imported",
    [statements.c.account, statements.c.source, statements.c.digest],
    "state = 'imported'",
    unique=True,
)

statement_lines = sa.Table(
    "statement_lines",
    metadata,
    sa.Column("statement_id", BigId, sa.ForeignKey("statements.id"), primary_key=True),
    # the line of the file, the first is 1
    sa.Column("line", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("account", Word, nullable=False),
    sa.Column("source", Word, nullable=False),
    sa.Column("what", Word, nullable=False),
    sa.Column("order_no", Key),
    sa.Column("transaction_no", Key),
    sa.Column("refund_no", Key),
    sa.Column("object_id", Key),
    # minor units, never negative
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("fee", sa.BigInteger),
    sa.Column("currency", Word, nullable=False),
    sa.Column("status", Word, nullable=False),
    # whether that word says that money has moved
    sa.Column("done", sa.Boolean, nullable=False),
    sa.Column("at", Instant),
    sa.Column("day", sa.Integer, nullable=False),
    # what the line says, digested, and which of its equals in the file it is
    sa.Column("mark", sa.String(40), nullable=False),
    # another file had brought it before: it is kept and not counted
    sa.Column("known", sa.Boolean, nullable=False),
    words("what", "payment", "refund", "withdrawal"),
    sa.CheckConstraint("amount >= 0", name="amount_counts"),
)
sa.Index(
    "ix_statement_lines_mark",
    statement_lines.c.account,
    statement_lines.c.source,
    statement_lines.c.mark,
)
