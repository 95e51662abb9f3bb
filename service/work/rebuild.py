"""Whether what is believed and booked is what was seen: all of it is made again and compared."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import msgspec

from service.core import belief
from service.core.belief import State, join, sighted
from service.core.journal import CURRENCY, owed
from service.core.kinds import KINDS
from service.core.observation import Key, Observation, decode
from service.core.view import view
from service.ledger import history
from service.ledger.engine import Connection, Ledger
from service.ledger.history import Believed


@dataclass(slots=True)
class Rebuilt:
    """How much was compared, and which objects are not the join of what was seen of them."""

    objects: int = 0
    observations: int = 0
    differing: list[Key] = field(default_factory=list[Key])


def rebuild(
    ledger: Ledger, *, since: datetime | None = None, until: datetime | None = None
) -> Iterator[Rebuilt]:
    """Derive every belief again from the stored observations and compare it byte for byte.

    since, until: only those that were seen then. Yields the same running account after each slice,
    so that long work can be watched.
    """
    done = Rebuilt()
    compare = partial(_compare, done)
    for _ in history.slices(ledger, compare, since=since, until=until):
        yield done


def derive(seen: Sequence[Observation]) -> State:
    """The join of one object's observations; at least one."""
    kind = KINDS[seen[0].key.kind]
    state = sighted(kind, seen[0])
    for observation in seen[1:]:
        state = join(state, sighted(kind, observation))
    return state


def _compare(done: Rebuilt, connection: Connection, keys: Sequence[Key]) -> None:
    kept = history.beliefs_of(connection, keys)
    rows = history.observations(connection, keys)
    for key in keys:
        bodies = rows.get(key, ())
        done.objects += 1
        done.observations += len(bodies)
        if _again(key, bodies, kept.get(key)) != kept.get(key):
            done.differing.append(key)


def _again(key: Key, bodies: Sequence[str], kept: Believed | None) -> Believed | str:
    """What follows from what was seen; or why nothing does."""
    if not bodies:
        return "never seen"
    try:
        return _believed(key, derive([decode(key, body) for body in bodies]), kept)
    except (msgspec.MsgspecError, ValueError, KeyError, OverflowError):
        return "unreadable"


def _believed(key: Key, state: State, kept: Believed | None) -> Believed:
    """What follows from what was seen; what is booked stands still while ends contradict."""
    kind = KINDS[key.kind]
    known = view(kind, state)
    if known.conflict and kept is not None:
        booked = kept.booked
    else:
        currency = str(known.facts.get("currency", CURRENCY))
        booked = owed(kind.legs(known.known, known.parts), currency)
    return Believed(
        belief.encode(state),
        known.status,
        known.final,
        known.totals.get("amount_paid"),
        known.totals.get("amount_refunded"),
        booked,
    )
