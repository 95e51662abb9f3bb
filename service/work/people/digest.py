"""What do people read each morning, whether anything is wrong or not?"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from service.ledger.digest import Morning, morning
from service.ledger.engine import Connection
from service.ledger.people import Cause, Matter
from service.outbound.people.note import Note
from service.work.people import bulletin
from service.work.people.causes import Line, line
from service.work.people.listener import Listener
from service.work.people.words import Section

DAY = timedelta(days=1)


def digest(connection: Connection, listener: Listener, *, now: datetime) -> list[Note]:
    """The digest of the last 24 hours."""
    seen = morning(connection, listener.scope, since=now - DAY)
    sections = [Section("standing", _lines(seen.open)), Section("alerts", _lines(seen.alerts))]
    return bulletin.notes("digest", sections, listener, more=_summary(seen, listener, now))


def _lines(matters: Sequence[Matter]) -> list[Line]:
    groups: defaultdict[Cause, list[Matter]] = defaultdict(list)
    for one in matters:
        groups[one.cause].append(one)
    return [line(cause, group) for cause, group in groups.items()]


def _summary(seen: Morning, listener: Listener, now: datetime) -> list[str]:
    day = listener.local(now).date().isoformat()
    if listener.language == "zh":
        first = f"{day}，过去 24 小时：收到通知 {seen.deliveries:,} 条，"
        first += f"新增不一致 {seen.opened:,} 笔，恢复 {seen.settled:,} 笔。"
        rest = "" if seen.open or seen.alerts else "当前没有未平的不一致，也没有告警。"
    else:
        first = f"{day}, the last 24 hours: {seen.deliveries:,} deliveries,"
        first += f" {seen.opened:,} mismatches opened, {seen.settled:,} settled."
        rest = "" if seen.open or seen.alerts else "Nothing is open, and there is no alert."
    return [first, rest] if rest else [first]
