"""Which objects are due to be looked at, who looks at them, and what came of it.

Planning after a good answer is `ledger.plans`; here is the side of those who ask.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa

from service.core.observation import Key
from service.ledger.asking import ask_by
from service.ledger.schema import looks, watches

_PLACE = ("app", "order_id", "charge_id")

# A literal, so that both planners see that the partial index holds every row asked for.
_ACTIVE: sa.ColumnElement[str] = sa.literal_column("'active'")


@dataclass(frozen=True, slots=True)
class Watch:
    """One claimed watch: ours until the lease ends, by its token.

    place: the app, order_id and charge_id under which the object is asked for, as far as known.
    """

    key: Key
    place: Mapping[str, str | None]
    failures: int
    next_look_at: datetime
    token: str
    claimed_until: datetime


class Look(NamedTuple):
    """One question that was asked: when, and a word for what came back."""

    watch: Watch
    started_at: datetime
    answer: str


_DUE = (
    watches.c.account == sa.bindparam("of_account"),
    watches.c.state == _ACTIVE,
    watches.c.next_look_at <= sa.bindparam("now"),
    sa.or_(watches.c.claimed_until.is_(None), watches.c.claimed_until <= sa.bindparam("now")),
)
NEXT = (
    sa.select(
        watches.c.account,
        watches.c.kind,
        watches.c.object_id,
        watches.c.app,
        watches.c.order_id,
        watches.c.charge_id,
        watches.c.failures,
        watches.c.next_look_at,
    )
    .where(*_DUE)
    .order_by(watches.c.next_look_at)
    .limit(sa.bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_ANY_DUE = sa.select(sa.exists(sa.select(sa.literal(1)).select_from(watches).where(*_DUE)))


def due_accounts(connection: sa.Connection, accounts: Iterable[str], *, now: datetime) -> list[str]:
    """Those of the accounts that have an object to look at; only reads."""
    return [
        account
        for account in accounts
        if connection.scalar(_ANY_DUE, {"of_account": account, "now": now})
    ]


def claim(
    connection: sa.Connection, rooms: Mapping[str, int], *, lease: timedelta, now: datetime
) -> list[Watch]:
    """Take each account's longest due objects, at most as many as it has room for.

    Counted by account, so that one with a long queue never keeps another waiting.
    """
    token, until = secrets.token_hex(16), now + lease
    claimed: list[Watch] = []
    for account, room in rooms.items():
        found = connection.execute(NEXT, {"of_account": account, "now": now, "limit": room})
        claimed += [
            Watch(
                Key(row.account, row.kind, row.object_id),
                dict(zip(_PLACE, (row.app, row.order_id, row.charge_id), strict=True)),
                row.failures,
                row.next_look_at,
                token,
                until,
            )
            for row in found
        ]
    if claimed:
        values = [{**_identity(watch.key), "token": token, "until": until} for watch in claimed]
        connection.execute(_TAKE, values)
    return claimed


def _identity(key: Key) -> dict[str, str]:
    return {"of_account": key.account, "of_kind": key.kind, "of_object": key.object_id}


_THIS = (
    watches.c.account == sa.bindparam("of_account"),
    watches.c.kind == sa.bindparam("of_kind"),
    watches.c.object_id == sa.bindparam("of_object"),
)
_TAKE = (
    sa.update(watches)
    .where(*_THIS)
    .values(claim_token=sa.bindparam("token"), claimed_until=sa.bindparam("until"))
)
_OURS = sa.update(watches).where(*_THIS, watches.c.claim_token == sa.bindparam("token"))
_POSTPONE = _OURS.values(
    next_look_at=sa.bindparam("at"),
    failures=sa.bindparam("failed"),
    claim_token=None,
    claimed_until=None,
)
_NOTE = _OURS.values(last_looked_at=sa.bindparam("at"), last_answer=sa.bindparam("answer"))


def postpone(
    connection: sa.Connection, watch: Watch, *, next_look_at: datetime, failures: int
) -> bool:
    """Give a claim back and look again later; False when the lease went to somebody else."""
    values = {"token": watch.token, "at": next_look_at, "failed": failures}
    return connection.execute(_POSTPONE, _identity(watch.key) | values).rowcount == 1


def note_looks(connection: sa.Connection, done: Sequence[Look]) -> None:
    """Keep that questions were asked; call it before the claims are given back."""
    if not done:
        return
    connection.execute(
        sa.insert(looks),
        [
            {**look.watch.key._asdict(), "started_at": look.started_at, "answer": look.answer}
            for look in done
        ],
    )
    connection.execute(
        _NOTE,
        [
            _identity(look.watch.key)
            | {"token": look.watch.token, "at": look.started_at, "answer": look.answer}
            for look in done
        ],
    )


def recent_looks(connection: sa.Connection, key: Key, *, limit: int) -> list[tuple[datetime, str]]:
    """When an object was asked for and what came back, the newest first."""
    rows = connection.execute(
        sa.select(looks.c.started_at, looks.c.answer)
        .where(
            looks.c.account == key.account,
            looks.c.kind == key.kind,
            looks.c.object_id == key.object_id,
        )
        .order_by(looks.c.id.desc())
        .limit(limit)
    )
    return [(row.started_at, row.answer) for row in rows]


def request(
    connection: sa.Connection, key: Key, *, now: datetime, place: Mapping[str, str | None]
) -> None:
    """Look at this object now, whatever was planned; an object that nobody knew yet, too.

    place: its app, order_id and charge_id, where the caller knows what the ledger may not.
    """
    ask_by(connection, [key], at=now)
    known = {name: place[name] for name in _PLACE if place.get(name) is not None}
    if known:
        connection.execute(sa.update(watches).where(*_THIS).values(known), _identity(key))
