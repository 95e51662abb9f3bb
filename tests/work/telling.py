"""What goes wrong in a ledger, and what are people told of it?"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from service.core.observation import Key
from service.ledger import notes
from service.ledger.engine import Ledger
from service.ledger.people import Scope
from service.ledger.schema import people_notes
from service.outbound.people.note import Note
from service.work.people.compose import compose
from service.work.people.listener import Listener
from service.work.reconcile import after_batch
from service.work.terms import Terms
from tests import books

# no rule waits: patience is told of elsewhere
TERMS = Terms(epoch="e1", grace_seconds=0, scale=1e6)
OPS = Listener("ops", limit_bytes=6_000)
MINUTE = timedelta(minutes=1)


def over_refunded(
    ledger: Ledger, now: datetime, count: int = 1, account: str = "shop"
) -> list[Key]:
    """So many orders of which more was refunded than paid: 0.30 yuan each."""
    rows = [
        books.order(f"{account}{n}", amount_paid=100, amount_refunded=130, account=account)
        for n in range(count)
    ]
    with ledger.begin() as connection:
        keys = books.put(connection, rows)
        after_batch(connection, keys, terms=TERMS, now=now)
    return keys


def mend(ledger: Ledger, keys: Sequence[Key], now: datetime) -> None:
    """Take the orders' money back to nothing, so that no rule finds anything of them."""
    for one in keys:
        books.change(ledger, one, amount_paid=0, amount_refunded=0, status="created", final=False)
    with ledger.begin() as connection:
        after_batch(connection, keys, terms=TERMS, now=now)


def told(ledger: Ledger, listener: Listener = OPS) -> list[Note]:
    """Every note made for a channel so far."""
    return [
        msgspec.json.decode(row["content"], type=Note)
        for row in books.rows_of(ledger, people_notes)
        if row["channel"] == listener.name
    ]


def sent(ledger: Ledger, listener: Listener, now: datetime, *others: Listener) -> list[Note]:
    """Compose, and count what was made as sent; the new notes."""
    before = len(told(ledger, listener))
    compose(ledger, listener, others, epoch="e1", now=now)
    with ledger.begin() as connection:
        while taken := notes.claim(connection, listener.name, lease=MINUTE, now=now):
            notes.settle(connection, taken, "sent", now=now)
    return told(ledger, listener)[before:]


def only(rule: str, **given: Any) -> Listener:
    return Listener("ops", Scope(rules=frozenset({rule})), **given)


REFUNDED = only("refunded_over_paid")
