"""Is what was seen what the kept bytes say? They are read again, as on the day they came."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from service.core.errors import Unreadable
from service.core.observation import Key, Observation, Source, encode
from service.ledger import kept_bytes
from service.ledger.engine import Ledger
from service.ledger.kept_bytes import Delivery, Kept, Range, Seen
from service.ledger.vault import of_observation
from service.pingpp.reader import read_answer, read_event, read_object
from service.work.verify.found import NAMED_LIMIT, SEALS, Fault, Verified

# What one answer shows is recorded together: their numbers are not further from each other.
BATCH_SPAN = 10_000


class _Said(NamedTuple):
    """What a sighting says, whatever its number."""

    key: Key
    source: str
    seen_at: datetime
    text: str


def compare(ledger: Ledger, sound: Sequence[tuple[Delivery, bytes]], seen: Verified) -> None:
    """What these deliveries say against what was seen in them; nothing of them is missing."""
    rows = kept_bytes.sightings(ledger, [one.id for one, _ in sound])
    for one, body in sound:
        for fault in _delivery(one, _read(one, body), rows.get(one.id, [])):
            seen.add(fault)
        seen.checked["observation"] += len(rows.get(one.id, []))


def name_of(one: Delivery) -> str:
    """How a delivery is named where something is wrong with it."""
    return f"{one.id} {one.dedup_key} of {one.account}"


def _read(one: Delivery, body: bytes) -> set[_Said] | None:
    """What its bytes say; None: nothing that can be read."""
    try:
        event = read_event(body)
        told = read_object(
            event.object,
            account=one.account,
            source=Source.WEBHOOK,
            seen_at=one.received_at,
            said_at=event.created,
        )
    except Unreadable:
        return None
    return {_said(each) for each in told.observations}


def _delivery(one: Delivery, said: set[_Said] | None, rows: Sequence[Seen]) -> Iterator[Fault]:
    """Of one that was put back to be read again there may be sightings, whatever its state is."""
    problem = f"it is not what delivery {one.id} says"
    wrong = [row for row in rows if _kept(row) not in (said or ())]
    yield from (Fault("observation", _number(row), problem) for row in wrong)
    if one.state != "applied" or wrong:
        return
    if said is None:
        yield Fault("delivery", name_of(one), "it cannot be read")
        return
    kept = {row.key for row in rows}
    for key in sorted(each.key for each in said if each.key not in kept):
        problem = f"what it says of {_spelt(key)} is not kept"
        yield Fault("delivery", name_of(one), problem)


def answers(ledger: Ledger, which: Range, seen: Verified) -> Iterator[Verified]:
    """Every answer to a question of ours: its seal, and that it says what was seen in it."""
    batches: dict[tuple[str, int], _Batch] = {}
    for page in kept_bytes.answers(ledger, which):
        for one in page:
            place = (one.seen.key.account, one.batch)
            batch = batches.setdefault(place, _Batch())
            batch.last = one.seen.id
            _take(ledger, one, batch, seen)
        behind = page[-1].seen.id - BATCH_SPAN
        for place in [place for place, each in batches.items() if each.last < behind]:
            batches.pop(place).settle(seen)
        yield seen
    for batch in batches.values():
        batch.settle(seen)
    yield seen


def unnamed(ledger: Ledger, seen: Verified) -> Iterator[Verified]:
    """No sighting speaks of a delivery that is not there."""
    for row in kept_bytes.unnamed(ledger, NAMED_LIMIT):
        seen.add(Fault("observation", _number(row), "its delivery is not there"))
    yield seen


@dataclass(slots=True)
class _Batch:
    """What was recorded in one instant: what answers say besides the first, and what was seen."""

    last: int = 0
    whole: bool = True
    said: Counter[tuple[str, _Said]] = field(default_factory=Counter[tuple[str, _Said]])
    seen: list[Seen] = field(default_factory=list[Seen])

    def settle(self, seen: Verified) -> None:
        """Pair them; an answer that did not open may have shown anything."""
        left = Counter(said for _, said in self.said.elements())
        is_wrong = False
        for row in self.seen:
            if left[_kept(row)] > 0:
                left[_kept(row)] -= 1
            elif self.whole:
                is_wrong = True
                seen.add(Fault("observation", _number(row), "no answer that is kept says so"))
        for which, said in self.said:
            if left[said] > 0 and not is_wrong:
                problem = f"what it says of {_spelt(said.key)} is not kept"
                seen.add(Fault("answer", which, problem))


def _take(ledger: Ledger, one: Kept, batch: _Batch, seen: Verified) -> None:
    seen.checked["observation"] += 1
    if one.raw is None:
        batch.seen.append(one.seen)
        return
    seen.checked["answer"] += 1
    said = [_said(each) for each in _opened(ledger, one.seen, one.raw, seen)]
    if not said:
        batch.whole = False
        return
    if _kept(one.seen) != said[0]:
        seen.add(Fault("observation", _number(one.seen), "it is not what its answer says"))
    batch.said.update((_number(one.seen), each) for each in said[1:])


def _opened(ledger: Ledger, row: Seen, raw: bytes, seen: Verified) -> list[Observation]:
    """What an answer says; nothing when it cannot be opened or read, and that is named."""
    try:
        body = ledger.vault.open(raw, of_observation(*row.key))
        return read_answer(body, key=row.key, seen_at=row.seen_at).observations
    except Unreadable as error:
        problem = SEALS.get(error.cause, "it cannot be read")
        seen.add(Fault("answer", _number(row), problem, error.cause != "no_key"))
        return []


def _said(one: Observation) -> _Said:
    return _Said(one.key, one.source.value, one.seen_at, encode(one))


def _kept(row: Seen) -> _Said:
    return _Said(*row[1:])


def _number(row: Seen) -> str:
    return f"{row.id} of {_spelt(row.key)}"


def _spelt(key: Key) -> str:
    return " ".join(key)
