"""What is due to be told on a channel now: opened, ended, still open, handed on by another?"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from service.ledger import people
from service.ledger.engine import Connection
from service.ledger.people import Cause, Ended, Known, Matter, Standing
from service.work.people.listener import GATHER, PACE, Listener


@dataclass(slots=True)
class News:
    """What is to be told. handed: causes of other channels, by which of them hand them on."""

    opened: dict[Cause, list[Matter]] = field(default_factory=dict[Cause, list[Matter]])
    ended: dict[Cause, list[Ended]] = field(default_factory=dict[Cause, list[Ended]])
    reminded: list[Standing] = field(default_factory=list[Standing])
    handed: list[tuple[str, Standing, int]] = field(default_factory=list[tuple[str, Standing, int]])

    def __bool__(self) -> bool:
        return bool(self.opened or self.ended or self.reminded or self.handed)

    @property
    def what(self) -> str:
        """Which kind of note it makes."""
        if self.opened or self.ended:
            return "news"
        return "escalation" if self.handed else "reminder"


def find(
    connection: Connection,
    known: Known,
    listener: Listener,
    handing: Sequence[Listener],
    now: datetime,
) -> News:
    """Everything that is due now; what is gathered, paced or at rest is not."""
    causes = people.causes(connection, listener.name)
    news = News()
    _add_opened(
        news, people.fresh(connection, known, listener.scope, now=now), causes, listener, now
    )
    _add_ended(news, people.ended(connection, listener.name), causes, listener, now)
    counts = people.counts(connection, listener.name)
    for one in causes.values():
        if counts.get(one.cause, (0, 0))[1] and _is_to_remind(one, listener, now):
            news.reminded.append(one)
    for other in handing:
        news.handed += _handed(connection, other, listener, now)
    return news


def _add_opened(
    news: News,
    fresh: Sequence[Matter],
    causes: Mapping[Cause, Standing],
    listener: Listener,
    now: datetime,
) -> None:
    gathered = now - listener.scaled(GATHER)
    groups: defaultdict[Cause, list[Matter]] = defaultdict(list)
    for one in fresh:
        if not listener.rests(one.severity, now):
            groups[one.cause].append(one)
    if not any(one.at <= gathered for group in groups.values() for one in group):
        return
    for cause, group in groups.items():
        if not _is_paced(causes.get(cause), "told_at", listener, now):
            news.opened[cause] = group


def _add_ended(
    news: News,
    ended: Sequence[Ended],
    causes: Mapping[Cause, Standing],
    listener: Listener,
    now: datetime,
) -> None:
    for one in ended:
        known = causes.get(one.cause)
        severity = known.severity if known else "warning"
        if not listener.rests(severity, now) and not _is_paced(known, "ended_at", listener, now):
            news.ended.setdefault(one.cause, []).append(one)


def _is_paced(known: Standing | None, name: str, listener: Listener, now: datetime) -> bool:
    last: datetime | None = getattr(known, name) if known else None
    return last is not None and last > now - listener.scaled(PACE)


def _is_to_remind(one: Standing, listener: Listener, now: datetime) -> bool:
    if not listener.remind or one.open_since is None or listener.rests(one.severity, now):
        return False
    last = max(filter(None, (one.told_at, one.reminded_at, one.open_since)))
    return last <= now - listener.scaled(listener.remind)


def _handed(
    connection: Connection, other: Listener, listener: Listener, now: datetime
) -> list[tuple[str, Standing, int]]:
    """What another channel was told long enough ago, and nobody there has acknowledged."""
    until = now - other.scaled(other.escalate_after)
    counts = people.counts(connection, other.name)
    return [
        (other.name, one, counts[one.cause][1])
        for one in people.causes(connection, other.name).values()
        if one.escalated_at is None
        and one.open_since is not None
        and one.open_since <= until
        and counts.get(one.cause, (0, 0))[1]
        and not listener.rests(one.severity, now)
    ]
