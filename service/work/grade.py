"""Measure week by week how the provider notifies, so that nobody who looks has to wait for it."""

from datetime import datetime, timedelta
from threading import Event

from service.ledger import card_kept
from service.ledger.engine import Ledger
from service.ledger.provider_card import WEEK, read, weeks
from service.ledger.snapshots import patient

# As many weeks are kept up.
SPAN = 13 * WEEK
# Of what was created in a week that ended so long ago little changes: it is measured once a day.
QUIET_AFTER, QUIET_EVERY = timedelta(weeks=1), timedelta(days=1)


def grade(ledger: Ledger, zone: str, *, now: datetime, stop: Event | None = None) -> None:
    """Measure each week of the span anew, unless that was done of late; ends early on `stop`."""
    with ledger.read() as connection:
        measured = card_kept.measured(connection)
    # the first of them is cut to the span
    _, *whole = weeks(now - SPAN - WEEK, now, zone)
    for monday, begin, end in reversed(whole):
        if stop and stop.is_set():
            return
        at = measured.get(monday)
        if at is not None and now - end > QUIET_AFTER and now - at < QUIET_EVERY:
            continue
        with patient(ledger) as connection:
            lines = read(connection, monday, begin, end, now=now)
        with ledger.begin() as connection:
            card_kept.keep(connection, monday, lines, now=now)
