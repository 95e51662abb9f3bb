"""Which objects are there, what is believed of one, and which belong together?"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from service.core.kinds import KINDS
from service.core.observation import Key
from service.ledger.columns import Instant
from service.ledger.engine import Connection
from service.ledger.keys import Selection
from service.ledger.schema import beliefs, deliveries
from service.ledger.views.walk import Scope, Walked, few, judged, walk, within

# Accounts that are looked through when nobody says which.
RELATED_LIMIT = 50
_ONE_KEY = (beliefs.c.account, beliefs.c.kind, beliefs.c.object_id)


class Believed(NamedTuple):
    """One object as it is believed; amounts in minor units, None where it has none."""

    account: str
    kind: str
    object_id: str
    status: str
    final: bool
    conflict: bool
    failing: bool
    contested: str
    app: str | None
    order_no: str | None
    order_id: str | None
    charge_id: str | None
    allocation_id: str | None
    user_id: str | None
    channel: str | None
    transaction_no: str | None
    currency: str | None
    amount: int | None
    amount_paid: int | None
    amount_refunded: int | None
    fee: int | None
    created_at: datetime | None
    moved_at: datetime | None
    since_at: datetime
    notified_at: datetime | None
    heard_at: datetime | None
    updated_at: datetime

    @property
    def key(self) -> Key:
        """Which object it is."""
        return Key(self.account, self.kind, self.object_id)


_BELIEVED: Selection = sa.select(*(beliefs.c[name] for name in Believed._fields))


@dataclass(frozen=True, slots=True)
class Asked:
    """Which objects are listed. since, until: of their creation where a kind is chosen, else of
    their last change; until exclusive.
    """

    account: str | None = None
    kind: str | None = None
    status: str | None = None
    final: bool | None = None
    since: datetime | None = None
    until: datetime | None = None


def page(
    connection: Connection, scope: Scope, asked: Asked, *, after: tuple[Any, ...] | None, size: int
) -> Walked:
    """Objects, the newest first: by creation where account and kind are chosen, else by change."""
    statement, filters = _BELIEVED, within(beliefs.c.account, scope)
    by_creation = asked.account is not None and asked.kind is not None
    time = beliefs.c.created_at if by_creation else beliefs.c.updated_at
    if by_creation:
        statement = statement.where(
            beliefs.c.account == asked.account, beliefs.c.kind == asked.kind, time.is_not(None)
        )
    else:
        filters += judged(beliefs, account=asked.account, kind=asked.kind)
    if asked.since is not None:
        statement = statement.where(time >= sa.literal(asked.since, Instant()))
    if asked.until is not None:
        statement = statement.where(time < sa.literal(asked.until, Instant()))
    filters += judged(beliefs, status=asked.status)
    if asked.final is not None:
        filters.append(beliefs.c.final == asked.final)
    found = walk(connection, statement, (time, *_ONE_KEY), after=after, size=size, filters=filters)
    return found._replace(rows=[Believed(*row) for row in found.rows])


def one(connection: Connection, scope: Scope, key: Key) -> Believed | None:
    """What is believed of one object; None when it is unknown or nobody's to see."""
    if scope is not None and key.account not in scope:
        return None
    row = connection.execute(
        _BELIEVED.where(*(beliefs.c[name] == value for name, value in key._asdict().items()))
    ).one_or_none()
    return None if row is None else Believed(*row)


def state_of(connection: Connection, key: Key) -> str:
    """The whole join of an object as its canonical JSON."""
    text = connection.scalar(
        sa.select(beliefs.c.state).where(
            *(beliefs.c[name] == value for name, value in key._asdict().items())
        )
    )
    return text or "{}"


def accounts(connection: Connection, scope: Scope) -> list[str]:
    """Accounts that have an object."""
    if scope is not None:
        return sorted(scope)
    return few(connection, beliefs.c.account)


def related(connection: Connection, of: Believed, *, limit: int = RELATED_LIMIT) -> list[Believed]:
    """The order, its charges, refunds and allocations: what belongs together with one object."""
    order_id = of.object_id if of.kind == "order" else of.order_id
    charge_id = of.object_id if of.kind == "charge" else of.charge_id
    found: dict[Key, Believed] = {}
    if order_id:
        mine = (beliefs.c.account == of.account, beliefs.c.order_id == order_id)
        _gather(found, connection.execute(_BELIEVED.where(*mine).limit(limit)))
        if of.kind != "order":
            _gather(found, _named(connection, [of.account], ["order"], order_id))
    if charge_id:
        mine = (beliefs.c.account == of.account, beliefs.c.charge_id == charge_id)
        _gather(found, connection.execute(_BELIEVED.where(*mine).limit(limit)))
        if of.kind != "charge":
            _gather(found, _named(connection, [of.account], ["charge"], charge_id))
    found.pop(of.key, None)
    ranks = {kind: rank for rank, kind in enumerate(KINDS)}
    return sorted(found.values(), key=lambda each: (ranks[each.kind], each.object_id))[:limit]


def _gather(found: dict[Key, Believed], rows: Iterable[Sequence[Any]]) -> None:
    for row in rows:
        each = Believed(*row)
        found.setdefault(each.key, each)


def search(
    connection: Connection, scope: Scope, text: str, *, apps: Collection[str], limit: int
) -> list[Believed]:
    """Objects that bear this number: their own, the merchant's, the channel's, a user's.

    apps: under which a user's bare id is looked for. Each question is answered by an index.
    """
    whose = accounts(connection, scope)
    found: dict[Key, Believed] = {}
    _gather(found, _named(connection, whose, list(KINDS), text))
    users = [f"{app}-{text}" for app in sorted(apps)]
    if users:
        _gather(found, _users(connection, whose, users))
    for name in ("order_no", "transaction_no", "order_id", "charge_id", "user_id"):
        if len(found) < limit:
            _gather(found, _bearing(connection, whose, name, text, limit))
    return list(found.values())[:limit]


def _named(
    connection: Connection, whose: Sequence[str], kinds: Sequence[str], text: str
) -> Iterable[Sequence[Any]]:
    return connection.execute(
        _BELIEVED.where(
            beliefs.c.account.in_(whose), beliefs.c.kind.in_(kinds), beliefs.c.object_id == text
        )
    ).all()


def _users(
    connection: Connection, whose: Sequence[str], users: Sequence[str]
) -> Iterable[Sequence[Any]]:
    return connection.execute(
        _BELIEVED.where(
            beliefs.c.account.in_(whose), beliefs.c.kind == "user", beliefs.c.object_id.in_(users)
        )
    ).all()


def _bearing(
    connection: Connection, whose: Sequence[str], name: str, text: str, limit: int
) -> Iterable[Sequence[Any]]:
    """By a column whose index begins with the account, and perhaps the kind."""
    chosen = _BELIEVED.where(beliefs.c.account.in_(whose), beliefs.c[name] == text)
    if name == "order_no":
        chosen = chosen.where(beliefs.c.kind.in_(list(KINDS)))
    return connection.execute(chosen.limit(limit)).all()


def delivery_of(connection: Connection, scope: Scope, event: str) -> int | None:
    """The number of the delivery that brought an event of this id."""
    return connection.scalar(
        sa.select(deliveries.c.id)
        .where(
            deliveries.c.account.in_(accounts(connection, scope)), deliveries.c.dedup_key == event
        )
        .limit(1)
    )
