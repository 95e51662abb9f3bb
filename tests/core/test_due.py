"""Reports are due by the business zone's clock, and are of the last whole day, week or month."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from service.core.report.due import Every, days_before, last_due

SHANGHAI = "Asia/Shanghai"
EIGHT = time(8, 30)


@pytest.mark.parametrize(
    ("now", "every", "due"),
    [
        ("2026-11-24T08:30:00+08:00", Every.DAY, "2026-11-24T08:30:00+08:00"),
        ("2026-11-24T08:29:59+08:00", Every.DAY, "2026-11-23T08:30:00+08:00"),
        ("2026-11-24T23:00:00+00:00", Every.DAY, "2026-11-24T08:30:00+08:00"),
        ("2026-11-24T12:00:00+08:00", Every.WEEK, "2026-11-23T08:30:00+08:00"),
        ("2026-11-23T08:00:00+08:00", Every.WEEK, "2026-11-16T08:30:00+08:00"),
        ("2026-11-24T12:00:00+08:00", Every.MONTH, "2026-11-01T08:30:00+08:00"),
        ("2027-01-01T08:00:00+08:00", Every.MONTH, "2026-12-01T08:30:00+08:00"),
    ],
)
def test_the_last_time_it_was_due_is_not_in_the_future(now: str, every: Every, due: str) -> None:
    assert last_due(datetime.fromisoformat(now), SHANGHAI, EIGHT, every) == datetime.fromisoformat(
        due
    )


def test_a_zone_that_turns_its_clock_keeps_the_hour() -> None:
    due = last_due(datetime(2026, 3, 30, 12, tzinfo=UTC), "Europe/Berlin", EIGHT, Every.DAY)
    assert due.astimezone(ZoneInfo("UTC")).hour == 6


@pytest.mark.parametrize(
    ("day", "every", "first", "last"),
    [
        ("2028-03-01", Every.DAY, "2028-02-29", "2028-02-29"),
        ("2026-11-23", Every.WEEK, "2026-11-16", "2026-11-22"),
        ("2026-11-26", Every.WEEK, "2026-11-16", "2026-11-22"),
        ("2028-03-01", Every.MONTH, "2028-02-01", "2028-02-29"),
        ("2027-01-15", Every.MONTH, "2026-12-01", "2026-12-31"),
    ],
)
def test_it_is_of_the_last_whole_stretch(day: str, every: Every, first: str, last: str) -> None:
    found = days_before(date.fromisoformat(day), every)
    assert found == (date.fromisoformat(first), date.fromisoformat(last))
