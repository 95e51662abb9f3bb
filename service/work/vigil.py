"""What is wrong with our own running? Each alert opens when it holds, and settles when it does not.

What nobody can see from here, that we do not run at all, an outside watcher sees (`heartbeat`).
"""

import shutil
import socket
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from service.ledger import alerts, gauges, notes, rhythm, sinks
from service.ledger.alerts import Alarm
from service.ledger.engine import Connection, Ledger
from service.work.close import ClosingTerms, overdue, still_open
from service.work.terms import Terms

# Silence: not shorter than the floor, not looked back at for longer than the span. Usual is what
# each of some weeks before had, in the same hours of the same day: an account without so much of
# a history is never silent.
SILENCE_FLOOR = timedelta(minutes=30)
SILENCE_SPAN = timedelta(hours=6)
SILENCE_WEEKS = 3
SILENCE_LEAST = 10
# A burst of refusals: so many in so long, and no fewer than there were good ones.
BURST_SPAN = timedelta(minutes=10)
BURST_LEAST = 20
REPLICA_SILENT = timedelta(minutes=1)
REPLICA_FORGOTTEN = timedelta(hours=24)
INBOX_SECONDS = 300
BACKLOG = timedelta(minutes=15)
OUTBOX_MESSAGES = 10_000
DISK_BYTES = 1024**3
DISK_SHARE = 0.02
# A business day is closed in the morning; what keeps it open is worked in the hours after.
CLOSING_LATE = timedelta(hours=12)
# With one of these open a process does not count as well (its heartbeat says so).
UNWELL = frozenset({"inbox_stuck", "disk_low"})


@dataclass(frozen=True, slots=True)
class Vigil:
    """What is watched over. asked: accounts that have an API key. host: whose disk is looked at.

    closing: when business days close, whoever closes them; people who never closed one need not.
    disk_bytes, disk_share: it is low when less than either is free.
    """

    receiving: Collection[str]
    asked: Collection[str]
    sinks: Collection[str]
    channels: Collection[str]
    data_dir: Path
    closing: ClosingTerms
    host: str = socket.gethostname()[:100]
    disk_bytes: float = DISK_BYTES
    disk_share: float = DISK_SHARE


def watch_over(ledger: Ledger, vigil: Vigil, *, terms: Terms, now: datetime) -> tuple[int, int]:
    """Look at everything once; gives how many alerts opened and settled.

    Raises TryLater when the ledger is away.
    """
    late = list(_days(ledger, vigil.closing, terms, now))
    with ledger.read() as connection:
        holding = [*_ledger_alarms(connection, vigil, now), *late, *_disk(vigil)]
        before = alerts.open_ones(connection)
    known = {(one.code, one.account, one.subject) for one in before}
    unknown = {
        (one.code, one.subject)
        for one in before
        if one.code == "disk_low" and one.subject != vigil.host
    }
    if known == {one[:3] for one in holding}:
        return 0, 0
    with ledger.begin() as connection:
        return alerts.judge(
            connection, holding, unknown, epoch=terms.epoch, sinks=terms.sinks, now=now
        )


def _ledger_alarms(connection: Connection, vigil: Vigil, now: datetime) -> Iterator[Alarm]:
    yield from _silence(connection, vigil, now)
    yield from _bursts(connection, vigil, now)
    yield from _replicas(connection, now)
    yield from _backlogs(connection, vigil, now)
    yield from _switched_off(connection, vigil)


def _silence(connection: Connection, vigil: Vigil, now: datetime) -> Iterator[Alarm]:
    last = rhythm.last_deliveries(connection, since=now - SILENCE_SPAN)
    for account in sorted(vigil.receiving):
        since = last.get(account, now - SILENCE_SPAN)
        usual = now - since >= SILENCE_FLOOR and rhythm.had_usually(
            connection, account, since, now, weeks=SILENCE_WEEKS, least=SILENCE_LEAST
        )
        if usual:
            yield Alarm("silent_account", account, account, _minutes(now - since))


def _bursts(connection: Connection, vigil: Vigil, now: datetime) -> Iterator[Alarm]:
    since = now - BURST_SPAN
    for account, count in sorted(rhythm.refused_since(connection, since).items()):
        if account not in vigil.receiving or count < BURST_LEAST:
            continue
        if rhythm.good_between(connection, account, since, now, limit=count) < count:
            yield Alarm("refused_burst", account, account, f"{count:,} / 10 min")


def _replicas(connection: Connection, now: datetime) -> Iterator[Alarm]:
    found = rhythm.gone(connection, silent=REPLICA_SILENT, forgotten=REPLICA_FORGOTTEN, now=now)
    for name, at in found:
        yield Alarm("replica_gone", "", name, at.isoformat(timespec="seconds"))


def _backlogs(connection: Connection, vigil: Vigil, now: datetime) -> Iterator[Alarm]:
    read = gauges.read_gauges(connection, now=now)
    if read.inbox_oldest_seconds > INBOX_SECONDS:
        age = timedelta(seconds=read.inbox_oldest_seconds)
        yield Alarm("inbox_stuck", "", "inbox", f"{read.inbox_waiting:,}, {_minutes(age)}")
    for sink in sorted(vigil.sinks):
        age = timedelta(seconds=read.outbox_oldest_seconds.get(sink, 0))
        waiting = read.outbox_waiting.get(sink, 0)
        if age > BACKLOG or waiting > OUTBOX_MESSAGES:
            yield Alarm("outbox_stuck", "", sink, f"{waiting:,}, {_minutes(age)}")
    for channel in sorted(vigil.channels):
        waits = notes.backlog(connection, channel)
        if waits.since is not None and now - waits.since > BACKLOG:
            yield Alarm("people_stuck", "", channel, waits.last_error or _minutes(BACKLOG))
    for account, count in sorted(rhythm.overdue(connection, before=now - BACKLOG).items()):
        if account in vigil.asked:
            yield Alarm("watches_overdue", account, account, f"{count:,}")


def _switched_off(connection: Connection, vigil: Vigil) -> Iterator[Alarm]:
    """Sinks that wanted no more, until a person resumes them."""
    for known in sinks.known(connection):
        if known.paused_for == sinks.GONE and known.name in vigil.sinks:
            yield Alarm("sink_gone", "", known.name, sinks.GONE)


def _days(ledger: Ledger, rules: ClosingTerms, terms: Terms, now: datetime) -> Iterator[Alarm]:
    """The first day that could have closed long ago, with how many things of it are open."""
    late = overdue(ledger, rules, now)
    if late is not None and now - late.since > CLOSING_LATE:
        count, _ = still_open(ledger, late.first, rules, terms, now)
        hours = (now - late.since) // timedelta(hours=1)
        yield Alarm("closing_late", "", str(late.first), f"{count:,}, {hours:,} h")


def _disk(vigil: Vigil) -> Iterator[Alarm]:
    """The disk of whoever fires; that of another host is not judged from here."""
    usage = shutil.disk_usage(vigil.data_dir)
    if usage.free < min(vigil.disk_bytes, vigil.disk_share * usage.total):
        yield Alarm("disk_low", "", vigil.host, f"{usage.free // 1024**2:,} MiB")


def _minutes(span: timedelta) -> str:
    return f"{int(span.total_seconds() // 60):,} min"
