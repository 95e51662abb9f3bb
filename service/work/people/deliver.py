"""How do notes get to people: claim, send, settle; what fails waits in the ledger?"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event

import msgspec

from service.ledger import notes
from service.ledger.engine import Ledger
from service.ledger.notes import Taken
from service.outbound.people.note import Channel, Note
from service.outbound.sink import Answer, Later, Sent
from service.telemetry import NOTES, logger

BUDGET_SECONDS = 60.0
# longer than any call may take
LEASE = timedelta(seconds=180)
FIRST_WAIT_SECONDS = 5.0
WAIT_LIMIT_SECONDS = 300.0
# What could not be told for so long helps nobody any more; what still holds is told anew.
PATIENCE = timedelta(days=3)

_log = logger("people")


def deliver(
    ledger: Ledger,
    channel: Channel,
    *,
    clock: Callable[[], datetime],
    scale: float = 1.0,
    stop: Event | None = None,
) -> int:
    """Send the notes that are due, in order, until one fails; gives how many were sent.

    Raises TryLater when the ledger is away; the lease runs out then, and the note is sent again.
    """
    sent = 0
    ends_at = time.monotonic() + BUDGET_SECONDS
    while time.monotonic() < ends_at and not (stop and stop.is_set()):
        with ledger.read() as connection:
            if not notes.is_waiting(connection, channel.name):
                break
        with ledger.begin() as connection:
            taken = notes.claim(connection, channel.name, lease=LEASE, now=clock())
        if taken is None:
            break
        answer = _tell(channel, taken)
        if not _settle(ledger, channel, taken, answer, clock(), scale):
            break
        sent += 1
    return sent


def _tell(channel: Channel, taken: Taken) -> Answer:
    try:
        return channel.tell(msgspec.json.decode(taken.content, type=Note))
    except Exception:  # noqa: BLE001  a fault of a library must not stop the others
        _log.exception("people.failed", channel=channel.name)
        return Later("fault")


def _settle(
    ledger: Ledger, channel: Channel, taken: Taken, answer: Answer, now: datetime, scale: float
) -> bool:
    """Whether it was sent, and the next may go."""
    error = None if isinstance(answer, Sent) else answer.error
    wait = min(FIRST_WAIT_SECONDS * 2.0 ** min(taken.attempts, 10), WAIT_LIMIT_SECONDS) / scale
    state, again = "sent", None
    if error is not None:
        state = "waiting" if now - taken.made_at < PATIENCE else "dead"
        again = now + timedelta(seconds=wait) if state == "waiting" else None
    with ledger.begin() as connection:
        ours = notes.settle(connection, taken, state, error=error, next_try_at=again, now=now)
    NOTES.labels(channel.name, state).inc()
    if error is not None:
        _log.warning("people.not_told", channel=channel.name, error=error, state=state)
    return ours and error is None
