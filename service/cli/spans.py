"""Which stretch of time does a command mean?"""

from datetime import datetime
from typing import Annotated

import typer

from service.cli.exits import Usage

Since = Annotated[str, typer.Option(help="From this time on: 2026-11-23T12:00:00+08:00.")]
Until = Annotated[str, typer.Option(help="Before this time.")]


def time_range(now: datetime, since: str, until: str) -> tuple[datetime | None, datetime | None]:
    """Both ends as instants, None where none is given; raises Usage for a range of nothing."""
    first, last = instant_of(since, "--since"), instant_of(until, "--until")
    if first is not None and first > now:
        raise Usage("--since lies in the future")
    if first is not None and last is not None and first >= last:
        raise Usage("--since should be before --until")
    return first, last


def instant_of(text: str, option: str) -> datetime | None:
    """An ISO 8601 time with its zone; without one nobody knows which time is meant."""
    if not text:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise Usage(f"{option} should be a time with its zone, such as 2026-11-23T12:00:00+08:00")
    return instant
