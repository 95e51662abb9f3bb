"""What was sent and has no answer is remembered, and sent again only by who has looked."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from service.ledger.engine import Ledger
from service.ledger.schema import sendings
from service.ledger.sendings import Sending, begin, end, sending_of, without_answer
from tests.books import rows_of

PAY = sending_of("shop", "order.pay", ["2001"])


def start(
    ledger: Ledger, sending: Sending, now: datetime, *, again: bool = False
) -> datetime | None:
    with ledger.begin() as connection:
        return begin(connection, sending, now=now, again=again)


def test_the_second_sending_learns_of_the_first(ledger: Ledger, now: datetime) -> None:
    assert start(ledger, PAY, now) is None
    assert start(ledger, PAY, now + timedelta(hours=1)) == now
    assert start(ledger, sending_of("shop", "order.pay", ["2002"]), now) is None
    assert start(ledger, sending_of("other", "order.pay", ["2001"]), now) is None


def test_an_answer_ends_it(ledger: Ledger, now: datetime) -> None:
    start(ledger, PAY, now)
    with ledger.begin() as connection:
        end(connection, PAY)
    assert start(ledger, PAY, now) is None


def test_whoever_has_looked_sends_again_and_is_remembered(ledger: Ledger, now: datetime) -> None:
    later = now + timedelta(hours=1)
    start(ledger, PAY, now)
    assert start(ledger, PAY, later, again=True) is None
    assert start(ledger, PAY, later) == later


def test_what_has_no_answer_is_listed_the_newest_first(ledger: Ledger, now: datetime) -> None:
    start(ledger, PAY, now)
    start(ledger, sending_of("shop", "deposit.create", ["n1"]), now + timedelta(seconds=1))
    with ledger.read() as connection:
        assert without_answer(connection) == [
            ("shop", "deposit.create", now + timedelta(seconds=1)),
            ("shop", "order.pay", now),
        ]


def test_only_a_digest_of_the_values_is_kept(ledger: Ledger, now: datetime) -> None:
    start(ledger, sending_of("shop", "settle_account.create", ["6214850213609784"]), now)
    (row,) = rows_of(ledger, sendings)
    assert "6214850213609784" not in str(row)
    assert len(row["digest"]) == 64


def test_of_many_at_once_one_is_first(ledger: Ledger, now: datetime) -> None:
    with ThreadPoolExecutor(8) as pool:
        started = [pool.submit(start, ledger, PAY, now) for _ in range(8)]
        found = [one.result() for one in started]
    assert found.count(None) == 1
