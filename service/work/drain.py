"""How accepted deliveries are read: claim, read, apply, settle; the unreadable are set aside."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from service.core.errors import TryLater, Unreadable
from service.core.observation import Observation, Source
from service.ledger import deliveries, notices, statistics
from service.ledger.deliveries import ATTEMPTS_LIMIT, Claim, Handled, Waiting
from service.ledger.engine import Connection, Ledger
from service.ledger.vault import Vault
from service.pingpp.events import EVENT_TYPES
from service.pingpp.reader import Event, Sighting, UnknownKind, read_event, read_object
from service.work.apply import apply
from service.work.terms import AccountTerms, Terms
from service.work.traced import applying

# One transaction: long enough to be cheap, short enough that nobody waits for SQLite's write lock.
BATCH_DELIVERIES = {"sqlite": 200, "postgresql": 500}
BATCHES_LIMIT = 50
# Over a backlog. One reads while the other waits for PostgreSQL; on SQLite, whose work is done in
# this process and by one writer, a second only takes turns with the first.
WORKERS = {"sqlite": 1, "postgresql": 2}
LEASE = timedelta(seconds=60)
NOTHING = Claim("", ())

_log: structlog.stdlib.BoundLogger = structlog.get_logger("work.drain")


@dataclass(slots=True)
class _Read:
    """One delivery after reading: what became of it, what it shows, what is told once about it."""

    account: str
    handled: Handled
    observations: list[Observation] = field(default_factory=list[Observation])
    notices: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    traceparent: str | None = None


def drain(
    ledger: Ledger, *, terms: Terms, clock: Callable[[], datetime], size: int | None = None
) -> Counter[str]:
    """Work everything that waits, a bounded number of batches; gives what became of it by state.

    size: deliveries of a batch; what suits the database unless it is said.
    """
    size = size or BATCH_DELIVERIES[ledger.dialect]
    workers = WORKERS[ledger.dialect]
    done = _batches(ledger, terms, clock, size, 1)
    if not done:
        return done
    if workers == 1 or done.total() < size:
        return done + _batches(ledger, terms, clock, size, BATCHES_LIMIT)
    statistics.gather_first(ledger)
    with ThreadPoolExecutor(workers, thread_name_prefix="drain") as pool:
        share = BATCHES_LIMIT // workers
        shares = [pool.submit(_batches, ledger, terms, clock, size, share) for _ in range(workers)]
    return sum((one.result() for one in shares), done)


def _batches(
    ledger: Ledger, terms: Terms, clock: Callable[[], datetime], size: int, limit: int
) -> Counter[str]:
    """Batch after batch until nothing waits."""
    done: Counter[str] = Counter()
    claim = _claim(ledger, size, clock())
    for left in reversed(range(limit)):
        if not claim.rows:
            break
        states, claim = _work(ledger, claim, terms, clock(), size if left else 0)
        done.update(states)
    return done


def _claim(ledger: Ledger, size: int, now: datetime) -> Claim:
    with ledger.begin() as connection:
        return deliveries.claim(connection, limit=size, lease=LEASE, now=now)


def _work(
    ledger: Ledger, claim: Claim, terms: Terms, now: datetime, more: int
) -> tuple[Counter[str], Claim]:
    """A batch at a time; when that fails one by one, and whichever fails alone is set aside.

    more: so many are claimed in the transaction that settles these, and given back: one worker
    reads while the other writes, and neither waits for a claim.
    """
    reads = [_read_traced(row, terms, ledger.vault) for row in claim.rows]
    following: list[Claim] = []

    def claim_next(connection: Connection) -> None:
        if more:
            following[:] = [deliveries.claim(connection, limit=more, lease=LEASE, now=now)]

    try:
        done = _attempt(ledger, claim.token, reads, terms, now, claim_next)
        if done is None:
            following.clear()
            alone = (_alone(ledger, claim.token, read, terms, now) for read in reads)
            done = sum(alone, Counter[str]())
    except TryLater:
        with suppress(TryLater), ledger.begin() as connection:
            deliveries.release(connection, claim.token)
        raise
    if more and not following:
        following.append(_claim(ledger, more, now))
    return done, following[0] if following else NOTHING


def _alone(ledger: Ledger, token: str, read: _Read, terms: Terms, now: datetime) -> Counter[str]:
    done = _attempt(ledger, token, [read], terms, now)
    if done is not None:
        return done
    handled = Handled(read.handled.id, "quarantined", "apply_failed")
    return _settle(ledger, token, [_Read(read.account, handled)], terms, now)


def _attempt(
    ledger: Ledger,
    token: str,
    reads: Sequence[_Read],
    terms: Terms,
    now: datetime,
    then: Callable[[Connection], None] | None = None,
) -> Counter[str] | None:
    """None when it failed for a reason that trying again will not mend."""
    try:
        return _settle(ledger, token, reads, terms, now, then)
    except TryLater:
        raise
    except Exception:  # noqa: BLE001  whatever the fault, it must not stop the deliveries behind it
        _log.exception("drain.failed", deliveries=[read.handled.id for read in reads][:10])
        return None


def _settle(
    ledger: Ledger,
    token: str,
    reads: Sequence[_Read],
    terms: Terms,
    now: datetime,
    then: Callable[[Connection], None] | None = None,
) -> Counter[str]:
    """Apply and settle in one transaction, in which `then` is done as well."""

    def settle(connection: Connection) -> None:
        deliveries.settle(connection, token, [read.handled for read in reads], now=now)
        _tell(connection, reads, terms, now)
        if then is not None:
            then(connection)

    sightings = [seen for read in reads for seen in read.observations]
    with applying((read.traceparent, read.observations) for read in reads) as traced:
        apply(ledger, sightings, terms=terms, now=now, settle=settle, traced=traced)
    return Counter(read.handled.state for read in reads)


def _tell(connection: Connection, reads: Sequence[_Read], terms: Terms, now: datetime) -> None:
    causes = {(read.account, *notice) for read in reads for notice in read.notices}
    causes |= {
        (read.account, "quarantined", read.handled.reason or "")
        for read in reads
        if read.handled.state == "quarantined"
    }
    for account, cause, subject in sorted(causes):
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


def _read_traced(row: Waiting, terms: Terms, vault: Vault) -> _Read:
    read = _read(row, terms, vault)
    read.traceparent = row.traceparent
    return read


def _read(row: Waiting, terms: Terms, vault: Vault) -> _Read:
    """Read one delivery; whatever is odd about it ends in a state, never in an exception."""
    try:
        event = _event(row, vault)
        seen = _sighting(row, event, terms.accounts.get(row.account, AccountTerms()))
    except UnknownKind as unknown:
        handled = Handled(row.id, "kept", unknown.cause)
        return _Read(row.account, handled, [], [(unknown.cause, unknown.wire)])
    except Unreadable as error:
        return _Read(row.account, Handled(row.id, "quarantined", error.cause))
    told = [("odd_value", name) for name in seen.odd]
    if event.type not in EVENT_TYPES:
        told.append(("unknown_event", event.type))
    handled = Handled(row.id, "applied")
    return _Read(row.account, handled, seen.observations, told)


def _event(row: Waiting, vault: Vault) -> Event:
    if row.attempts >= ATTEMPTS_LIMIT:
        raise Unreadable("attempts")
    return read_event(row.open(vault))


def _sighting(row: Waiting, event: Event, account: AccountTerms) -> Sighting:
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
    return seen


def _check_mode(event: Event, account: AccountTerms) -> None:
    """Events of the other mode reach the same address; they never mix (facts §8, 14)."""
    if event.livemode is not None and event.livemode is not account.livemode:
        raise Unreadable("livemode")


def _check_app(seen: Observation, account: AccountTerms) -> None:
    app = seen.facts.get("app")
    if account.apps and app is not None and app not in account.apps:
        raise Unreadable("other_app")
