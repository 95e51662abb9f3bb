"""When is a report due, and of which days is it then?"""

from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)


class Every(StrEnum):
    """How often: each day, each Monday, each first of a month."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


def last_due(now: datetime, zone: str, at: time, every: Every) -> datetime:
    """The newest instant, not after `now`, at which it was due by the zone's clock."""
    place = ZoneInfo(zone)
    day = _begins(now.astimezone(place).date(), every)
    due = datetime.combine(day, at, place)
    # the clock of the zone has not come that far on the first of these days
    return due if due <= now else datetime.combine(_begins(day - _DAY, every), at, place)


def days_before(day: date, every: Every) -> tuple[date, date]:
    """The last whole day, week or month before a day: its first and its last day."""
    last = _begins(day, every) - _DAY
    return _begins(last, every), last


def _begins(day: date, every: Every) -> date:
    """The first day of the stretch that a day is of."""
    match every:
        case Every.DAY:
            return day
        case Every.WEEK:
            return day - timedelta(days=day.weekday())
        case Every.MONTH:
            return day.replace(day=1)
