"""When is a message tried again that a sink has not taken?"""

from datetime import timedelta

_HOUR = 3600

# Seconds before each attempt, the ones of Standard Webhooks: three days and some hours in all.
SCHEDULE_SECONDS = (
    0,
    5,
    5 * 60,
    30 * 60,
    2 * _HOUR,
    5 * _HOUR,
    10 * _HOUR,
    14 * _HOUR,
    20 * _HOUR,
    24 * _HOUR,
)
JITTER = 0.1


def wait_after(attempts: int, roll: float, *, scale: float = 1.0) -> timedelta | None:
    """How long to wait after so many failed attempts; None: give up (failure F44).

    roll: chance in [0, 1), spreads the wait by a tenth to either side. scale: divides it.
    """
    if attempts >= len(SCHEDULE_SECONDS):
        return None
    spread = 1 - JITTER + 2 * JITTER * roll
    return timedelta(seconds=SCHEDULE_SECONDS[attempts] * spread / scale)
