"""How messages are sent again: dead letters once the fault is mended, or what a sink has lost."""

from service.ledger import letters
from service.ledger.engine import Ledger
from service.ledger.letters import Chosen

PAGE = 1000


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
