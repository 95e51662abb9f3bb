"""What a process that is alone on a ledger finds claimed was claimed by the dead."""

from datetime import datetime, timedelta

from service.ledger import deliveries
from service.ledger.engine import Ledger
from service.ledger.leases import release_all
from tests import bodies
from tests.work.stories import arrive, wire


def test_the_claims_of_the_dead_are_free_at_once(ledger: Ledger, now: datetime) -> None:
    arrive(ledger, "shop", wire(bodies.event(bodies.order())), now)
    hour = timedelta(hours=1)
    with ledger.begin() as connection:
        assert deliveries.claim(connection, limit=5, lease=hour, now=now).rows
        assert not deliveries.claim(connection, limit=5, lease=hour, now=now).rows
    with ledger.begin() as connection:
        assert release_all(connection) == 1
        assert deliveries.claim(connection, limit=5, lease=hour, now=now).rows
