"""Which deliveries wait, and what became of each."""

import secrets
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sa

from service.core.errors import Raced
from service.ledger.keys import listed_values, values_as_parameter
from service.ledger.schema import deliveries
from service.ledger.vault import Vault, of_delivery

# Deliveries whose workers died so often are worked after all others, a few at a time, and then each
# alone: of a batch any may be at fault, or none, when it was the host that died. Alone is slow:
# whoever is killed a hundred times under load has thousands of sound ones to get through.
FEW_ATTEMPTS, FEW = 3, 20
ALONE_ATTEMPTS = 6
# One that goes on to kill its workers when it is alone is set aside.
ATTEMPTS_LIMIT = 20
# More than any delivery is ever tried.
_NO_END = 2**31 - 1


class Waiting(msgspec.Struct, frozen=True):
    """One claimed delivery: authentic bytes, sealed, that nobody has read yet."""

    id: int
    account: str
    dedup_key: str
    kept: bytes
    received_at: datetime
    traceparent: str | None
    attempts: int

    def open(self, vault: Vault) -> bytes:
        """Its bytes as they came; raises Unreadable when they cannot be opened."""
        return vault.open(self.kept, of_delivery(self.account, self.dedup_key))


@dataclass(frozen=True, slots=True)
class Claim:
    """Some deliveries, ours until the lease ends."""

    token: str
    rows: tuple[Waiting, ...]


class Handled(msgspec.Struct, frozen=True):
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
    deliveries.c.traceparent,
)


def _take(least: int, below: int) -> Any:
    """Mark the next that were tried so often as ours and read them, in one statement.

    Locked in a CTE: a subquery is what PostgreSQL may run again for each row it joins.
    """
    tried = deliveries.c.attempts
    free = (
        sa.select(deliveries.c.id)
        .where(
            deliveries.c.state == "waiting",
            *([tried >= least] if least else []),
            tried < below,
            sa.or_(
                deliveries.c.claimed_until.is_(None),
                deliveries.c.claimed_until < sa.bindparam("now"),
            ),
        )
        .order_by(*([tried] if least else []), deliveries.c.id)
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


# What is taken together, the next only when nothing of the one before waits; None: what is asked.
_TAKES = (
    (None, _take(0, FEW_ATTEMPTS)),
    (FEW, _take(FEW_ATTEMPTS, ALONE_ATTEMPTS)),
    (1, _take(ALONE_ATTEMPTS, _NO_END)),
)


def claim(connection: sa.Connection, *, limit: int, lease: timedelta, now: datetime) -> Claim:
    """Take up to `limit` waiting deliveries, the oldest first, for the time of the lease.

    When no others wait, a few that some workers died with are taken, or one that many did.
    """
    token = secrets.token_hex(16)
    values = {"now": now, "token": token, "until": now + lease}
    found: Sequence[sa.Row[Any]] = ()
    for most, take in _TAKES:
        found = connection.execute(take, values | {"limit": min(limit, most or limit)}).all()
        if found:
            break
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
