"""What is told to a channel now? What the books show is set against what it was told.

Whoever composes holds the channel's row, and writes the notes and what they tell in the same
transaction: two replicas never tell the same thing twice. Nothing is composed while a note still
waits: a channel that is back gets that one, and then what still holds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain

import msgspec

from service.ledger import notes, people
from service.ledger.engine import Connection, Ledger
from service.ledger.people import Cause, Known, Standing
from service.outbound.people.note import Note
from service.work.people import bulletin
from service.work.people.begun import INCIDENTS_LIMIT, MORE, incidents
from service.work.people.causes import Line, grave, line
from service.work.people.digest import digest
from service.work.people.listener import PAUSE, Listener
from service.work.people.news import News, find
from service.work.people.words import Section


def compose(
    ledger: Ledger,
    listener: Listener,
    others: Sequence[Listener] = (),
    *,
    epoch: str,
    now: datetime,
) -> int:
    """Make the notes that are due on a channel; gives how many.

    others: the channels of the settings, of which some hand on to this one. Raises TryLater when
    the ledger is away.
    """
    handing = [one for one in others if one.escalate_to == listener.name]
    with ledger.read() as connection:
        if not _may_be_due(connection, listener, handing, now):
            return 0
    with ledger.begin() as connection:
        known = people.hold(connection, listener.name, now=now)
        if notes.is_waiting(connection, listener.name):
            return 0
        made = _digest(connection, known, listener, now)
        if not _rests(connection, listener, now):
            made += _tell(connection, known, listener, handing, epoch, now)
    return made


def _may_be_due(
    connection: Connection, listener: Listener, handing: Sequence[Listener], now: datetime
) -> bool:
    """A look without a lock: most firings find nothing."""
    known = next((one for one in people.channels(connection) if one.name == listener.name), None)
    if known is None or listener.digest_due(now, known.digest_on):
        return True
    if _rests(connection, listener, now):
        return False
    return bool(find(connection, known, listener, handing, now))


def _rests(connection: Connection, listener: Listener, now: datetime) -> bool:
    """Whether the last note is too fresh for another."""
    last = notes.last_made(connection, listener.name)
    return last is not None and last > now - listener.scaled(PAUSE)


def _digest(connection: Connection, known: Known, listener: Listener, now: datetime) -> int:
    day = listener.digest_due(now, known.digest_on)
    if day is None:
        return 0
    made = digest(connection, listener, now=now)
    for one in made:
        _put(connection, listener, one, now)
    people.set_digest(connection, listener.name, day)
    return len(made)


def _put(connection: Connection, listener: Listener, note: Note, now: datetime) -> None:
    content = msgspec.json.encode(note).decode()
    notes.put(connection, listener.name, note.what, content, now=now)


def _tell(
    connection: Connection,
    known: Known,
    listener: Listener,
    handing: Sequence[Listener],
    epoch: str,
    now: datetime,
) -> int:
    news = find(connection, known, listener, handing, now)
    if not news:
        return 0
    before = people.causes(connection, listener.name)
    _remember(connection, listener, news, now)
    standing = people.counts(connection, listener.name)
    after = _after(before, standing, news, listener, now)
    people.keep(connection, listener.name, after.values())
    begun = incidents(before, after, standing, listener, epoch)
    sections = _sections(connection, listener, news, before, standing)
    made = bulletin.notes(news.what, sections, listener, incidents=begun)
    for one in made:
        _put(connection, listener, one, now)
    return len(made)


def _remember(connection: Connection, listener: Listener, news: News, now: datetime) -> None:
    """Write what the channel knows from now on."""
    opened = [(one.ref, cause) for cause, group in news.opened.items() for one in group]
    people.remember(connection, listener.name, opened, now=now)
    people.turn(connection, listener.name, [one for group in news.ended.values() for one in group])
    for other, one, _count in news.handed:
        people.mark_escalated(connection, other, one.cause, now=now)
        members = people.members(connection, other, one.cause)
        people.remember(connection, listener.name, members, now=now)


def _after(
    before: Mapping[Cause, Standing],
    standing: Mapping[Cause, tuple[int, int]],
    news: News,
    listener: Listener,
    now: datetime,
) -> dict[Cause, Standing]:
    """How each cause that the news touch stands when they are told."""
    begun = {cause: group[0].severity for cause, group in news.opened.items()}
    begun |= {one.cause: one.severity for _, one, _ in news.handed}
    reminded = {one.cause for one in news.reminded}
    fresh = [c for c in begun if c not in before or before[c].open_since is None]
    fresh.sort(key=lambda cause: grave(begun[cause]))
    found: dict[Cause, Standing] = {}
    for cause in dict.fromkeys([*begun, *news.ended, *reminded]):
        crowded = listener.has_incidents and cause in fresh[INCIDENTS_LIMIT:]
        topic = MORE if crowded else f"{cause.code}/{cause.account}"
        one = before.get(cause) or Standing(
            cause, begun.get(cause, "warning"), topic, None, None, None, None, None
        )
        if cause in begun:
            since = one.open_since or (now if cause.source != "notice" else None)
            kept = one.topic if one.open_since else topic
            one = one._replace(told_at=now, open_since=since, topic=kept)
        if cause in news.ended:
            one = one._replace(ended_at=now)
        if cause in reminded:
            one = one._replace(reminded_at=now)
        if cause not in standing:
            one = one._replace(open_since=None, reminded_at=None, escalated_at=None)
        found[cause] = one
    return found


def _sections(
    connection: Connection,
    listener: Listener,
    news: News,
    before: Mapping[Cause, Standing],
    standing: Mapping[Cause, tuple[int, int]],
) -> list[Section]:
    def total(cause: Cause) -> int:
        return standing.get(cause, (0, 0))[0]

    def unseen(channel: str, cause: Cause) -> list[Line]:
        matters = people.unseen(connection, channel, cause)
        return [replace(line(cause, matters), total=total(cause))] if matters else []

    def of(state: str) -> list[Line]:
        found: list[Line] = []
        for cause, group in news.ended.items():
            count = sum(one.now_is == state for one in group)
            severity = before[cause].severity if cause in before else "warning"
            if count:
                found.append(Line(cause, severity, count, total(cause)))
        return found

    opened = [
        replace(line(cause, group), total=total(cause)) for cause, group in news.opened.items()
    ]
    handed = [unseen(other, one.cause) for other, one, _count in news.handed]
    reminded = [unseen(listener.name, one.cause) for one in news.reminded]
    return [
        Section("opened", opened),
        Section("reopened", of("open")),
        Section("escalated", [*chain.from_iterable(handed)]),
        Section("reminded", [*chain.from_iterable(reminded)]),
        Section("settled", of("settled")),
        Section("waived", of("waived")),
    ]
