"""What was seen of each object, in order, for those who make the beliefs again."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from service.core.derived import DERIVED
from service.core.journal import Net
from service.core.observation import Key
from service.ledger import journal
from service.ledger.columns import Instant
from service.ledger.engine import Ledger
from service.ledger.keys import Selection, of_keys
from service.ledger.schema import beliefs, changes, postings
from service.ledger.schema import observations as seen

# Objects compared in one snapshot.
SLICE = 2_000


class Believed(NamedTuple):
    """A belief as it is kept: its text, the columns that reports read, and what is booked."""

    state: str
    status: str
    final: bool
    amount_paid: int | None
    amount_refunded: int | None
    booked: Net


class Sighting(NamedTuple):
    """One sighting as it was kept: when it was recorded, in µs, and its text."""

    key: Key
    recorded_at: int
    body: str


def slices(
    ledger: Ledger,
    compare: Callable[[sa.Connection, Sequence[Key]], None],
    *,
    since: datetime | None,
    until: datetime | None,
) -> Iterator[None]:
    """Show `compare` every object that was seen then, some in one snapshot; yields between two."""
    after: Key | None = None
    while True:
        with ledger.read() as connection:
            keys = objects(connection, after=after, limit=SLICE, since=since, until=until)
            if keys:
                compare(connection, keys)
        yield
        if len(keys) < SLICE:
            return
        after = keys[-1]


def objects(
    connection: sa.Connection,
    *,
    after: Key | None,
    limit: int,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Key]:
    """The next objects that were seen (since then, before then), in the order of their keys.

    Without a time those that are believed in and were never seen are among them.
    """
    found = _following(seen, after, limit)
    if since is not None:
        found = found.where(seen.c.recorded_at >= since)
    if until is not None:
        found = found.where(seen.c.recorded_at < until)
    if since is None and until is None:
        either = sa.union(
            *(sa.select(one.subquery()) for one in (found, _following(beliefs, after, limit)))
        ).subquery("either")
        found = sa.select(either).order_by(*either.c).limit(limit)
    return [Key(*row) for row in connection.execute(found)]


def _following(table: sa.Table, after: Key | None, limit: int) -> Selection:
    key = (table.c.account, table.c.kind, table.c.object_id)
    found = sa.select(*key).distinct().order_by(*key).limit(limit)
    if after is None:
        return found
    return found.where(sa.tuple_(*key) > sa.tuple_(*map(sa.literal, after)))


def observations(connection: sa.Connection, keys: Sequence[Key]) -> dict[Key, list[str]]:
    """Every sighting of each of `keys` as it was kept, in no order."""
    found: defaultdict[Key, list[str]] = defaultdict(list)
    for account, kind, object_id, _, body in _seen_of(connection, keys):
        found[Key(account, kind, object_id)].append(body)
    return found


def sightings(connection: sa.Connection, keys: Sequence[Key]) -> Iterator[Sighting]:
    """Every sighting of `keys` and when it was recorded, in no order."""
    for account, kind, object_id, at, body in _seen_of(connection, keys):
        yield Sighting(Key(account, kind, object_id), at, body)


def _seen_of(connection: sa.Connection, keys: Sequence[Key]) -> Sequence[sa.Row[*tuple[Any, ...]]]:
    recorded_at = sa.type_coerce(seen.c.recorded_at, sa.BigInteger())
    return of_keys(connection, seen, (recorded_at, seen.c.body), keys)


def unseen(connection: sa.Connection, limit: int) -> list[Key]:
    """Objects that something is booked of although they were never seen."""
    same = sa.and_(
        seen.c.account == postings.c.account,
        seen.c.kind == postings.c.kind,
        seen.c.object_id == postings.c.object_id,
    )
    was_seen = sa.select(sa.literal(1)).where(same).correlate(postings).exists()
    key = (postings.c.account, postings.c.kind, postings.c.object_id)
    chosen = sa.select(*key).where(sa.not_(was_seen)).distinct().order_by(*key).limit(limit)
    return [Key(*row) for row in connection.execute(chosen)]


def beliefs_of(connection: sa.Connection, keys: Sequence[Key]) -> dict[Key, Believed]:
    """What is believed of `keys`."""
    columns = ("state", "status", "final", "amount_paid", "amount_refunded")
    rows = of_keys(connection, beliefs, [beliefs.c[name] for name in columns], keys)
    booked = journal.sums(connection, keys)
    found: dict[Key, Believed] = {}
    for account, kind, object_id, state, status, final, paid, refunded in rows:
        key = Key(account, kind, object_id)
        found[key] = Believed(state, status, final, paid, refunded, booked.get(key, {}))
    return found


class Changed(NamedTuple):
    """One change as it is kept: its number, its place in the object, and both views as text."""

    id: int
    seq: int
    before: str | None
    after: str


class Ended(NamedTuple):
    """A belief's row: the columns that follow from its state; how often and as what it was told."""

    columns: Mapping[str, Any]
    seq: int
    told: str | None
    booked: str | None

    def view(self) -> Mapping[str, Any] | None:
        """What was told last; raises MsgspecError when it is no JSON."""
        return None if self.told is None else msgspec.json.decode(self.told)


def changes_of(connection: sa.Connection, keys: Sequence[Key]) -> dict[Key, list[Changed]]:
    """Every change of each of `keys`, in order."""
    found: defaultdict[Key, list[Changed]] = defaultdict(list)
    columns = [changes.c[name] for name in Changed._fields]
    for account, kind, object_id, *row in of_keys(connection, changes, columns, keys):
        found[Key(account, kind, object_id)].append(Changed(*row))
    for rows in found.values():
        rows.sort(key=lambda one: one.seq)
    return found


def ends_of(connection: sa.Connection, keys: Sequence[Key]) -> dict[Key, Ended]:
    """The rows of the beliefs in `keys`, with instants in µs."""
    named = [beliefs.c[name] for name in (*DERIVED, "seq", "told", "booked")]
    columns = [
        sa.type_coerce(one, sa.BigInteger()) if isinstance(one.type, Instant) else one
        for one in named
    ]
    found: dict[Key, Ended] = {}
    for account, kind, object_id, *row in of_keys(connection, beliefs, columns, keys):
        own = dict(zip(DERIVED, row, strict=False))
        found[Key(account, kind, object_id)] = Ended(own, *row[len(DERIVED) :])
    return found
