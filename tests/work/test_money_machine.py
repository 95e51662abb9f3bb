"""The money's crown test: histories of the sandbox, in any order, with loss and repetition.

At the end the trial balance is zero, the journal is what the beliefs say has moved, the beliefs are
the sandbox's truth, and open mismatches are the errors that were planted: all of them, no other.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from service.core.journal import Standing, net
from service.core.observation import Key
from service.ledger import journal
from service.ledger.engine import Connection, Ledger
from service.ledger.journal import Span
from service.ledger.schema import beliefs, mismatches
from service.sandbox import answers, dump
from service.sandbox.depositing import create_deposit, pay_deposit
from service.sandbox.events import envelope
from service.sandbox.members import create_user
from service.sandbox.paying import complete_charge, create_order, pay_order
from service.sandbox.plants import PLANTS, Planted, plant
from service.sandbox.records import Order, Record
from service.sandbox.refunding import end_refund, refund_order, send_refund
from service.sandbox.sharing import (
    create_allocation,
    create_completion,
    end_allocation,
    end_completion,
)
from service.sandbox.truth import Pace, Truth
from service.sandbox.wallets import covers
from service.sandbox.withdrawing import create_withdrawal, decide_withdrawal, end_withdrawal
from service.work.drain import drain
from service.work.reconcile import reconcile
from service.work.rejudge import rejudge
from service.work.terms import AccountTerms, Terms
from tests.work.stories import arrive, look, wire

APP = "app_1"
USER = "cus_1"
_accounts = count(1)
# Ten times the longest grace of a sum: what nobody could be asked about opens, too.
LONG = timedelta(seconds=6_001)
# The plant whose finding hangs on what was heard: an order of 1000 becomes one of 900.
CHANGED = "amount_changed"
# Needs a wallet with money whose balance was seen before.
WALLET = "wallet"
_standings = msgspec.json.Decoder(tuple[Standing, ...])


class MoneyMachine(RuleBasedStateMachine):
    """A day of one merchant, of which the ledger hears what chance lets through."""

    ledger: Ledger

    def __init__(self) -> None:
        super().__init__()
        self.account = f"money{next(_accounts)}"
        terms = {self.account: AccountTerms(apps=frozenset({APP}))}
        self.terms = Terms(epoch="e1", accounts=terms)
        self.now = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
        pace = Pace(declined=0, automatic=False, fee=20, user_fee=5)
        self.truth = Truth(Random(7), pace)
        self.numbers = count(1)
        self.events: list[bytes] = []
        self.planted: list[Planted] = []
        self.user = create_user(self.truth, APP, {"id": USER}, self.now)
        self.user.identified = True
        self._look(self.user)
        # what moves within a minute of the opening may belong to it
        self.now += timedelta(minutes=5)

    def tick(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def _number(self) -> str:
        return f"N{next(self.numbers):06}"

    def _sell(self, amount: int, channel: str = "yeepay_wx_pub_qr", *, shared: bool) -> Order:
        fields = {
            "app": APP,
            "merchant_order_no": self._number(),
            "amount": amount,
            "currency": "cny",
            "client_ip": "127.0.0.1",
            "subject": "商品",
            "body": "说明",
            "uid": USER,
            "allocation": shared,
        }
        order = create_order(self.truth, fields, self.tick())
        asked = {"charge_amount": amount, "channel": channel}
        charge = pay_order(self.truth, order, asked, self.tick())
        complete_charge(self.truth, charge, self.tick())
        return order

    @rule(amount=st.sampled_from([1, 1000, 30_000]), back=st.integers(0, 2), ends=st.booleans())
    def an_order_is_sold_and_refunded_in_parts(self, amount: int, back: int, ends: bool) -> None:
        order = self._sell(amount, shared=False)
        for part in [amount // 3] * back:
            if part:
                self._refund(order, part, succeeded=ends)

    def _refund(self, order: Order, amount: int, *, succeeded: bool) -> None:
        fields = {
            "order_no": self._number(),
            "amount": amount,
            "charge": order.charges[0].id,
            "description": "退款",
        }
        refund = refund_order(self.truth, order, fields, self.tick())
        send_refund(self.truth, refund, self.tick())
        end_refund(self.truth, refund, self.tick(), succeeded=succeeded)

    @rule(succeeds=st.booleans())
    def an_order_is_shared(self, succeeds: bool) -> None:
        order = self._sell(900, shared=True)
        share = {"app": APP, "order": order.id}
        recipients = [{"user": USER, "amount": 400}]
        made = create_allocation(
            self.truth,
            {**share, "order_no": self._number(), "recipients": recipients},
            self.tick(),
        )
        end_allocation(self.truth, made, self.tick(), succeeded=succeeds)
        done = create_completion(self.truth, {**share, "order_no": self._number()}, self.tick())
        end_completion(self.truth, done, self.tick(), succeeded=True)

    @rule(paid=st.booleans())
    def the_wallet_is_filled(self, paid: bool) -> None:
        fields = {
            "user": USER,
            "order_no": self._number(),
            "amount": 5_000,
            "extra": {"return_url": "https://merchant.example"},
        }
        known = create_deposit(self.truth, APP, fields, self.tick())
        if paid:
            pay_deposit(self.truth, known, self.tick(), paid=True)

    @precondition(lambda self: covers(self.user, 600))
    @rule(word=st.sampled_from(["succeeded", "failed", "canceled"]))
    def the_wallet_is_withdrawn_from(self, word: str) -> None:
        fields = {
            "user": USER,
            "amount": 500,
            "order_no": self._number(),
            "channel": "yeepay",
            "extra": {"return_url": "https://merchant.example"},
        }
        known = create_withdrawal(self.truth, APP, fields, self.tick())
        if word == "canceled":
            decide_withdrawal(self.truth, known, "canceled", self.tick())
            return
        decide_withdrawal(self.truth, known, "pending", self.tick())
        end_withdrawal(self.truth, known, self.tick(), succeeded=word == "succeeded")

    @precondition(lambda self: covers(self.user, 600))
    @rule(back=st.booleans())
    def an_order_is_paid_from_the_wallet(self, back: bool) -> None:
        order = self._sell(300, "balance", shared=False)
        if back:
            self._refund(order, 100, succeeded=True)

    @rule(name=st.sampled_from(sorted(PLANTS.keys() - {WALLET})))
    def an_error_is_planted(self, name: str) -> None:
        if name in {one.name for one in self.planted}:
            return
        self._print()
        told = len(self.events)
        self.planted.append(plant(self.truth, name, APP, self.tick()))
        if name == CHANGED:  # whoever heard of one value only cannot know that there were two
            self._print()
            for body in self.events[told:]:
                arrive(self.ledger, self.account, body, self.tick())

    @precondition(lambda self: covers(self.user, 600))
    @precondition(lambda self: WALLET not in {one.name for one in self.planted})
    @rule()
    def a_fen_leaves_the_wallet_unseen(self) -> None:
        self.planted.append(plant(self.truth, WALLET, APP, self.tick()))

    @rule(place=st.integers(0, 99), times=st.integers(1, 2))
    def any_event_is_notified(self, place: int, times: int) -> None:
        self._print()
        for _ in range(times if self.events else 0):
            body = self.events[place % len(self.events)]
            arrive(self.ledger, self.account, body, self.tick())

    @rule()
    def what_waits_is_read(self) -> None:
        drain(self.ledger, terms=self.terms, clock=self.tick)

    @rule(place=st.integers(0, 99))
    def any_object_is_asked_for(self, place: int) -> None:
        records = list(self.truth.records.values())
        self._look(records[place % len(records)])

    def _print(self) -> None:
        """What the provider has to tell, one body each: it may be told at any time, or never."""
        while self.truth.news:
            self.events.append(wire(envelope(self.truth, self.truth.news.popleft())))

    def _look(self, record: Record) -> None:
        key = Key(self.account, *dump.kind_and_id(record))
        look(self.ledger, key, answers.show(record), terms=self.terms, at=self.tick())

    def teardown(self) -> None:
        """Let all of it be asked for, with time between, and the graces pass."""
        for _ in range(2):
            self.now += timedelta(minutes=2)
            drain(self.ledger, terms=self.terms, clock=self.tick)
            for record in list(self.truth.records.values()):
                self._look(record)
        self.now += timedelta(minutes=1)
        self._look(self.user)
        for now in (self.now, self.now + LONG):
            reconcile(self.ledger, terms=self.terms, now=now)
        with self.ledger.read() as connection:
            self._the_books_balance(connection)
            self._the_journal_is_what_is_believed(connection)
            self._what_is_believed_is_the_truth(connection)
            self._mismatches_are_what_was_planted(connection)
        self._mismatches_are_what_the_rules_find_again()

    def _mismatches_are_what_the_rules_find_again(self) -> None:
        """Other histories in this ledger ended at other times."""
        *_, done = rejudge(self.ledger, {}, terms=self.terms, now=self.now + LONG)
        assert [one for one in done.differing if one.key.account == self.account] == []

    def _the_books_balance(self, connection: Connection) -> None:
        for one in journal.trial(journal.balances(connection, Span(self.account))):
            assert one.debit == one.credit

    def _the_journal_is_what_is_believed(self, connection: Connection) -> None:
        rows = connection.execute(
            sa.select(beliefs.c.kind, beliefs.c.object_id, beliefs.c.booked).where(
                beliefs.c.account == self.account, beliefs.c.booked.is_not(None)
            )
        ).all()
        kept = {Key(self.account, r.kind, r.object_id): _standings.decode(r.booked) for r in rows}
        posted = journal.sums(connection, list(kept)) if kept else {}
        assert {key: net(each[:4] for each in one) for key, one in kept.items()} == posted

    def _what_is_believed_is_the_truth(self, connection: Connection) -> None:
        named = ("kind", "object_id", "status", "amount", "amount_paid", "amount_refunded")
        rows = connection.execute(
            sa.select(*(beliefs.c[name] for name in named)).where(beliefs.c.account == self.account)
        )
        held = {(row.kind, row.object_id): tuple(row[2:]) for row in rows}
        facts = self._first_facts()
        assert held == {
            key: tuple({**one, **facts.get(key, {})}[name] for name in named[2:])
            for one in dump.objects(self.truth, {})
            for key in [(one["kind"], one["id"])]
        }

    def _first_facts(self) -> dict[tuple[str, str], dict[str, int]]:
        """Of a fact that was changed, what was seen first is believed on."""
        changed = [one for one in self.planted if one.name == CHANGED]
        return {("order", own): {"amount": 1000} for one in changed for own in one.found_on}

    def _mismatches_are_what_was_planted(self, connection: Connection) -> None:
        rows = connection.execute(
            sa.select(mismatches.c.rule, mismatches.c.kind, mismatches.c.object_id).where(
                mismatches.c.account == self.account,
                mismatches.c.state == "open",
                mismatches.c.severity != "info",
            )
        ).all()
        made = {place for one in self.planted for place in one.made}
        assert [row for row in rows if (row.kind, row.object_id) not in made] == []
        found = Counter((row.rule, row.object_id) for row in rows)
        assert [
            one.name
            for one in self.planted
            if not any(found[one.rule, each] for each in one.found_on)
        ] == []


@pytest.mark.slow
def test_any_history_ends_with_true_books_and_the_planted_errors(ledger: Ledger) -> None:
    class OnThisLedger(MoneyMachine):
        pass

    OnThisLedger.ledger = ledger
    run_state_machine_as_test(
        OnThisLedger,
        settings=settings(
            max_examples=6,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
