"""Who starts a job, and which processes are running: unique rows instead of a leader."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from service.ledger.dialect import insert
from service.ledger.engine import Connection
from service.ledger.schema import replicas, slots, successes

OUTCOME_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Replica:
    """One running process. address: http://host:port of its pages; token: opens the inner ones."""

    name: str
    role: str
    address: str | None
    token: str
    started_at: datetime
    ticked_at: datetime


@dataclass(frozen=True, slots=True)
class Slot:
    """One firing of one job: who ran it and how it ended (None: it runs, or its holder died)."""

    job: str
    slot_at: datetime
    holder: str
    started_at: datetime
    finished_at: datetime | None
    outcome: str | None


def claim_slot(
    connection: Connection,
    job: str,
    slot_at: datetime,
    *,
    holder: str,
    lease: timedelta,
    now: datetime,
) -> bool:
    """Whether this holder runs this firing: it is the first, or the first one's lease ran out."""
    row = {"job": job, "slot_at": slot_at, "holder": holder, "started_at": now}
    statement = insert(connection, slots).on_conflict_do_nothing().returning(slots.c.job)
    if connection.execute(statement, row).first() is not None:
        return True
    taken_over = connection.execute(
        sa.update(slots)
        .where(
            slots.c.job == job,
            slots.c.slot_at == slot_at,
            slots.c.finished_at.is_(None),
            slots.c.started_at <= now - lease,
        )
        .values(holder=holder, started_at=now)
    )
    return taken_over.rowcount == 1


def finish_slot(
    connection: Connection,
    job: str,
    slot_at: datetime,
    *,
    holder: str,
    outcome: str,
    now: datetime,
) -> bool:
    """Say how a firing ended; False when another one took it over meanwhile."""
    finished = connection.execute(
        sa.update(slots)
        .where(slots.c.job == job, slots.c.slot_at == slot_at, slots.c.holder == holder)
        .values(finished_at=now, outcome=outcome[:OUTCOME_LENGTH])
    )
    return finished.rowcount == 1


def latest_slots(connection: Connection) -> list[Slot]:
    """The newest firing of each job, by name."""
    newest = sa.select(slots.c.job, sa.func.max(slots.c.slot_at).label("at")).group_by(slots.c.job)
    last = newest.subquery()
    rows = connection.execute(
        sa.select(
            slots.c.job,
            slots.c.slot_at,
            slots.c.holder,
            slots.c.started_at,
            slots.c.finished_at,
            slots.c.outcome,
        )
        .join(last, sa.and_(last.c.job == slots.c.job, last.c.at == slots.c.slot_at))
        .order_by(slots.c.job)
    )
    return [Slot(*row) for row in rows]


def heartbeat(connection: Connection, replica: Replica) -> None:
    """Say that a process runs and has ticked."""
    statement = insert(connection, replicas)
    again = statement.on_conflict_do_update(
        index_elements=[replicas.c.name],
        set_={"address": statement.excluded.address, "ticked_at": statement.excluded.ticked_at},
    )
    connection.execute(again, asdict(replica))


def leave(connection: Connection, name: str) -> None:
    """Say that a process has ended."""
    connection.execute(sa.delete(replicas).where(replicas.c.name == name))


def running(connection: Connection, *, since: datetime) -> list[Replica]:
    """Processes that have ticked since, the oldest first."""
    rows = connection.execute(
        sa.select(
            replicas.c.name,
            replicas.c.role,
            replicas.c.address,
            replicas.c.token,
            replicas.c.started_at,
            replicas.c.ticked_at,
        )
        .where(replicas.c.ticked_at >= since)
        .order_by(replicas.c.started_at, replicas.c.name)
    )
    return [Replica(*row) for row in rows]


def count_running(connection: Connection, *, since: datetime) -> dict[str, int]:
    """How many processes of each role have ticked since."""
    rows = connection.execute(
        sa.select(replicas.c.role, sa.func.count())
        .where(replicas.c.ticked_at >= since)
        .group_by(replicas.c.role)
    )
    return {role: int(count) for role, count in rows}


def note_successes(connection: Connection, ended: Mapping[str, datetime]) -> None:
    """Keep when jobs ended well, whoever ran them; what is newer stays."""
    if not ended:
        return
    statement = insert(connection, successes)
    newer = statement.on_conflict_do_update(
        index_elements=[successes.c.job],
        set_={"at": statement.excluded.at},
        where=statement.excluded.at > successes.c.at,
    )
    connection.execute(newer, [{"job": job, "at": at} for job, at in sorted(ended.items())])


def successes_of(connection: Connection) -> dict[str, datetime]:
    """When each job last ended well."""
    rows = connection.execute(sa.select(successes.c.job, successes.c.at).order_by(successes.c.job))
    return {row.job: row.at for row in rows}


def prune(connection: Connection, *, before: datetime) -> int:
    """Forget firings and processes from before; gives how many rows."""
    old_slots = connection.execute(sa.delete(slots).where(slots.c.slot_at < before))
    old = connection.execute(sa.delete(replicas).where(replicas.c.ticked_at < before))
    connection.execute(sa.delete(successes).where(successes.c.at < before))
    return old_slots.rowcount + old.rowcount
