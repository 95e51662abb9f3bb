"""What is there to tell a channel: what has opened untold, and what was told and has ended?

Nothing here listens to events: what is on the books is set against what a channel was told, so that
a channel which was away, or asleep, gets what still holds, and nothing is told twice.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from service.core.alerts import severity_of_notice
from service.ledger.dialect import as_kept, document, insert, insert_document, upsert_rows
from service.ledger.engine import Connection
from service.ledger.schema import (
    alerts,
    mismatches,
    notices,
    people_causes,
    people_channels,
    people_told,
)

# So much is told at a time; what is beyond follows with the next note.
FRESH_LIMIT = 20_000
_RANKS = {"critical": 0, "warning": 1}
# A notice is news for so long.
NEWS = timedelta(days=7)
_LIVE = sa.text("mismatches.state <> 'settled'")


class Cause(NamedTuple):
    """What is told as one: source is mismatch, alert or notice; code its rule, alert or cause."""

    source: str
    code: str
    account: str


class Matter(NamedTuple):
    """One mismatch, alert or notice. ref: its number or words; ours, theirs: a mismatch's sides."""

    ref: str
    cause: Cause
    severity: str
    kind: str
    subject: str
    ours: str
    theirs: str
    currency: str | None
    at: datetime


class Ended(NamedTuple):
    """Something that was told and is otherwise now. now_is: settled, waived or open (again)."""

    ref: str
    cause: Cause
    was: str
    now_is: str


class Standing(NamedTuple):
    """A cause that a channel was told of and that still stands. unseen: not acknowledged yet."""

    cause: Cause
    severity: str
    topic: str
    open_since: datetime | None
    told_at: datetime | None
    ended_at: datetime | None
    reminded_at: datetime | None
    escalated_at: datetime | None


@dataclass(frozen=True, slots=True)
class Scope:
    """What a channel is for: nothing listed takes all. rules: of mismatches, alerts and notices."""

    severities: frozenset[str] = frozenset()
    rules: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()

    def takes(self, cause: Cause, severity: str) -> bool:
        """Whether the channel hears of it; what is of no account is for all."""
        return (
            (not self.severities or severity in self.severities)
            and (not self.rules or cause.code in self.rules)
            and (not self.accounts or not cause.account or cause.account in self.accounts)
        )


@dataclass(frozen=True, slots=True)
class Known:
    """A channel as the ledger knows it."""

    name: str
    known_since: datetime
    digest_on: str | None


def hold(connection: Connection, channel: str, *, now: datetime) -> Known:
    """Make the channel known, and hold it until the transaction ends."""
    row = {"name": channel, "known_since": now}
    connection.execute(insert(connection, people_channels).on_conflict_do_nothing(), row)
    found = connection.execute(
        sa.select(
            people_channels.c.name, people_channels.c.known_since, people_channels.c.digest_on
        )
        .where(people_channels.c.name == channel)
        .with_for_update()
    ).one()
    return Known(*found)


def channels(connection: Connection) -> list[Known]:
    """Every channel that was ever set up, by name."""
    named = people_channels.c
    rows = connection.execute(
        sa.select(named.name, named.known_since, named.digest_on).order_by(named.name)
    )
    return [Known(*row) for row in rows]


def set_digest(connection: Connection, channel: str, day: str) -> None:
    """The digest of this business day is made."""
    connection.execute(
        sa.update(people_channels).where(people_channels.c.name == channel).values(digest_on=day)
    )


def _untold(channel: str, source: str, ref: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """A subquery with a limit, and no NOT EXISTS: that becomes a join, which PostgreSQL, with
    statistics from before a storm, ran for 18 s instead of 30 ms.
    """
    told = sa.select(people_told.c.ref).where(
        people_told.c.channel == channel, people_told.c.source == source, people_told.c.ref == ref
    )
    return told.limit(1).scalar_subquery().is_(None)


_TOLD = people_told.c
# a number only where it is one: either database may cast before it filters
_MISMATCH_ID = sa.cast(sa.case((_TOLD.source == "mismatch", _TOLD.ref)), sa.BigInteger)
_ALERT_ID = sa.cast(sa.case((_TOLD.source == "alert", _TOLD.ref)), sa.BigInteger)

_MISMATCH_REF = sa.cast(mismatches.c.id, sa.String(340))
_ALERT_REF = sa.cast(alerts.c.id, sa.String(340))
_NOTICE_REF = sa.cast(
    notices.c.account + "/" + notices.c.cause + "/" + notices.c.subject, sa.String(340)
)


def fresh(connection: Connection, channel: Known, scope: Scope, *, now: datetime) -> list[Matter]:
    """What is open and the channel was not told of, the oldest first."""
    found = [
        *_fresh_mismatches(connection, channel.name, scope),
        *_fresh_alerts(connection, channel.name),
        *_fresh_notices(connection, channel, max(channel.known_since, now - NEWS)),
    ]
    return [one for one in found if scope.takes(one.cause, one.severity)]


def _fresh_mismatches(connection: Connection, channel: str, scope: Scope) -> Iterable[Matter]:
    columns = mismatches.c
    statement = (
        sa.select(
            _MISMATCH_REF, columns.rule, columns.account, columns.severity, columns.kind,
            columns.object_id, columns.ours, columns.theirs, columns.currency, columns.opened_at,
        )
        .where(_LIVE, columns.state == "open", _untold(channel, "mismatch", _MISMATCH_REF))
        # thousands that rest at night must not hide a grave one behind the limit
        .order_by(sa.case(_RANKS, value=columns.severity, else_=2), columns.id)
        .limit(FRESH_LIMIT)
    )  # fmt: skip
    for wanted, column in (
        (scope.severities, columns.severity),
        (scope.rules, columns.rule),
        (scope.accounts, columns.account),
    ):
        if wanted:
            statement = statement.where(column.in_(sorted(wanted)))
    for row in connection.execute(statement):
        ref, rule, account, *rest = row
        yield Matter(ref, Cause("mismatch", rule, account), *rest)


def _fresh_alerts(connection: Connection, channel: str) -> Iterable[Matter]:
    columns = alerts.c
    rows = connection.execute(
        sa.select(
            _ALERT_REF, columns.code, columns.account, columns.severity, columns.subject,
            columns.shown, columns.opened_at,
        )
        .where(columns.settled_at.is_(None), _untold(channel, "alert", _ALERT_REF))
        .order_by(columns.id)
        .limit(FRESH_LIMIT)
    )  # fmt: skip
    for ref, code, account, severity, subject, shown, at in rows:
        yield Matter(ref, Cause("alert", code, account), severity, "", subject, shown, "", None, at)


def _fresh_notices(connection: Connection, channel: Known, since: datetime) -> Iterable[Matter]:
    """Notices have no end, so that only those are told that are newer than the channel."""
    columns = notices.c
    rows = connection.execute(
        sa.select(_NOTICE_REF, columns.cause, columns.account, columns.subject, columns.first_at)
        .where(columns.first_at >= since, _untold(channel.name, "notice", _NOTICE_REF))
        .order_by(columns.first_at)
        .limit(FRESH_LIMIT)
    )
    for ref, cause, account, subject, at in rows:
        grave = severity_of_notice(cause)
        yield Matter(ref, Cause("notice", cause, account), grave, "", subject, "", "", None, at)


def ended(connection: Connection, channel: str) -> list[Ended]:
    """What the channel was told of and is settled, waived, or open again after a waiver."""
    told = people_told.c
    of = (told.channel == channel, told.source == "mismatch")
    now_is = sa.case(
        (mismatches.c.state == "settled", "settled"),
        (mismatches.c.state == "waived", "waived"),
        else_="open",
    )
    words = (told.ref, told.source, told.code, told.account, told.state)
    moved = connection.execute(
        sa.select(*words, now_is)
        .join_from(people_told, mismatches, mismatches.c.id == _MISMATCH_ID)
        .where(*of, now_is != told.state)
    ).all()
    over = connection.execute(
        sa.select(*words, sa.literal("settled"))
        .join_from(people_told, alerts, alerts.c.id == _ALERT_ID)
        .where(told.channel == channel, told.source == "alert", alerts.c.settled_at.is_not(None))
    ).all()
    return [Ended(row[0], Cause(*row[1:4]), row[4], row[5]) for row in [*moved, *over]]


def remember(
    connection: Connection,
    channel: str,
    matters: Sequence[tuple[str, Cause]],
    *,
    state: str = "open",
    now: datetime,
) -> None:
    """The channel is told of these from now on; those it knew already stay as they are."""
    row = {"channel": channel, "state": state, "told_at": now}
    rows = [{**row, "ref": ref, **cause._asdict()} for ref, cause in matters]
    if rows and connection.dialect.name == "postgresql":
        put = insert_document(people_told, tuple(rows[0])).on_conflict_do_nothing()
        connection.execute(put, document(people_told, as_kept(people_told, rows)))
    elif rows:
        connection.execute(insert(connection, people_told).on_conflict_do_nothing(), rows)


def turn(connection: Connection, channel: str, changed: Collection[Ended]) -> None:
    """Note what became of things told: waived and open again ones stay, settled ones leave."""
    ref, source = (sa.bindparam(name, type_=sa.String()) for name in ("b_ref", "b_source"))
    here = (
        people_told.c.channel == channel, people_told.c.source == source, people_told.c.ref == ref,
    )  # fmt: skip
    for state in ("settled", "waived", "open"):
        rows = [
            {"b_ref": one.ref, "b_source": one.cause.source}
            for one in changed
            if one.now_is == state
        ]
        if not rows:
            continue
        if state == "settled":
            connection.execute(sa.delete(people_told).where(*here), rows)
        else:
            connection.execute(sa.update(people_told).where(*here).values(state=state), rows)


def causes(connection: Connection, channel: str) -> dict[Cause, Standing]:
    """Every cause that the channel ever heard of."""
    columns = people_causes.c
    rows = connection.execute(
        sa.select(
            columns.source, columns.code, columns.account, columns.severity, columns.topic,
            columns.open_since, columns.told_at, columns.ended_at, columns.reminded_at,
            columns.escalated_at,
        ).where(columns.channel == channel)
    )  # fmt: skip
    return {Cause(*row[:3]): Standing(Cause(*row[:3]), *row[3:]) for row in rows}


def keep(connection: Connection, channel: str, standing: Iterable[Standing]) -> None:
    """Write how causes stand."""
    rows: list[dict[str, Any]] = []
    for one in standing:
        rest = dict(zip(Standing._fields[1:], one[1:], strict=True))
        rows.append({"channel": channel, **one.cause._asdict(), **rest})
    upsert_rows(connection, people_causes, rows)


def counts(connection: Connection, channel: str) -> dict[Cause, tuple[int, int]]:
    """Of each cause that stands: how many the channel knows of, and how many nobody has seen.

    What was acknowledged is seen; notices have no end, and do not stand.
    """
    told = people_told.c
    # of the table that it is not of, a row joins nothing
    seen = sa.or_(mismatches.c.state == "acknowledged", alerts.c.acknowledged_at.is_not(None))
    rows = connection.execute(
        sa.select(
            told.source, told.code, told.account, sa.func.count(),
            sa.cast(sa.func.sum(sa.case((seen, 0), else_=1)), sa.BigInteger),
        )
        .select_from(people_told)
        .outerjoin(mismatches, mismatches.c.id == _MISMATCH_ID)
        .outerjoin(alerts, alerts.c.id == _ALERT_ID)
        .where(told.channel == channel, told.state == "open", told.source != "notice")
        .group_by(told.source, told.code, told.account)
    )  # fmt: skip
    return {Cause(*row[:3]): (int(row[3]), int(row[4])) for row in rows}


def unseen(connection: Connection, channel: str, cause: Cause) -> list[Matter]:
    """What a channel was told of a cause, still stands and nobody has acknowledged; oldest first.

    Notices do not stand.
    """
    told, one, alert = people_told.c, mismatches.c, alerts.c
    found: sa.Select[*tuple[Any, ...]]
    if cause.source == "alert":
        found = (
            sa.select(told.ref, alert.severity, sa.literal(""), alert.subject, alert.shown,
                      sa.literal(""), sa.null(), alert.opened_at)
            .join_from(people_told, alerts, alert.id == _ALERT_ID)
            .where(alert.acknowledged_at.is_(None))
            .order_by(alert.id)
        )  # fmt: skip
    else:
        found = (
            sa.select(told.ref, one.severity, one.kind, one.object_id, one.ours, one.theirs,
                      one.currency, one.opened_at)
            .join_from(people_told, mismatches, one.id == _MISMATCH_ID)
            .where(one.state != "acknowledged")
            .order_by(one.id)
        )  # fmt: skip
    rows = connection.execute(found.where(*_of(channel, cause), told.state == "open"))
    return [Matter(ref, cause, *rest) for ref, *rest in rows]


def _of(channel: str, cause: Cause) -> Sequence[sa.ColumnElement[bool]]:
    told = people_told.c
    named = ((told.source, cause.source), (told.code, cause.code), (told.account, cause.account))
    return told.channel == channel, *(column == value for column, value in named)


def members(connection: Connection, channel: str, cause: Cause) -> list[tuple[str, Cause]]:
    """What a channel was told of a cause and still stands open."""
    told = people_told.c
    refs = connection.scalars(sa.select(told.ref).where(*_of(channel, cause), told.state == "open"))
    return [(ref, cause) for ref in refs]


def mark_escalated(connection: Connection, channel: str, cause: Cause, *, now: datetime) -> bool:
    """Hand a cause on; False when another process has done so."""
    columns = people_causes.c
    done = connection.execute(
        sa.update(people_causes)
        .where(
            columns.channel == channel,
            columns.source == cause.source,
            columns.code == cause.code,
            columns.account == cause.account,
            columns.escalated_at.is_(None),
        )
        .values(escalated_at=now)
    )
    return done.rowcount == 1


def prune(connection: Connection, *, before: datetime) -> int:
    """Forget notices told before; gives how many. They are no fresh ones: those are newer."""
    told = people_told.c
    done = connection.execute(
        sa.delete(people_told).where(told.source == "notice", told.told_at < before)
    )
    return done.rowcount
