"""Was this asked before, under the same Idempotency-Key, and what was answered?"""

from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa

from service.ledger.dialect import insert
from service.ledger.engine import Connection
from service.ledger.schema import answers

# whoever has not answered by then has died
DOING = timedelta(minutes=1)


class Kept(NamedTuple):
    """What was asked (a digest) and answered; no status: it is being done just now."""

    asked: str
    status: int | None
    body: str | None


def claim(
    connection: Connection, token_id: str, digest: str, asked: str, *, now: datetime
) -> Kept | None:
    """None: it is ours to do now. Else what another request under this key came to."""
    here = (answers.c.token_id == token_id, answers.c.digest == digest)
    row = {"token_id": token_id, "digest": digest, "asked": asked, "started_at": now}
    made = insert(connection, answers).on_conflict_do_nothing().returning(answers.c.digest)
    if connection.execute(made, row).first() is not None:
        return None
    over = (answers.c.status.is_(None), answers.c.started_at <= now - DOING)
    again = sa.update(answers).where(*here, *over, answers.c.asked == asked)
    if connection.execute(again.values(started_at=now)).rowcount:
        return None
    kept = connection.execute(sa.select(*(answers.c[n] for n in Kept._fields)).where(*here)).first()
    return Kept(*kept) if kept else None


def keep(connection: Connection, token_id: str, digest: str, status: int, body: str) -> None:
    """Remember what was answered."""
    here = (answers.c.token_id == token_id, answers.c.digest == digest)
    connection.execute(sa.update(answers).where(*here).values(status=status, body=body))


def forget(connection: Connection, token_id: str, digest: str) -> None:
    """It came to nothing, so it may be asked again."""
    here = (answers.c.token_id == token_id, answers.c.digest == digest)
    connection.execute(sa.delete(answers).where(*here))
