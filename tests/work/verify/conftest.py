"""A ledger with everything in it that can be verified."""

import pytest

from service.core.observation import Key, Source
from service.ledger import audit
from service.ledger.engine import Ledger
from service.pingpp.reader import read_answer
from service.pingpp.signature import KeyRing, load_public_key
from service.work.apply import apply
from tests import bodies
from tests.conftest import KeyPair
from tests.days import DAWN, DAY, FIRST_DAY, HOUR, TERMS, deliver_paid, shut, tell
from tests.work.stories import wire
from tests.work.verify.tampering import deliver


@pytest.fixture
def rings(key_pair: KeyPair) -> dict[str, KeyRing]:
    return {"shop": KeyRing([load_public_key(key_pair.public_pem)])}


@pytest.fixture
def whole(ledger: Ledger, key_pair: KeyPair) -> Ledger:
    """Two days with signed deliveries, an answer of our own, an adjustment and an open day."""
    deliver(ledger, key_pair, 1, 1)
    deliver(ledger, key_pair, 2, 2)
    going = bodies.withdrawal(id="171", status="pending", created=int(DAWN.timestamp()))
    tell(ledger, going, DAWN + HOUR, Source.LIST)
    ended = going | {"status": "succeeded", "time_succeeded": int(DAWN.timestamp()) + 60}
    key = Key("shop", "withdrawal", "171")
    seen = read_answer(wire(ended), key=key, seen_at=DAWN + 2 * HOUR)
    apply(ledger, seen.observations, terms=TERMS, now=DAWN + 2 * HOUR)
    shut(ledger)
    deliver_paid(ledger, key_pair, 3, DAWN + 3 * HOUR, DAWN + DAY + 9 * HOUR)
    shut(ledger, FIRST_DAY + DAY)
    deliver(ledger, key_pair, 4, 50)
    for number in range(3):
        audit.note(ledger, who="anna", what=f"order {number}", why="ticket", now=DAWN)
    return ledger
