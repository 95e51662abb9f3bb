"""What is told once: something odd that has no object of its own; afterwards it is only counted."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.core.filter import Sinks
from service.core.messages import notice_message
from service.ledger import outbox
from service.ledger.dialect import insert
from service.ledger.schema import notices

# So many subjects of one cause are told of by name; all further ones are one: "…".
SUBJECTS_LIMIT = 200
SUBJECT_LENGTH = 200
_REST = "…"


def tell_once(
    connection: sa.Connection,
    account: str,
    cause: str,
    subject: str,
    *,
    epoch: str,
    sinks: Sinks,
    data: Mapping[str, Any],
    now: datetime,
) -> bool:
    """Tell of a cause and its subject unless it was told before; returns whether it was now.

    In the caller's transaction. `data` must hold nothing secret or personal.
    """
    subject = subject[:SUBJECT_LENGTH]
    if _count(connection, account, cause, subject, now):
        return False
    if _is_full(connection, account, cause):
        subject = _REST
    if not _is_first(connection, account, cause, subject, now):
        _count(connection, account, cause, subject, now)
        return False
    told = {"account": account, "cause": cause, "subject": subject, **data}
    message = notice_message(epoch, account, cause, subject, data=told, at=now)
    outbox.enqueue(connection, [message], sinks, now=now)
    return True


def is_known(connection: sa.Connection, account: str, cause: str) -> bool:
    """Whether anything of this cause was told of an account."""
    found = sa.select(notices.c.count).where(notices.c.account == account, notices.c.cause == cause)
    return connection.scalar(found.limit(1)) is not None


def forget(connection: sa.Connection, account: str, cause: str) -> None:
    """The cause no longer holds: were it to come again, it would be told again."""
    connection.execute(
        sa.delete(notices).where(notices.c.account == account, notices.c.cause == cause)
    )


def _count(
    connection: sa.Connection, account: str, cause: str, subject: str, now: datetime
) -> bool:
    """Count a repeat; False when there is nothing yet to repeat."""
    result = connection.execute(
        sa.update(notices)
        .where(
            notices.c.account == account,
            notices.c.cause == cause,
            notices.c.subject == subject,
        )
        .values(count=notices.c.count + 1, last_at=now)
    )
    return result.rowcount == 1


def _is_full(connection: sa.Connection, account: str, cause: str) -> bool:
    known = connection.scalar(
        sa.select(sa.func.count())
        .select_from(notices)
        .where(notices.c.account == account, notices.c.cause == cause)
    )
    return (known or 0) >= SUBJECTS_LIMIT


def _is_first(
    connection: sa.Connection, account: str, cause: str, subject: str, now: datetime
) -> bool:
    """Insert the notice; False when another transaction, or an earlier rest, was first."""
    statement = insert(connection, notices).on_conflict_do_nothing().returning(notices.c.account)
    row = {
        "account": account,
        "cause": cause,
        "subject": subject,
        "first_at": now,
        "last_at": now,
        "count": 1,
    }
    return connection.execute(statement, row).first() is not None
