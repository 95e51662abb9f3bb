"""Which deliveries wait, and what became of each."""

import secrets
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa

from service.core.errors import Raced
from service.ledger.keys import listed_values, values_as_parameter
from service.ledger.schema import deliveries
from service.ledger.vault import Vault, of_delivery

# A delivery whose workers died so often is worked alone from then on, and after all others: of a
# batch any may be at fault, or none, when it was the host that died.
ALONE_ATTEMPTS = 3
# One that goes on to kill its workers when it is alone is set aside.
ATTEMPTS_LIMIT = 20


@dataclass(frozen=True, slots=True)
class Waiting:
    """One claimed delivery: authentic bytes, sealed, that nobody has read yet."""

    id: int
    account: str
    dedup_key: str
    kept: bytes
    received_at: datetime
    attempts: int

    def open(self, vault: Vault) -> bytes:
        """Its bytes as they came; raises Unreadable when they cannot be opened."""
        return vault.open(self.kept, of_delivery(self.account, self.dedup_key))


@dataclass(frozen=True, slots=True)
class Claim:
    """Some deliveries, ours until the lease ends."""

    token: str
    rows: tuple[Waiting, ...]


@dataclass(frozen=True, slots=True)
class Handled:
    """What became of one delivery: applied, kept or quarantined, and why."""

    id: int
    state: str
    reason: str | None = None


_COLUMNS = (
    deliveries.c.id,
    deliveries.c.account,
    deliveries.c.dedup_key,
    deliveries.c.body,
    deliveries.c.received_at,
)


def _take(*, alone: bool) -> Any:
    """Mark the next as ours and read them, in one statement.

    Locked in a CTE: a subquery is what PostgreSQL may run again for each row it joins.
    """
    tried = deliveries.c.attempts
    free = (
        sa.select(deliveries.c.id)
        .where(
            deliveries.c.state == "waiting",
            tried >= ALONE_ATTEMPTS if alone else tried < ALONE_ATTEMPTS,
            sa.or_(
                deliveries.c.claimed_until.is_(None),
                deliveries.c.claimed_until < sa.bindparam("now"),
            ),
        )
        .order_by(*([tried] if alone else []), deliveries.c.id)
        .limit(sa.bindparam("limit"))
        .with_for_update(skip_locked=True)
        .cte("free")
    )
    return (
        sa.update(deliveries)
        .where(deliveries.c.id.in_(sa.select(free.c.id)))
        .values(
            claim_token=sa.bindparam("token"),
            claimed_until=sa.bindparam("until"),
            attempts=tried + 1,
        )
        .returning(*_COLUMNS, (tried - 1).label("before"))
    )


_BATCH, _ALONE = _take(alone=False), _take(alone=True)


def claim(connection: sa.Connection, *, limit: int, lease: timedelta, now: datetime) -> Claim:
    """Take up to `limit` waiting deliveries, the oldest first, for the time of the lease.

    When no others wait, one that many workers died with is taken, alone.
    """
    token = secrets.token_hex(16)
    values = {"now": now, "limit": limit, "token": token, "until": now + lease}
    found = connection.execute(_BATCH, values).all()
    if not found:
        found = connection.execute(_ALONE, values | {"limit": 1}).all()
    return Claim(token, tuple(sorted((Waiting(*row) for row in found), key=lambda one: one.id)))


@cache
def _settle(dialect: str) -> sa.Update:
    return (
        sa.update(deliveries)
        .where(
            deliveries.c.id.in_(listed_values(dialect, "ids", sa.BigInteger())),
            deliveries.c.claim_token == sa.bindparam("token"),
            deliveries.c.state == "waiting",
        )
        .values(
            state=sa.bindparam("to_state"),
            reason=sa.bindparam("to_reason"),
            handled_at=sa.bindparam("now"),
            claim_token=None,
            claimed_until=None,
        )
    )


def settle(
    connection: sa.Connection, token: str, handled: Sequence[Handled], *, now: datetime
) -> None:
    """Write what became of claimed deliveries; raises Raced when a lease went to another."""
    alike: dict[tuple[str, str | None], list[int]] = defaultdict(list)
    for one in handled:
        alike[one.state, one.reason].append(one.id)
    statement = _settle(connection.dialect.name)
    for (state, reason), ids in alike.items():
        values = {"token": token, "to_state": state, "to_reason": reason, "now": now}
        result = connection.execute(statement, values | {"ids": values_as_parameter(ids)})
        if result.rowcount != len(ids):
            raise Raced("the lease of a delivery went to another worker")


def release(connection: sa.Connection, token: str) -> None:
    """Give claimed deliveries back at once: they could not be worked now."""
    connection.execute(
        sa.update(deliveries)
        .where(deliveries.c.claim_token == token)
        .values(claim_token=None, claimed_until=None, attempts=deliveries.c.attempts - 1)
    )


def requeue(
    connection: sa.Connection,
    *,
    state: str = "quarantined",
    reason: str | None = None,
    ids: Sequence[int] = (),
    since: datetime | None = None,
    until: datetime | None = None,
) -> int:
    """Let deliveries be read again, as on the day they came; gives how many.

    state: which ones ("quarantined", "kept" or "applied"); evidence is never read.
    """
    conditions: list[Any] = [deliveries.c.state == state, deliveries.c.verdict == "accepted"]
    if reason is not None:
        conditions.append(deliveries.c.reason == reason)
    if ids:
        conditions.append(deliveries.c.id.in_(ids))
    if since is not None:
        conditions.append(deliveries.c.received_at >= since)
    if until is not None:
        conditions.append(deliveries.c.received_at < until)
    result = connection.execute(
        sa.update(deliveries)
        .where(*conditions)
        .values(state="waiting", reason=None, handled_at=None, attempts=0)
    )
    return int(result.rowcount)
