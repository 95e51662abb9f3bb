"""How is a batch of beliefs judged, and what is told of it?"""

import json
from datetime import datetime, timedelta

import sqlalchemy as sa

from service.core.observation import Key
from service.ledger.engine import Ledger
from service.ledger.mismatches import Moves
from service.ledger.schema import watches
from service.work.reconcile import after_batch
from service.work.terms import Terms
from tests.books import Row, put, told

TERMS = Terms(sinks=("file", "shop"), epoch="e", grace_seconds=60)
ORDER = Key("shop", "order", "o1")
GRACE = timedelta(seconds=60)
# less was to be paid than the amount: only the sum is wrong
COUPON = {"actual_amount": 90}


def batch(ledger: Ledger, now: datetime, *put_rows: Row, touch: Key | None = None) -> Moves:
    with ledger.begin() as connection:
        keys = put(connection, put_rows)
        return after_batch(connection, [touch] if touch else keys, terms=TERMS, now=now)


def said(ledger: Ledger) -> list[tuple[int, str, str, str]]:
    """(seq, what, ours, theirs) of every message."""
    documents = [(row, json.loads(row["body"])["data"]) for row in told(ledger)]
    return [(row["seq"], d["state"], d["ours"], d["theirs"]) for row, d in documents]


def answer(ledger: Ledger, at: datetime, word: str = "ok") -> None:
    """The watched objects were asked for, and the provider answered."""
    with ledger.begin() as connection:
        connection.execute(sa.update(watches).values(last_looked_at=at, last_answer=word))
