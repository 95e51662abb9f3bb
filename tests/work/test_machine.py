"""The crown test: whatever happens in whatever order, the ledger ends as the provider's truth.

Notifications of any moment, repeated and late; own questions; replays; crashes between the steps;
deliveries set aside and read again: on real SQLite and real PostgreSQL, against the true history.
"""

from collections import defaultdict
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    rule,
    run_state_machine_as_test,
)

from service.core import belief
from service.core.kinds import KINDS
from service.core.kinds.kind import COMMON_WORDS, status_field
from service.core.observation import Key, Observation, decode
from service.core.view import view
from service.ledger import deliveries
from service.ledger.engine import Connection, Ledger
from service.ledger.schema import (
    beliefs,
    changes,
    dispatches,
    observations,
    outbox,
    watches,
)
from service.ledger.schema import deliveries as inbox
from service.work.drain import drain
from service.work.rebuild import derive
from service.work.terms import AccountTerms, Terms
from tests import bodies
from tests.work.stories import TrueObject, TrueOrder, TrueOther, TrueWithdrawal, arrive, look, wire

_accounts = count(1)
# Kinds whose word stands in `status`, and the usual ones among them (facts §6).
OTHERS = sorted(
    kind.name
    for kind in KINDS.values()
    if kind.words.keys() >= COMMON_WORDS.keys()
    and kind.status is status_field
    and kind.name not in ("withdrawal", "allocation", "allocation_refund")
)


class Crash(Exception):
    """The process dies here."""


class Machine(RuleBasedStateMachine):
    """One account's life; every example has an account of its own in the same ledger."""

    ledger: Ledger
    objects: Bundle[TrueObject] = Bundle("objects")

    def __init__(self) -> None:
        super().__init__()
        self.account = f"shop{next(_accounts)}"
        terms = {self.account: AccountTerms(apps=frozenset({bodies.APP}))}
        self.terms = Terms(sinks=("one", "two"), epoch="e1", accounts=terms)
        self.now = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
        self.numbers, self.events = count(1), count(1)
        self.known: list[TrueObject] = []
        self.seen: set[Key] = set()
        self.accepted = 0

    def tick(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def key(self, one: TrueObject) -> Key:
        return Key(self.account, one.kind, one.id)

    @rule(target=objects)
    def an_order_is_created(self) -> TrueObject:
        self.known.append(TrueOrder(next(self.numbers)))
        return self.known[-1]

    @rule(target=objects, end=st.sampled_from(["succeeded", "failed", "canceled"]))
    def a_withdrawal_is_created(self, end: str) -> TrueObject:
        self.known.append(TrueWithdrawal(next(self.numbers), end))
        return self.known[-1]

    @rule(
        target=objects,
        kind=st.sampled_from(OTHERS),
        end=st.sampled_from(["succeeded", "failed", "canceled"]),
    )
    def an_object_of_another_kind_is_created(self, kind: str, end: str) -> TrueObject:
        self.known.append(TrueOther(next(self.numbers), kind, end))
        return self.known[-1]

    @rule(one=objects, refund=st.sampled_from([100, 300, 1200]))
    def it_moves_on(self, one: TrueObject, refund: int) -> None:
        one.advance(refund)

    @rule(one=objects, back=st.integers(0, 3), times=st.integers(1, 3))
    def any_moment_of_it_is_notified(self, one: TrueObject, back: int, times: int) -> None:
        snapshot = one.snapshots[max(0, len(one.snapshots) - 1 - back)]
        event_id = f"evt_{self.account}_{next(self.events)}"
        for pending in range(times):
            body = wire(bodies.event(snapshot, id=event_id, pending_webhooks=pending))
            arrive(self.ledger, self.account, body, self.tick())
        self.accepted += 1
        self.seen.add(self.key(one))

    @rule()
    def nonsense_is_notified(self) -> None:
        arrive(self.ledger, self.account, b"[%d]" % next(self.events), self.tick())
        self.accepted += 1

    @rule()
    def what_waits_is_read(self) -> None:
        drain(self.ledger, terms=self.terms, clock=self.tick)

    @rule()
    def a_worker_dies_with_its_claim(self) -> None:
        with self.ledger.begin() as connection:
            deliveries.claim(connection, limit=3, lease=timedelta(seconds=2), now=self.tick())

    @rule(one=objects)
    def it_is_asked_for(self, one: TrueObject) -> None:
        look(self.ledger, self.key(one), one.truth, terms=self.terms, at=self.tick())
        self.seen.add(self.key(one))

    @rule(one=objects)
    def a_worker_dies_before_the_commit(self, one: TrueObject) -> None:
        dying = DyingLedger(self.ledger.writer, self.ledger.reader, self.ledger.vault)
        with pytest.raises(Crash):
            look(dying, self.key(one), one.truth, terms=self.terms, at=self.tick())

    @rule(state=st.sampled_from(["applied", "quarantined"]))
    def deliveries_are_read_again(self, state: str) -> None:
        with self.ledger.begin() as connection:
            ids = connection.scalars(
                sa.select(inbox.c.id).where(inbox.c.account == self.account)
            ).all()
            if ids:
                deliveries.requeue(connection, state=state, ids=list(ids)[:5])

    @rule(one=consumes(objects))
    def it_is_left_alone(self, one: TrueObject) -> None:
        """The object is not touched again but by the end of the story."""

    @invariant()
    def nothing_accepted_is_missing(self) -> None:
        with self.ledger.read() as connection:
            stored = connection.scalar(
                sa.select(sa.func.count()).where(inbox.c.account == self.account)
            )
        assert stored == self.accepted

    def teardown(self) -> None:
        """Let everything be read and asked for once more, and compare with the truth."""
        for _ in range(3):
            self.now += timedelta(minutes=2)
            drain(self.ledger, terms=self.terms, clock=self.tick)
        for one in self.known:
            look(self.ledger, self.key(one), one.truth, terms=self.terms, at=self.tick())
            look(self.ledger, self.key(one), one.truth, terms=self.terms, at=self.tick())
        with self.ledger.read() as connection:
            self._beliefs_are_the_truth(connection)
            self._beliefs_are_the_join_of_what_was_seen(connection)
            self._changes_and_messages_agree(connection)
            self._what_is_open_is_watched(connection)

    def _beliefs_are_the_truth(self, connection: Connection) -> None:
        for one in self.known:
            row = connection.execute(
                sa.select(beliefs).where(
                    beliefs.c.account == self.account,
                    beliefs.c.kind == one.kind,
                    beliefs.c.object_id == one.id,
                )
            ).one()
            status = {"processing": "pending"}.get(one.truth["status"], one.truth["status"])
            assert (row.status, row.conflict) == (status, False)
            assert row.amount == one.truth.get("amount", one.truth.get("pay_amount"))
            assert row.amount_paid == one.truth.get("amount_paid")
            assert row.amount_refunded == one.truth.get("amount_refunded")

    def _beliefs_are_the_join_of_what_was_seen(self, connection: Connection) -> None:
        seen: dict[Key, list[Observation]] = defaultdict(list)
        for row in connection.execute(
            sa.select(observations).where(observations.c.account == self.account)
        ):
            key = Key(row.account, row.kind, row.object_id)
            seen[key].append(decode(key, row.body))
        for key, history in seen.items():
            kept = connection.scalar(
                sa.select(beliefs.c.state).where(
                    beliefs.c.account == key.account,
                    beliefs.c.kind == key.kind,
                    beliefs.c.object_id == key.object_id,
                )
            )
            assert kept == belief.encode(derive(history))
            assert belief.encode(derive(history[::-1])) == kept

    def _changes_and_messages_agree(self, connection: Connection) -> None:
        """I5, I6: seq without a gap, one message a change, one dispatch a message and sink."""
        rows = connection.execute(
            sa.select(changes)
            .where(changes.c.account == self.account)
            .order_by(changes.c.kind, changes.c.object_id, changes.c.seq)
        ).all()
        expected: dict[tuple[str, str], int] = defaultdict(int)
        for row in rows:
            expected[row.kind, row.object_id] += 1
            assert row.seq == expected[row.kind, row.object_id]
        streams = {f"{self.account}/{row.kind}/{row.object_id}/{row.seq}" for row in rows}
        sent = connection.execute(
            sa.select(outbox.c.id, outbox.c.stream, outbox.c.seq).where(
                outbox.c.account == self.account, outbox.c.type.like("pingpp.%")
            )
        ).all()
        assert {f"{row.stream}/{row.seq}" for row in sent} == streams
        assert len(sent) == len(streams)
        ways = connection.scalar(
            sa.select(sa.func.count()).where(dispatches.c.outbox_id.in_([row.id for row in sent]))
        )
        assert ways == len(sent) * len(self.terms.sinks)

    def _what_is_open_is_watched(self, connection: Connection) -> None:
        """I11: an object that is not final is looked at again."""
        rows = connection.execute(
            sa.select(beliefs.c.kind, beliefs.c.object_id, beliefs.c.state, watches.c.next_look_at)
            .outerjoin(
                watches,
                sa.and_(
                    watches.c.account == beliefs.c.account,
                    watches.c.kind == beliefs.c.kind,
                    watches.c.object_id == beliefs.c.object_id,
                ),
            )
            .where(beliefs.c.account == self.account)
        )
        for row in rows:
            known = view(KINDS[row.kind], belief.decode(row.state))
            follows = row.kind == "charge"
            assert known.final or follows or row.next_look_at is not None


class DyingLedger(Ledger):
    """A ledger whose process dies after all work is done and before it is committed."""

    @contextmanager
    def begin(self) -> Generator[Connection]:
        with super().begin() as connection:
            yield connection
            raise Crash


@pytest.mark.slow
def test_any_story_ends_in_the_truth(ledger: Ledger) -> None:
    class OnThisLedger(Machine):
        pass

    OnThisLedger.ledger = ledger
    run_state_machine_as_test(
        OnThisLedger,
        settings=settings(
            max_examples=40,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
