"""Which alerts are open? Each opens once, is told, and settles when its reason is gone."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from service.core.alerts import ALERTS
from service.core.filter import Sinks
from service.core.messages import Message, alert_message
from service.ledger import outbox
from service.ledger.columns import Key
from service.ledger.dialect import insert
from service.ledger.engine import Connection
from service.ledger.schema import alerts


class Alarm(NamedTuple):
    """Something that holds now. account: empty when it is of none. shown: the figure, as text."""

    code: str
    account: str
    subject: str
    shown: str


class Open(NamedTuple):
    """An alert that is open."""

    id: int
    code: str
    account: str
    subject: str
    severity: str
    shown: str
    turn: int
    opened_at: datetime


class Listed(NamedTuple):
    """An alert that is open, and who has seen it."""

    number: int
    code: str
    account: str
    subject: str
    severity: str
    shown: str
    opened_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None


def listed(connection: Connection) -> list[Listed]:
    """Those that are open, the oldest first."""
    rows: Any = connection.execute(
        sa.select(alerts.c.id, *(alerts.c[name] for name in Listed._fields[1:]))
        .where(alerts.c.settled_at.is_(None))
        .order_by(alerts.c.id)
    )
    return [Listed(*row) for row in rows]


def acknowledge(
    connection: Connection, numbers: Collection[int], who: str, *, now: datetime
) -> list[Listed]:
    """Somebody has seen these; those that were open and unseen, as they are now.

    One that settles and opens again is another, which nobody has seen.
    """
    done = connection.scalars(
        sa.update(alerts)
        .where(
            alerts.c.id.in_(numbers),
            alerts.c.settled_at.is_(None),
            alerts.c.acknowledged_at.is_(None),
        )
        .values(acknowledged_at=now, acknowledged_by=who[: Key.length])
        .returning(alerts.c.id)
    )
    seen = set(done)
    return [one for one in listed(connection) if one.number in seen]


def open_ones(connection: Connection) -> list[Open]:
    """All of them, the oldest first."""
    rows = connection.execute(
        sa.select(*(alerts.c[name] for name in Open._fields))
        .where(alerts.c.settled_at.is_(None))
        .order_by(alerts.c.id)
    )
    return [Open(*row) for row in rows]


def judge(
    connection: Connection,
    holding: Sequence[Alarm],
    unknown: Collection[tuple[str, str]] = (),
    *,
    epoch: str,
    sinks: Sinks,
    now: datetime,
) -> tuple[int, int]:
    """Open what holds and settle what does not; gives how many of each. Told in this transaction.

    unknown: code and subject of what this process cannot judge: open ones of these stay.
    """
    known = {(one.code, one.account, one.subject): one for one in open_ones(connection)}
    named = {one[:3]: one for one in (_cut(each) for each in holding)}
    opened = [
        made
        for name, one in named.items()
        if name not in known and (made := _open(connection, one, now)) is not None
    ]
    over = [
        one
        for name, one in known.items()
        if name not in named and (one.code, one.subject) not in unknown
    ]
    settled = [one for one in over if _settle(connection, one, now)]
    told = [_message(one, "open", epoch, now) for one in opened]
    told += [_message(one, "settled", epoch, now) for one in settled]
    outbox.enqueue(connection, told, sinks, now=now)
    return len(opened), len(settled)


def _cut(one: Alarm) -> Alarm:
    length = Key.length or 0
    return one._replace(subject=one.subject[:length], shown=one.shown[:length])


def _open(connection: Connection, one: Alarm, now: datetime) -> Open | None:
    """None when another process was first."""
    same = (
        alerts.c.code == one.code,
        alerts.c.account == one.account,
        alerts.c.subject == one.subject,
    )
    turn = connection.scalar(sa.select(sa.func.max(alerts.c.turn)).where(*same)) or 0
    row = Open(0, one.code, one.account, one.subject, ALERTS[one.code].severity, one.shown,
               turn + 1, now)  # fmt: skip
    values = row._asdict()
    del values["id"]
    statement = insert(connection, alerts).on_conflict_do_nothing().returning(alerts.c.id)
    made = connection.execute(statement, values).first()
    return None if made is None else row._replace(id=made[0])


def _settle(connection: Connection, one: Open, now: datetime) -> bool:
    done = connection.execute(
        sa.update(alerts)
        .where(alerts.c.id == one.id, alerts.c.settled_at.is_(None))
        .values(settled_at=now)
    )
    return done.rowcount == 1


def _message(one: Open, state: str, epoch: str, now: datetime) -> Message:
    known = ALERTS[one.code]
    data = {
        "account": one.account,
        "code": one.code,
        "subject": one.subject,
        "severity": one.severity,
        "state": state,
        "shown": one.shown,
        "opened_at": one.opened_at,
        "sentence": {"en": known.en, "zh": known.zh},
    }
    seq = 2 * one.turn - (state == "open")
    subject = f"{one.code}/{one.subject}"
    return alert_message(epoch, one.account, subject, seq, state=state, data=data, at=now)
