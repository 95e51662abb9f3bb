"""A fen is missing in a wallet at the fake Ping++ over real sockets: is it found, and only then?"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from service.core.observation import Key, user_of
from service.ledger import watches
from service.ledger.engine import Ledger
from service.ledger.schema import mismatches
from service.sandbox.truth import Pace
from service.work.poll import poll
from service.work.reconcile import reconcile, suspects
from service.work.terms import AccountTerms, Terms
from tests.conftest import KeyPair, make_key_pair
from tests.work.sandboxed import APP, Market, market

TERMS = Terms(accounts={"shop": AccountTerms(apps=frozenset({APP}))})
RETURN = {"return_url": "https://merchant.example"}
# who are there from the beginning: a person with money, an enterprise without
PERSON, ENTERPRISE = "cus_003", "WHDR"


class Shop:
    """A merchant, the sandbox and our poller, whose one clock stands until it is turned."""

    def __init__(self, ledger: Ledger, now: datetime) -> None:
        self.ledger, self.now = ledger, now
        self.market: Market | None = None

    def clock(self) -> datetime:
        return self.now

    @property
    def _market(self) -> Market:
        assert self.market is not None
        return self.market

    def pass_seconds(self, seconds: float) -> None:
        self._market.merchant.call("POST", "/sandbox/step", {"seconds": seconds})
        self.now += timedelta(seconds=seconds)

    def plant(self) -> str:
        """A fen leaves the person's wallet; gives the id of the user that lacks it."""
        body = {"name": "wallet", "app": APP}
        planted = self._market.merchant.call("POST", "/sandbox/plant", body)
        return str(planted["found_on"][0])

    def meet(self, kind: str, object_id: str) -> None:
        """Ask for an object of which no event tells."""
        with self.ledger.begin() as connection:
            watches.request(connection, Key("shop", kind, object_id), now=self.now, place={})
        self.ask()

    def ask(self) -> None:
        """Ask for what is due."""
        poll(
            self.ledger,
            self._market.clients,
            terms=TERMS,
            clock=self.clock,
            chance=lambda: 0.5,
        )

    def fill(self) -> None:
        """The person puts money into the wallet."""
        asked = {"user": PERSON, "amount": 700, "extra": RETURN}
        self._do("deposit", f"/v1/apps/{APP}/deposits", asked)

    def pay_from_wallet(self) -> None:
        self.meet("order", self._market.merchant.paid_order(500, "balance", uid=PERSON))

    def withdraw(self) -> None:
        """Confirmed and paid out."""
        asked = {"user": PERSON, "amount": 300, "channel": "yeepay", "extra": RETURN}
        merchant, path = self._market.merchant, f"/v1/apps/{APP}/withdrawals"
        made = merchant.call("POST", path, {**asked, "order_no": merchant.number()})
        self.meet("withdrawal", made["id"])
        merchant.call("PUT", f"{path}/{made['id']}", {"status": "pending"})
        merchant.call("POST", "/sandbox/finish", {"id": made["id"], "succeeded": True})
        self.meet("withdrawal", made["id"])

    def share(self) -> None:
        """Half of an order's money goes to the person."""
        order = self._market.merchant.paid_order(800, allocation=True)
        self.meet("order", order)
        asked = {"app": APP, "order": order, "recipients": [{"user": PERSON, "amount": 400}]}
        self._do("allocation", "/v1/allocations", asked)

    def _do(self, kind: str, path: str, asked: Mapping[str, object]) -> None:
        merchant = self._market.merchant
        made = merchant.call("POST", path, {**asked, "order_no": merchant.number()})
        merchant.call("POST", "/sandbox/finish", {"id": made["id"], "succeeded": True})
        self.meet(kind, made["id"])

    def found(self) -> list[tuple[str, str, str, int]]:
        """What is on the books, but that no event told: rule, object, state, theirs less ours."""
        told = mismatches.c.rule != "learned_by_polling"
        with self.ledger.read() as connection:
            rows = connection.execute(sa.select(mismatches).where(told)).all()
        return [(r.rule, r.object_id, r.state, int(r.theirs) - int(r.ours)) for r in rows]


MOVES = {
    "a deposit": Shop.fill,
    "an order by balance": Shop.pay_from_wallet,
    "a withdrawal": Shop.withdraw,
    "an allocation": Shop.share,
}


@pytest.fixture(scope="module")
def their_keys() -> KeyPair:
    return make_key_pair()


@pytest.fixture
def shop(ledger: Ledger, key_pair: KeyPair, their_keys: KeyPair, now: datetime) -> Iterator[Shop]:
    """The wallets were asked for some seconds ago."""
    made = Shop(ledger, now.replace(microsecond=0))
    pace = Pace(automatic=False, declined=0)
    with market(
        key_pair,
        their_keys,
        made.clock,
        scale=1.0,
        pace=pace,
        cast=APP,
        start=made.now,
        frozen=True,
    ) as made.market:
        made.pass_seconds(600)
        made.meet("user", user_of(APP, PERSON))
        made.meet("user", user_of(APP, ENTERPRISE))
        made.pass_seconds(8)
        yield made


@pytest.mark.parametrize("move", MOVES)
def test_a_missing_fen_is_found_by_the_question_that_a_move_leads_to(shop: Shop, move: str) -> None:
    MOVES[move](shop)
    lacking = shop.plant()
    shop.pass_seconds(15)
    shop.ask()
    assert shop.found() == [("wallet_differs", lacking, "suspected", -1)]
    shop.pass_seconds(601)
    shop.ask()
    suspects(shop.ledger, terms=TERMS, now=shop.now)
    assert shop.found() == [("wallet_differs", lacking, "open", -1)]


def test_a_missing_fen_is_found_by_the_next_question_without_a_move(shop: Shop) -> None:
    lacking = shop.plant()
    shop.pass_seconds(3_600)
    shop.ask()
    shop.pass_seconds(601)
    shop.ask()
    reconcile(shop.ledger, terms=TERMS, now=shop.now)
    assert shop.found() == [("wallet_differs", lacking, "open", -1)]


def test_nothing_is_found_while_no_fen_is_missing(shop: Shop) -> None:
    for move in MOVES.values():
        move(shop)
        shop.pass_seconds(20)
        shop.ask()
    shop.pass_seconds(3_601)
    shop.ask()
    assert set(reconcile(shop.ledger, terms=TERMS, now=shop.now).found) == {"learned_by_polling"}
    assert shop.found() == []
