"""How a sighting becomes a fact: the only way, one transaction per batch.

Lock the beliefs, decide purely, record what was seen and what changed, plan the next looks, run the
rules over what was touched, and put the messages into the outbox: all of it or nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from service import telemetry
from service.core.cadence import Plan, plan
from service.core.errors import Raced
from service.core.instant import MICROS, to_micros
from service.core.journal import CURRENCY, Posting, book, owner
from service.core.kinds import KINDS
from service.core.kinds.kind import UNKNOWN
from service.core.merge import Decision, Outcome, decide, is_known
from service.core.messages import Message, change_message
from service.core.observation import Key, Observation, user_of
from service.core.view import View, corrects, differs, told, view
from service.ledger import asking, notices, objects, outbox, plans
from service.ledger.engine import Connection, Ledger
from service.ledger.objects import Batch, Booked, Change, Known
from service.ledger.plans import Next, Planned
from service.ledger.vault import Vault
from service.work import reconcile
from service.work.terms import Terms

# A lost race is run again at once; so many in a row are no accident.
RACES_LIMIT = 5
# How soon a step back that a notification showed is asked about.
ASK_SECONDS = 10


@dataclass(slots=True)
class Applied:
    """What a batch did: outcomes counted by word, changes published, objects that were new."""

    outcomes: Counter[str] = field(default_factory=Counter[str])
    changes: int = 0
    born: int = 0


@dataclass(slots=True)
class _Touched:
    """One object while its batch is worked."""

    known: Known
    is_new: bool
    view: View | None = None
    changed: bool = False
    ask: bool = False
    kept: bool = False


def apply(
    ledger: Ledger,
    sightings: Sequence[Observation],
    *,
    terms: Terms,
    now: datetime,
    looked: Mapping[Key, str] | None = None,
    settle: Callable[[Connection], None] | None = None,
    traced: Mapping[Key, str] | None = None,
) -> Applied:
    """Apply sightings in one transaction, in the order given; any order ends in the same beliefs.

    looked: objects that were just asked for, with the claim tokens of their watches.
    traced: the traceparent that messages about an object keep, where it is traced.
    settle: what else must become true with them (the deliveries they came from, say).
    Raises TryLater when the ledger is away; nothing is half applied then.
    """
    with telemetry.APPLY_SECONDS.time():
        done = _until_won(ledger, sightings, terms, now, looked or {}, settle, traced or {})
    telemetry.APPLY_SIGHTINGS.observe(len(sightings))
    for word, count in done.outcomes.items():
        telemetry.SIGHTINGS.labels(word).inc(count)
    return done


def _until_won(
    ledger: Ledger,
    sightings: Sequence[Observation],
    terms: Terms,
    now: datetime,
    looked: Mapping[Key, str],
    settle: Callable[[Connection], None] | None,
    traced: Mapping[Key, str],
) -> Applied:
    """Run the transaction, again when another one was first."""
    for attempt in range(RACES_LIMIT):
        try:
            with ledger.begin() as connection:
                if settle is not None:
                    settle(connection)
                return _apply(connection, ledger.vault, sightings, terms, now, looked, traced)
        except Raced:
            if attempt == RACES_LIMIT - 1:
                raise
    raise AssertionError("unreachable")


def _apply(
    connection: Connection,
    vault: Vault,
    sightings: Sequence[Observation],
    terms: Terms,
    now: datetime,
    looked: Mapping[Key, str],
    traced: Mapping[Key, str],
) -> Applied:
    """1 lock · 2 decide · 3 record · 4 plan the looks · 5 run the rules · 6 tell."""
    keys = sorted({seen.key for seen in sightings})
    if not keys:
        return Applied()
    known = objects.load(connection, keys)
    touched = {key: _Touched(known.get(key) or Known(), key not in known) for key in keys}
    batch, done = Batch(), Applied()
    for seen in sightings:
        done.outcomes[_take(touched[seen.key], seen, batch)] += 1
    _record(connection, vault, touched, batch, to_micros(now))
    done.changes, done.born = len(batch.changes), len(batch.born)
    _plan(connection, touched, looked, terms, now)
    _ask_for_wallets(connection, touched, batch.booked, terms, now)
    with telemetry.RULES_SECONDS.time():
        reconcile.after_batch(connection, keys, terms=terms, now=now)
    _tell(connection, batch.changes, terms, now, traced)
    _tell_unknown_words(connection, sightings, terms, now)
    return done


def _take(one: _Touched, seen: Observation, batch: Batch) -> str:
    """Weigh one sighting; publish a difference unless the belief contradicts itself."""
    kind = KINDS[seen.key.kind]
    if one.known.state is not None and is_known(kind, one.known.state, seen):
        one.view = one.view or view(kind, one.known.state)
        return Outcome.UNCHANGED.value
    one.kept = True
    decision: Decision = decide(kind, one.known.state, seen)
    one.known.state, one.view = decision.state, decision.view
    one.ask = one.ask or decision.ask
    batch.seen.append((seen, decision.outcome.value))
    if decision.view.conflict:
        return decision.outcome.value
    _book(one.known, decision.view, seen, batch)
    after = told(decision.view)
    if differs(one.known.told, after):
        one.known.seq += 1
        before, one.known.told, one.changed = one.known.told, after, True
        correction = corrects(kind, before, after)
        batch.changes.append(
            Change(seen.key, one.known.seq, before, after, correction, seen.source.value)
        )
    return decision.outcome.value


def _book(known: Known, view: View, seen: Observation, batch: Batch) -> None:
    """Bring what is booked of the object up to what is believed; nothing while it contradicts."""
    legs = KINDS[seen.key.kind].legs(view.known, view.parts)
    currency = str(view.facts.get("currency", CURRENCY))
    known.booked, postings = book(known.booked, legs, currency)
    if not postings:
        return
    own = seen.key.object_id if seen.key.kind == "order" else None
    app, order_id = view.facts.get("app"), view.facts.get("order_id", own)
    batch.booked += [Booked(seen.key, one, app, order_id, _happened(one, seen)) for one in postings]


def _happened(posting: Posting, seen: Observation) -> int:
    """When the provider says it did, else when it said so, else when we saw it; in µs."""
    at = seen.said_at if posting.at is None else posting.at
    return to_micros(seen.seen_at) if at is None else at * MICROS


def _record(
    connection: Connection,
    vault: Vault,
    touched: Mapping[Key, _Touched],
    batch: Batch,
    now: int,
) -> None:
    for key, one in touched.items():
        assert one.view is not None  # noqa: S101  every touched object was seen
        if not one.kept:
            continue
        row = objects.row(key, one.known, one.view, now)
        (batch.born if one.is_new else batch.grown).append(row)
    objects.store(connection, batch, vault=vault, now=now)


def _plan(
    connection: Connection,
    touched: Mapping[Key, _Touched],
    looked: Mapping[Key, str],
    terms: Terms,
    now: datetime,
) -> None:
    standing = plans.read(connection, list(touched))
    found = (
        _next(key, one, standing.get(key), looked.get(key), terms, now)
        for key, one in touched.items()
    )
    plans.write(connection, [one for one in found if one is not None])
    orders = {
        Key(key.account, "order", str(one.view.facts["order_id"]))
        for key, one in touched.items()
        if one.view is not None and "order_id" in one.view.facts
    }
    unknown = sorted(orders - objects.existing(connection, orders - set(touched)) - set(touched))
    plans.want(connection, unknown, now=now)


def _ask_for_wallets(
    connection: Connection,
    touched: Mapping[Key, _Touched],
    booked: Sequence[Booked],
    terms: Terms,
    now: datetime,
) -> None:
    """Look soon at the users whose wallets a change or a posting moved, as far as they are known.

    A change of a withdrawal may move a wallet before anything is posted.
    """
    moved = {
        Key(key.account, "user", user_of(one.view.facts["app"], user))
        for key, one in touched.items()
        if one.changed and KINDS[key.kind].touches_user
        if one.view is not None and "app" in one.view.facts
        for user in _users(one)
    }
    moved |= {
        Key(one.key.account, "user", user)
        for one in booked
        for user in (owner(one.posting.debit), owner(one.posting.credit))
        if user is not None
    }
    if moved:
        known = sorted(objects.existing(connection, moved - set(touched)))
        soon = timedelta(seconds=ASK_SECONDS / terms.scale)
        asking.ask_by(connection, known, at=now + soon)


def _users(one: _Touched) -> set[str]:
    """Whose wallets an object names: its own user, its recipients or its senders."""
    assert one.view is not None  # noqa: S101  every touched object was seen
    assert one.known.state is not None  # noqa: S101
    users = {name.rpartition("/")[2] for name in one.known.state.parts}
    own = one.view.facts.get("user_id")
    return users | {own} if isinstance(own, str) else users


def _next(
    key: Key,
    one: _Touched,
    watch: Planned | None,
    token: str | None,
    terms: Terms,
    now: datetime,
) -> Next | None:
    """The watch's next state; None leaves it as it is, so that repeats never push a look away."""
    assert one.view is not None  # noqa: S101  every touched object was seen
    kind = KINDS[key.kind]
    ours = watch is not None and token is not None and watch.claim_token == token
    looks = 0 if watch is None or one.changed else watch.looks + ours
    fresh = plan(kind, one.view, looks, now, scale=terms.scale)
    restarts = watch is None or one.changed or fresh.phase != watch.reason
    if restarts:
        looks, fresh = 0, plan(kind, one.view, 0, now, scale=terms.scale)
    if watch is not None and not ours and not restarts:
        fresh = Plan(watch.next_look_at, watch.deadline_at, fresh.phase)
        if not one.ask:
            return None
    next_look_at = fresh.next_look_at
    if one.ask:
        soon = now + timedelta(seconds=ASK_SECONDS / terms.scale)
        next_look_at = min(soon, next_look_at or soon)
    if watch is None and next_look_at is None:
        return None
    return Next(key, one.view.facts, fresh.phase, looks, next_look_at, fresh.deadline_at)


def _tell(
    connection: Connection,
    changed: Sequence[Change],
    terms: Terms,
    now: datetime,
    traced: Mapping[Key, str],
) -> None:
    messages = _messages(changed, terms, now)
    kept = {
        message.message_id: traced[change.key]
        for message, change in zip(messages, changed, strict=True)
        if change.key in traced
    }
    outbox.enqueue(connection, messages, terms.sinks, now=now, traced=kept)


def _messages(changed: Iterable[Change], terms: Terms, now: datetime) -> list[Message]:
    return [
        change_message(
            terms.epoch,
            *change.key,
            change.seq,
            before=change.before,
            after=change.after,
            correction=change.correction,
            source=change.source,
            at=now,
        )
        for change in changed
    ]


def _tell_unknown_words(
    connection: Connection, sightings: Sequence[Observation], terms: Terms, now: datetime
) -> None:
    """An unknown status is kept, never final, and told once per word (failure F40)."""
    words = {
        (seen.key.account, f"{seen.key.kind}.{seen.status[len(UNKNOWN) :]}")
        for seen in sightings
        if seen.status.startswith(UNKNOWN)
    }
    for account, subject in sorted(words):
        notices.tell_once(
            connection,
            account,
            "unknown_status",
            subject,
            epoch=terms.epoch,
            sinks=terms.sinks,
            data={},
            now=now,
        )
