"""What does not agree, and what was done about it?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from service.core.observation import Key
from service.ledger.engine import Connection
from service.ledger.reads import MISMATCHES, MismatchRow
from service.ledger.rules.sources import word
from service.ledger.schema import acts, mismatches
from service.ledger.views.walk import Scope, Walked, judged, walk, within

_LIVE = mismatches.c.state != word("settled")
# of one object
SIBLINGS_LIMIT = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """Which mismatches are listed; state: one of them, "live" or "all"."""

    account: str | None = None
    rule: str | None = None
    state: str = "live"
    severity: str | None = None
    kind: str | None = None
    owner: str | None = None


def page(
    connection: Connection, scope: Scope, asked: Asked, *, after: tuple[Any, ...] | None, size: int
) -> Walked:
    """Mismatches, the newest first."""
    statement, filters = MISMATCHES, within(mismatches.c.account, scope)
    if asked.state not in ("all", "settled"):
        # a literal: what is live has an index of its own
        statement = statement.where(_LIVE)
    if asked.state not in ("all", "live"):
        filters.append(mismatches.c.state == asked.state)
    filters += judged(
        mismatches,
        account=asked.account,
        rule=asked.rule,
        severity=asked.severity,
        kind=asked.kind,
        owner=asked.owner,
    )
    found = walk(connection, statement, (mismatches.c.id,), after=after, size=size, filters=filters)
    return found._replace(rows=[MismatchRow(*row) for row in found.rows])


def one(connection: Connection, scope: Scope, number: int) -> MismatchRow | None:
    """One mismatch; None when there is none or it is nobody's to see."""
    row = connection.execute(
        MISMATCHES.where(mismatches.c.id == number, *within(mismatches.c.account, scope))
    ).one_or_none()
    return None if row is None else MismatchRow(*row)


def of_object(connection: Connection, key: Key) -> list[MismatchRow]:
    """Every mismatch that an object ever had, the newest first."""
    rows = connection.execute(
        MISMATCHES.where(*(mismatches.c[name] == value for name, value in key._asdict().items()))
        .order_by(mismatches.c.id.desc())
        .limit(SIBLINGS_LIMIT)
    )
    return [MismatchRow(*row) for row in rows]


def visible(connection: Connection, scope: Scope, numbers: Sequence[int]) -> list[int]:
    """Those of the numbers that may be seen."""
    if scope is None:
        return sorted(set(numbers))
    return sorted(
        connection.scalars(
            sa.select(mismatches.c.id).where(
                mismatches.c.id.in_(numbers), *within(mismatches.c.account, scope)
            )
        )
    )


def acts_of(connection: Connection, number: int) -> int:
    """How many acts a mismatch has had: whoever acts says how many were seen."""
    counted = sa.select(sa.func.count()).where(acts.c.mismatch_id == number)
    return int(connection.scalar(counted) or 0)
