"""How accepted deliveries are read: claim, read, apply, settle; what cannot be read is set aside."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from service import telemetry
from service.core.errors import TryLater, Unreadable
from service.core.observation import Observation, Source
from service.ledger import deliveries, notices
from service.ledger.deliveries import ATTEMPTS_LIMIT, Claim, Handled, Waiting
from service.ledger.engine import Connection, Ledger
from service.pingpp.events import EVENT_TYPES
from service.pingpp.reader import Event, UnknownKind, read_event, read_object
from service.work.apply import apply
from service.work.terms import AccountTerms, Terms

# One transaction: long enough to be cheap, short enough that nobody waits for SQLite's write lock.
BATCH_DELIVERIES = 100
BATCHES_LIMIT = 50
LEASE = timedelta(seconds=60)

_log = telemetry.logger("drain")


@dataclass(slots=True)
class _Read:
    """One delivery after reading: what became of it, what it shows, and what is told once about it."""

    handled: Handled
    observations: list[Observation] = field(default_factory=list[Observation])
    notices: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])


def drain(ledger: Ledger, *, terms: Terms, clock: Callable[[], datetime]) -> Counter[str]:
    """Work everything that waits, a bounded number of batches; gives what became of it by state."""
    done: Counter[str] = Counter()
    for _ in range(BATCHES_LIMIT):
        with ledger.begin() as connection:
            claim = deliveries.claim(connection, limit=BATCH_DELIVERIES, lease=LEASE, now=clock())
        if not claim.rows:
            break
        done.update(_work(ledger, claim, terms, clock()))
        if len(claim.rows) < BATCH_DELIVERIES:
            break
    return done


def _work(ledger: Ledger, claim: Claim, terms: Terms, now: datetime) -> Counter[str]:
    reads = [_read(row, terms) for row in claim.rows]
    try:
        return _settle(ledger, claim.token, reads, terms, now)
    except TryLater:
        raise
    except Exception:
        _log.exception("drain.batch_failed", deliveries=len(reads))
    return _one_by_one(ledger, claim.token, reads, terms, now)


def _one_by_one(
    ledger: Ledger, token: str, reads: Sequence[_Read], terms: Terms, now: datetime
) -> Counter[str]:
    """A batch failed: whichever delivery fails alone is set aside, the others go on."""
    done: Counter[str] = Counter()
    for read in reads:
        try:
            done.update(_settle(ledger, token, [read], terms, now))
        except TryLater:
            raise
        except Exception:
            _log.exception("drain.poison", delivery=read.handled.id)
            handled = Handled(read.handled.id, "quarantined", "apply_failed")
            poison = _Read(handled, [], [("", "quarantined", "apply_failed")])
            done.update(_settle(ledger, token, [poison], terms, now))
    return done


def _settle(
    ledger: Ledger, token: str, reads: Sequence[_Read], terms: Terms, now: datetime
) -> Counter[str]:
    def settle(connection: Connection) -> None:
        deliveries.settle(connection, token, [read.handled for read in reads], now=now)
        _tell(connection, reads, terms, now)

    sightings = [seen for read in reads for seen in read.observations]
    apply(ledger, sightings, terms=terms, now=now, settle=settle)
    return Counter(read.handled.state for read in reads)


def _tell(connection: Connection, reads: Sequence[_Read], terms: Terms, now: datetime) -> None:
    for account, cause, subject in sorted({notice for read in reads for notice in read.notices}):
        notices.tell_once(
            connection,
            account,
            cause,
            subject,
            epoch=terms.epoch,
            sinks=terms.sinks,
            data={},
            now=now,
        )


def _read(row: Waiting, terms: Terms) -> _Read:
    """Read one delivery; whatever is odd about it ends in a state, never in an exception."""
    account = terms.accounts.get(row.account, AccountTerms())
    event: Event | None = None
    try:
        if row.attempts >= ATTEMPTS_LIMIT:
            raise Unreadable("attempts")
        event = read_event(row.body)
        _check_mode(event, account)
        seen = read_object(
            event.object,
            account=row.account,
            source=Source.WEBHOOK,
            seen_at=row.received_at,
            said_at=event.created,
            delivery_id=row.id,
        )
        _check_app(seen.observations[0], account)
    except UnknownKind as unknown:
        return _aside(row, event, "kept", unknown.cause, unknown.wire)
    except Unreadable as error:
        return _aside(row, event, "quarantined", error.cause, error.cause)
    told = [(row.account, "odd_value", name) for name in seen.odd]
    if event.type not in EVENT_TYPES:
        told.append((row.account, "unknown_event", event.type))
    return _Read(Handled(row.id, "applied", None, event.type), seen.observations, told)


def _aside(row: Waiting, event: Event | None, state: str, cause: str, subject: str) -> _Read:
    event_type = None if event is None else event.type
    topic = "unknown_object" if state == "kept" else "quarantined"
    return _Read(Handled(row.id, state, cause, event_type), [], [(row.account, topic, subject)])


def _check_mode(event: Event, account: AccountTerms) -> None:
    """Events of the other mode reach the same address; they never mix (facts §8, 14)."""
    if event.livemode is not None and event.livemode is not account.livemode:
        raise Unreadable("livemode")


def _check_app(seen: Observation, account: AccountTerms) -> None:
    app = seen.facts.get("app")
    if account.apps and app is not None and app not in account.apps:
        raise Unreadable("other_app")
