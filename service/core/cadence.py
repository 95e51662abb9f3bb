"""When to look again, retry or remind. The time and the chance are arguments."""

from datetime import datetime, timedelta

import msgspec

from service.core.instant import MICROS, from_micros
from service.core.kinds.kind import Kind
from service.core.view import View

# Failure model §2.2: a contradiction is asked three times, then on and on while a person is told.
CONFLICT_LOOKS_SECONDS = (10, 60, 300, 3600)

# How often an overdue object that nobody can be asked about is taken up again.
UNASKABLE = timedelta(days=1)


class Plan(msgspec.Struct, frozen=True):
    """When an object is looked at next (None: no more) and by when it should be final.

    phase: why it is looked at: open, conflict, aftercare, or never: it follows its parent.
    """

    next_look_at: datetime | None
    deadline_at: datetime | None
    phase: str


def plan(kind: Kind, known: View, looks: int, now: datetime, *, scale: float = 1.0) -> Plan:
    """Plan the next look at an object after `looks` looks at it in its present phase.

    scale: divides every interval (not the deadlines, which are the provider's).
    """
    if known.conflict:
        return _open_plan(CONFLICT_LOOKS_SECONDS, looks, now, scale, None, "conflict")
    if kind.follows and kind.follows in known.facts:
        return Plan(None, None, "follows")
    if known.final:
        return _after_plan(kind.looks.after, looks, now, scale)
    deadline = from_micros(kind.due(known.known, known.since // MICROS) * MICROS)
    if not kind.paths:
        # nobody can be asked: its watch only says when a person should look
        return Plan(max(deadline, now + UNASKABLE), deadline, "open")
    if kind.lapses and looks and now > deadline:
        return Plan(None, deadline, "open")
    return _open_plan(kind.looks.open, looks, now, scale, deadline, "open")


def _open_plan(
    grid: tuple[int, ...],
    looks: int,
    now: datetime,
    scale: float,
    deadline: datetime | None,
    phase: str,
) -> Plan:
    step = timedelta(seconds=grid[min(looks, len(grid) - 1)] / scale)
    look_at = now + step
    if deadline is not None and now < deadline < look_at:
        look_at = deadline
    return Plan(look_at, deadline, phase)


def _after_plan(grid: tuple[int, ...], looks: int, now: datetime, scale: float) -> Plan:
    """A few looks after the end: a refund whose notification was lost is found by them."""
    if looks >= len(grid):
        return Plan(None, None, "aftercare")
    return Plan(now + timedelta(seconds=grid[looks] / scale), None, "aftercare")


def backoff(failures: int, roll: float, *, base: timedelta, cap: timedelta) -> timedelta:
    """Exponential with full jitter: up to base · 2^(failures-1), at most cap; roll in [0, 1)."""
    doubled = base * (1 << min(max(failures - 1, 0), 30))
    return min(doubled, cap) * roll
