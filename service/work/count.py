"""Add up what the journal says has moved, so that nobody who looks has to wait for it."""

from threading import Event

from service.ledger import closings, counted
from service.ledger.engine import Ledger


def count(ledger: Ledger, stop: Event | None = None) -> None:
    """Add up all postings that are there by now; ends early when `stop` is set."""
    with ledger.read() as connection:
        if counted.mark(connection) >= counted.last(connection):
            return
    cut = closings.cut(ledger)
    while not (stop and stop.is_set()) and counted.advance(ledger, cut):
        pass
