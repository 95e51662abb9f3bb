"""Which table keeps the business days that are closed?"""

import sqlalchemy as sa

from service.ledger.columns import append_only, metadata

# A closing holds the hash of the one before: each has one follower, and a day closes once.
closings = sa.Table(
    "closings",
    metadata,
    # whole days since 1970
    sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("previous", sa.String(64), nullable=False),
    # sha256 of the content
    sa.Column("hash", sa.String(64), nullable=False),
    # the one line of JSON that core.closing makes
    sa.Column("content", sa.Text, nullable=False),
    sa.UniqueConstraint("previous"),
)
append_only(closings)
