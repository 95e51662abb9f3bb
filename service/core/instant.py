"""How an instant is counted: aware datetimes outside, whole microseconds since 1970 inside."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

MICROS = 1_000_000


def to_micros(instant: datetime) -> int:
    """Whole microseconds since 1970 UTC of an aware instant; a naive one raises TypeError."""
    return (instant - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The aware UTC instant of whole microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=micros)
