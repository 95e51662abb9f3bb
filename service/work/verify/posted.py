"""Does every posting follow from what was seen of its object?

The sums are what `work.rebuild` compares. Here is what they do not show: its times, to whom it
belongs, and how it is numbered.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial

import msgspec

from service.core.closing import Entry
from service.core.instant import MICROS, to_micros
from service.core.observation import Key, Observation, decode
from service.ledger import history, journal
from service.ledger.engine import Connection, Ledger
from service.work.verify.found import NAMED_LIMIT, Fault, Verified


def posted(
    ledger: Ledger, since: datetime | None, until: datetime | None, seen: Verified
) -> Iterator[Verified]:
    """The postings of every object that was seen then, against its sightings."""
    compare = partial(_compare, seen)
    for _ in history.slices(ledger, compare, since=since, until=until):
        yield seen
    with ledger.read() as connection:
        unseen = history.unseen(connection, NAMED_LIMIT)
    for key in unseen:
        seen.add(Fault("posting", " ".join(key), "nothing was ever seen of its object"))
    yield seen


def _compare(seen: Verified, connection: Connection, keys: Sequence[Key]) -> None:
    rows: defaultdict[Key, list[Entry]] = defaultdict(list)
    for entry in journal.of_objects(connection, keys):
        rows[Key(entry.account, entry.kind, entry.object_id)].append(entry)
    sighted: defaultdict[Key, list[tuple[int, Observation]]] = defaultdict(list)
    for one in history.sightings(connection, list(rows) or keys[:0]):
        try:
            sighted[one.key].append((one.recorded_at, decode(one.key, one.body)))
        except (msgspec.MsgspecError, ValueError, OverflowError):
            continue  # its object differs from what is believed: that is named there
    for key, entries in rows.items():
        for entry, problem in _problems(entries, sighted[key]):
            number = f"{entry.id}, entry {entry.entry}.{entry.line} of {' '.join(key)}"
            seen.add(Fault("posting", number, problem))


def _problems(
    entries: Sequence[Entry], sighted: Sequence[tuple[int, Observation]]
) -> Iterator[tuple[Entry, str]]:
    seen = [one for _, one in sighted]
    apps = {one.facts.get("app") for one in seen}
    said = {
        value * MICROS
        for one in seen
        for value in (*one.facts.values(), *one.attrs.values())
        if type(value) is int
    }
    for entry, is_next in zip(entries, _in_order(entries), strict=True):
        own = entry.object_id if entry.kind == "order" else None
        batch = [one for at, one in sighted if at == entry.known_at]
        checks = (
            (is_next, "it is not numbered as it was made"),
            (bool(batch), "nothing was seen at the time when it is said to have been known"),
            (
                not batch or entry.happened_at in said | _times(batch),
                "nothing that was seen says that it happened then",
            ),
            (entry.app in apps, "nothing that was seen names its app"),
            (
                entry.order_id in {one.facts.get("order_id", own) for one in seen},
                "nothing that was seen names its order",
            ),
        )
        yield from ((entry, problem) for holds, problem in checks if not holds)


def _times(batch: Iterable[Observation]) -> set[int]:
    """When it was seen, and when it was said."""
    found = {to_micros(one.seen_at) for one in batch}
    return found | {one.said_at * MICROS for one in batch if one.said_at is not None}


def _in_order(entries: Sequence[Entry]) -> Iterator[bool]:
    """Entries count 1, 2, 3 … in an object, lines in an entry; only earlier ones are corrected."""
    entry, line = 0, 0
    for one in entries:
        following = {(entry, line + 1), (entry + 1, 1)} - {(0, 1)}
        corrects = one.corrects is None or 0 < one.corrects < one.entry
        yield (one.entry, one.line) in following and corrects
        entry, line = one.entry, one.line
