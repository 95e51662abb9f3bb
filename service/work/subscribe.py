"""How a sink that is new to the ledger begins: from now on, from a time, or from the beginning."""

from dataclasses import dataclass
from datetime import datetime
from threading import Event

from service.core.filter import Filter
from service.ledger import sinks
from service.ledger.engine import Ledger

PAGE = 1000


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a sink wants. past: older messages too, since a time or (None) all of them."""

    sink: str
    takes: Filter
    past: bool = False
    since: datetime | None = None


def subscribe(ledger: Ledger, wanted: Subscription, *, stop: Event | None = None) -> None:
    """Make the sink known, and put what it wants of the past on its way; again is no harm.

    A process that dies in between leaves the rest to the next one.
    """
    with ledger.read() as connection:
        found = sinks.find(connection, wanted.sink)
    if found is None:
        now = ledger.now()
        with ledger.begin() as connection:
            sinks.register(connection, wanted.sink, past=wanted.past, since=wanted.since, now=now)
    elif found.filled_to is None:
        return
    while not (stop and stop.is_set()):
        now = ledger.now()
        with ledger.begin() as connection:
            if sinks.fill(connection, wanted.sink, wanted.takes, limit=PAGE, now=now) is None:
                return
