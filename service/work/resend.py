"""How are messages sent again, or given up for good by a person?"""

from service.ledger import letters
from service.ledger.engine import Ledger
from service.ledger.letters import Chosen

PAGE = 1000


def drop(ledger: Ledger, chosen: Chosen, reason: str) -> int:
    """Give the chosen dead letters up for good, page by page; gives how many."""
    total = 0
    while True:
        now = ledger.now()
        with ledger.begin() as connection:
            count = letters.drop(connection, chosen, reason, limit=PAGE, now=now)
        total += count
        if not count:
            return total


def resend(ledger: Ledger, chosen: Chosen) -> int:
    """Make the chosen messages due again, page by page; gives how many. Publishing sends them."""
    total, after_id = 0, 0
    while True:
        now = ledger.now()
        with ledger.begin() as connection:
            count, next_id = letters.resend(
                connection, chosen, after_id=after_id, limit=PAGE, now=now
            )
        total += count
        if next_id is None:
            return total
        after_id = next_id
