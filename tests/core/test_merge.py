"""Sightings of an object without a version: any order, any repetition, one belief."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from service.core import belief
from service.core.belief import State, join, sighted
from service.core.kinds import KINDS
from service.core.merge import Decision, Outcome, decide, is_known
from service.core.observation import Key, Observation, Part, Source
from service.core.view import corrects, differs, told, view

BASE = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def seen(
    kind: str,
    status: str,
    at: float,
    source: Source = Source.WEBHOOK,
    said: int | None = None,
    **values: int | str,
) -> Observation:
    names = {total.name for total in KINDS[kind].totals}
    shown = {attr.name for attr in KINDS[kind].attrs}
    return Observation(
        key=Key("shop", kind, "2001"),
        source=source,
        seen_at=BASE + timedelta(seconds=at),
        status=status,
        said_at=said,
        facts={name: value for name, value in values.items() if name not in names | shown},
        attrs={name: value for name, value in values.items() if name in shown},
        totals={name: int(value) for name, value in values.items() if name in names},
    )


def believe(*sightings: Observation) -> State:
    state: State | None = None
    for one in sightings:
        state = decide(KINDS[one.key.kind], state, one).state
    assert state is not None
    return state


def last(*history: Observation) -> Decision:
    decision: Decision | None = None
    for one in history:
        decision = decide(KINDS[one.key.kind], decision and decision.state, one)
    assert decision is not None
    return decision


@st.composite
def sightings(draw: st.DrawFn, size: int = 6) -> list[Observation]:
    """A history of one object: growing, late, contradicting and repeated sightings."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    words = st.sampled_from([*KINDS[kind].words, "unknown:odd"])
    history: list[Observation] = []
    for _ in range(draw(st.integers(1, size))):
        values: dict[str, int | str] = {"amount": draw(st.sampled_from([100, 100, 100, 90]))}
        for total in KINDS[kind].totals:
            values[total.name] = draw(st.sampled_from([0, 10, 40]))
        if kind == "user":
            values["available_balance"] = draw(st.sampled_from([0, 5, 900]))
        one = seen(
            kind,
            draw(words),
            draw(st.integers(0, 5)),
            draw(st.sampled_from([Source.WEBHOOK, Source.POLL, Source.LIST])),
            draw(st.none() | st.integers(0, 3)),
            **values,
        )
        history.append(one)
    return history


@given(sightings(size=5), st.data())
@settings(max_examples=300, deadline=None)
def test_every_order_with_repetitions_gives_the_same_bytes(
    history: list[Observation], data: st.DataObject
) -> None:
    expected = belief.encode(believe(*history))
    for order in permutations(history):
        assert belief.encode(believe(*order)) == expected
    repeated = data.draw(st.permutations(history + history))
    assert belief.encode(believe(*repeated)) == expected


@given(sightings(), sightings(), sightings())
@settings(max_examples=300, deadline=None)
def test_the_join_is_commutative_associative_and_idempotent(
    one: list[Observation], two: list[Observation], three: list[Observation]
) -> None:
    a, b, c = (_joined(history) for history in (one, two, three))
    assert _bytes(join(a, b)) == _bytes(join(b, a))
    assert _bytes(join(join(a, b), c)) == _bytes(join(a, join(b, c)))
    assert _bytes(join(a, a)) == _bytes(a)
    assert _bytes(join(join(a, b), b)) == _bytes(join(a, b))


def _joined(history: Sequence[Observation]) -> State:
    kind = KINDS["order"]
    state = sighted(kind, history[0])
    for one in history[1:]:
        state = join(state, sighted(kind, one))
    return state


def _bytes(state: State) -> str:
    return belief.encode(state)


@given(sightings(size=6))
@settings(max_examples=300, deadline=None)
def test_what_is_not_kept_again_is_not_missed(history: list[Observation]) -> None:
    history.sort(key=lambda one: one.seen_at)
    kind, kept = KINDS[history[0].key.kind], history[:1]
    for one in history[1:]:
        if not is_known(kind, believe(*kept), one):
            kept.append(one)
    whole, part = (view(kind, believe(*each)) for each in (history, kept))
    assert told(part) == told(whole)
    assert (part.conflict, part.contested, part.notified) == (
        whole.conflict, whole.contested, whole.notified,
    )  # fmt: skip


@given(sightings())
@settings(max_examples=200, deadline=None)
def test_a_state_survives_its_own_text(history: list[Observation]) -> None:
    state = believe(*history)
    assert belief.decode(belief.encode(state)) == state


@given(sightings(size=8), st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_the_last_publication_is_the_belief_whatever_the_order(
    history: list[Observation], chance: object
) -> None:
    kind = KINDS[history[0].key.kind]
    ends: set[str] = set()
    for order in (history, history[::-1], sorted(history, key=lambda one: one.seen_at)):
        published = _published(order)
        known = view(kind, believe(*order))
        if not known.conflict:
            assert not differs(published, told(known))
            ends.add(str(published and published["status"]))
    assert len(ends) <= 1


def _published(order: Sequence[Observation]) -> dict[str, object] | None:
    kind = KINDS[order[0].key.kind]
    state, last_told = None, None
    for one in order:
        decision = decide(kind, state, one)
        state, after = decision.state, told(decision.view)
        if not decision.view.conflict and differs(last_told, after):
            last_told = after
    return last_told


def test_the_newest_dated_sighting_of_a_balance_wins_in_any_order() -> None:
    story = [
        seen("user", "known", 9, said=5, available_balance=100),
        seen("user", "known", 1, said=7, available_balance=40),
        seen("user", "known", 5, said=6, available_balance=900),
    ]
    for order in permutations(story):
        assert told(view(KINDS["user"], believe(*order)))["available_balance"] == 40
    late = last(*story[1:], story[0])
    assert late.outcome is Outcome.UNCHANGED
    assert not late.view.contested


def test_a_balance_that_falls_is_a_change_and_no_correction() -> None:
    high = last(seen("user", "known", 0, said=1, available_balance=100)).view
    low = last(
        seen("user", "known", 0, said=1, available_balance=100),
        seen("user", "known", 1, said=2, available_balance=0),
    )
    assert low.outcome is Outcome.APPLIED
    assert differs(told(high), told(low.view))
    assert not corrects(KINDS["user"], told(high), told(low.view))


def test_a_first_sighting_is_applied() -> None:
    decision = last(seen("order", "created", 0, amount=100))
    assert decision.outcome is Outcome.APPLIED
    assert (decision.view.status, decision.view.final) == ("created", False)


def test_a_late_notification_does_not_undo_a_refund() -> None:
    decision = last(
        seen("order", "refunded", 0, amount=100, amount_paid=100, amount_refunded=40),
        seen("order", "paid", 5, amount=100, amount_paid=100, amount_refunded=0),
    )
    assert decision.outcome is Outcome.LATE
    assert decision.view.status == "refunded"
    assert decision.view.totals == {"amount_paid": 100, "amount_refunded": 40}


def test_a_growing_refund_is_a_change_each_time_and_never_a_sum() -> None:
    decision = last(
        seen("order", "refunded", 0, amount_paid=100, amount_refunded=10),
        seen("order", "refunded", 1, amount_paid=100, amount_refunded=40),
        seen("order", "refunded", 2, amount_paid=100, amount_refunded=100),
    )
    assert decision.outcome is Outcome.APPLIED
    assert decision.view.totals["amount_refunded"] == 100


def test_two_ends_conflict_and_the_first_stays_shown() -> None:
    decision = last(seen("withdrawal", "succeeded", 0), seen("withdrawal", "failed", 5))
    assert decision.outcome is Outcome.CONFLICTING
    assert (decision.view.status, decision.view.conflict) == ("succeeded", True)


def test_two_equal_answers_asked_after_both_ends_decide() -> None:
    history = [
        seen("withdrawal", "succeeded", 0),
        seen("withdrawal", "failed", 5),
        seen("withdrawal", "failed", 15, Source.POLL),
    ]
    assert last(*history).view.conflict
    decision = last(*history, seen("withdrawal", "failed", 65, Source.POLL))
    assert (decision.view.status, decision.view.conflict) == ("failed", False)


def test_an_answer_asked_before_the_second_end_decides_nothing() -> None:
    decision = last(
        seen("withdrawal", "succeeded", 0),
        seen("withdrawal", "succeeded", 2, Source.POLL),
        seen("withdrawal", "succeeded", 3, Source.POLL),
        seen("withdrawal", "failed", 5),
    )
    assert decision.view.conflict


def test_answers_that_disagree_leave_the_conflict_open() -> None:
    decision = last(
        seen("withdrawal", "succeeded", 0),
        seen("withdrawal", "failed", 5),
        seen("withdrawal", "failed", 15, Source.POLL),
        seen("withdrawal", "succeeded", 65, Source.POLL),
    )
    assert decision.view.conflict


def test_a_canceled_order_is_paid_when_our_own_question_says_so() -> None:
    canceled = seen("order", "canceled", 0, Source.POLL, amount_paid=0)
    paid = seen("order", "paid", 10, amount_paid=100)
    assert last(canceled, paid).view.conflict
    decision = last(canceled, paid, seen("order", "paid", 20, Source.POLL, amount_paid=100))
    assert (decision.view.status, decision.view.conflict) == ("paid", False)


def test_a_paid_order_that_one_answer_calls_canceled_is_a_conflict() -> None:
    decision = last(
        seen("order", "paid", 0, amount_paid=100),
        seen("order", "canceled", 10, Source.POLL, amount_paid=100),
    )
    assert decision.view.conflict
    assert decision.view.status == "paid"


def test_a_withdrawal_goes_back_to_created_only_by_our_own_question() -> None:
    pending = seen("withdrawal", "pending", 0)
    by_webhook = last(pending, seen("withdrawal", "created", 10))
    assert (by_webhook.view.status, by_webhook.ask) == ("pending", True)
    by_poll = last(pending, seen("withdrawal", "created", 10, Source.POLL))
    assert by_poll.view.status == "created"
    again = last(
        pending, seen("withdrawal", "created", 10, Source.POLL), seen("withdrawal", "pending", 20)
    )
    assert again.view.status == "pending"


def test_an_end_never_reopens_by_a_late_word() -> None:
    decision = last(seen("withdrawal", "failed", 0), seen("withdrawal", "pending", 9, Source.POLL))
    assert (decision.outcome, decision.view.status) == (Outcome.LATE, "failed")


def test_a_refund_total_that_shrinks_is_asked_again_and_two_answers_decide() -> None:
    high = seen("order", "refunded", 0, amount_paid=100, amount_refunded=40)
    low = seen("order", "refunded", 10, Source.POLL, amount_paid=100, amount_refunded=10)
    once = last(high, low)
    assert once.outcome is Outcome.CONFLICTING
    assert once.view.totals["amount_refunded"] == 40
    lower = seen("order", "refunded", 70, Source.POLL, amount_paid=100, amount_refunded=10)
    twice = last(high, low, lower)
    assert not twice.view.conflict
    assert twice.view.totals["amount_refunded"] == 10
    assert twice.view.contested == ("amount_refunded",)
    assert corrects(KINDS["order"], told(once.view), told(twice.view))


def test_a_changed_amount_is_never_written_over_the_first() -> None:
    decision = last(seen("order", "created", 0, amount=100), seen("order", "paid", 5, amount=90))
    assert decision.view.facts["amount"] == 100
    assert decision.view.contested == ("amount",)


def test_the_earliest_value_is_the_first_even_when_it_arrives_last() -> None:
    decision = last(seen("order", "paid", 5, amount=90), seen("order", "created", 0, amount=100))
    assert decision.view.facts["amount"] == 100


def test_an_unknown_word_is_kept_is_never_final_and_never_wins() -> None:
    alone = last(seen("withdrawal", "unknown:frozen", 0))
    assert (alone.view.status, alone.view.final) == ("unknown:frozen", False)
    later = last(seen("withdrawal", "pending", 0), seen("withdrawal", "unknown:frozen", 5))
    assert later.view.status == "pending"


def test_two_events_of_the_same_second_both_count() -> None:
    decision = last(
        seen("order", "refunded", 1, said=7, amount_paid=100, amount_refunded=10),
        seen("order", "refunded", 1, said=7, amount_paid=100, amount_refunded=40),
    )
    assert decision.view.totals["amount_refunded"] == 40


def test_each_recipient_keeps_the_furthest_status_of_its_own() -> None:
    def shared(at: float, *words: str) -> Observation:
        parts = tuple(Part(f"recipient/{i}/u{i}", word, 1) for i, word in enumerate(words))
        one = seen("allocation", "pending", at, amount=2)
        return Observation(one.key, one.source, one.seen_at, one.status, one.facts, parts=parts)

    state = believe(shared(0, "created", "succeeded"), shared(5, "succeeded", "created"))
    assert {word for _, word, _ in state.parts.values()} == {"succeeded"}


def test_no_more_than_a_few_values_and_words_are_kept_in_any_order() -> None:
    many = [seen("order", f"unknown:{n:02}", n, amount=n) for n in range(40)]
    one, other = believe(*many), believe(*many[::-1])
    assert _bytes(one) == _bytes(other)
    assert len(one.words) == belief.WORDS_KEPT
    assert len(one.facts["amount"]) == belief.VALUES_KEPT
