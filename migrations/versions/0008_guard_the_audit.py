"""Guard the audit: its lines stay, and the hash of the last is kept (pre)."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_LAST = "INSERT INTO meta (name, value) SELECT 'audit', hash FROM audit ORDER BY id DESC LIMIT 1"
_SQLITE = (
    "CREATE TRIGGER audit_stay_updated BEFORE UPDATE ON audit"
    " BEGIN SELECT RAISE(ABORT, 'audit are never changed'); END",
    "CREATE TRIGGER audit_stay_deleted BEFORE DELETE ON audit"
    " BEGIN SELECT RAISE(ABORT, 'audit are never changed'); END",
)
_POSTGRESQL = (
    "CREATE OR REPLACE FUNCTION audit_stay() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION 'audit are never changed'; END $$",
    "CREATE TRIGGER audit_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON audit"
    " FOR EACH STATEMENT EXECUTE FUNCTION audit_stay()",
)


def upgrade() -> None:
    """Keep the last hash, and add the triggers."""
    op.execute(sa.text(_LAST))
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)
