"""What all sightings of one object add up to: a join, whatever their order, number or source.

Each component of a State only ever moves one way (a minimum, a maximum, a union, the newest two):
`join` is commutative, associative and idempotent. What a State means is read in `core.view`.
"""

from collections.abc import Mapping

import msgspec

from service.core.instant import to_micros
from service.core.kinds.kind import Kind, rank
from service.core.observation import Observation, Scalar, Source

# Values kept of one fact: enough to show that it changed and to what.
VALUES_KEPT = 4
# Own answers kept: two equal ones decide a contradiction.
ANSWERS_KEPT = 2
# Words kept of one object: its kind's own, and a few that nobody knows.
WORDS_KEPT = 16

Value = tuple[int, Scalar]  # first seen (µs), the value
Total = tuple[int, int]  # the largest, and when that was first seen (µs)
Seen = tuple[int, int, int]  # first, last, first by notification (0: never), all in µs
Answer = tuple[int, str, dict[str, int]]  # asked at (µs), status word, totals
Share = tuple[int, str, int]  # rank, status word, minor units
Shown = tuple[int, int, int, dict[str, Scalar]]  # rank, sum of totals, said at (s), the attributes


class State(msgspec.Struct, frozen=True):
    """The join of an object's sightings; its canonical JSON is what the ledger keeps."""

    words: dict[str, Seen]
    facts: dict[str, tuple[Value, ...]]
    totals: dict[str, Total]
    asked: tuple[Answer, ...]
    parts: dict[str, Share]
    shown: Shown


_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(State)


def encode(state: State) -> str:
    """The canonical JSON text: equal states give equal bytes."""
    return _encoder.encode(state).decode()


def decode(text: str) -> State:
    """Read back what `encode` wrote."""
    return _decoder.decode(text)


def heard(state: State) -> int:
    """When a notification first said anything of the object, in µs; 0: none ever did."""
    return min((seen[2] for seen in state.words.values() if seen[2]), default=0)


def sighted(kind: Kind, seen: Observation) -> State:
    """The State of an object that was seen once."""
    at = to_micros(seen.seen_at)
    notified = at if seen.source is Source.WEBHOOK else 0
    own = ((at, seen.status, dict(seen.totals)),) if seen.source is Source.POLL else ()
    said = at // 1_000_000 if seen.said_at is None else seen.said_at
    return State(
        words={seen.status: (at, at, notified)},
        facts={name: ((at, value),) for name, value in seen.facts.items()},
        totals={name: (value, at) for name, value in seen.totals.items()},
        asked=own,
        parts={p.name: (rank(kind.words, p.status), p.status, p.amount) for p in seen.parts},
        shown=(
            rank(kind.words, seen.status),
            sum(seen.totals.values()),
            said,
            dict(seen.attrs),
        ),
    )


def join(one: State, other: State) -> State:
    """What both know together."""
    return State(
        words=_join_words(one.words, other.words),
        facts=_join_facts(one.facts, other.facts),
        totals=_join_totals(one.totals, other.totals),
        asked=_join_asked(one.asked, other.asked),
        parts=_join_parts(one.parts, other.parts),
        shown=max(one.shown, other.shown, key=_shown_key),
    )


def _join_words(one: Mapping[str, Seen], other: Mapping[str, Seen]) -> dict[str, Seen]:
    joined = dict(one)
    for word, seen in other.items():
        known = joined.get(word)
        joined[word] = seen if known is None else _join_seen(known, seen)
    if len(joined) > WORDS_KEPT:
        joined = dict(sorted(joined.items())[:WORDS_KEPT])
    return joined


def _join_seen(one: Seen, other: Seen) -> Seen:
    notified = min(one[2] or other[2], other[2] or one[2])
    return min(one[0], other[0]), max(one[1], other[1]), notified


def _join_facts(
    one: Mapping[str, tuple[Value, ...]], other: Mapping[str, tuple[Value, ...]]
) -> dict[str, tuple[Value, ...]]:
    joined = dict(one)
    for name, values in other.items():
        known = joined.get(name)
        joined[name] = values if known is None else _join_values(known, values)
    return joined


def _join_values(one: tuple[Value, ...], other: tuple[Value, ...]) -> tuple[Value, ...]:
    """Each value once, with its first sighting; the earliest few are kept."""
    if len(one) == len(other) == 1 and one[0][1] == other[0][1]:
        return one if one[0][0] <= other[0][0] else other
    first: dict[Scalar, int] = {}
    for at, value in one + other:
        first[value] = min(at, first.get(value, at))
    ordered = sorted(((at, value) for value, at in first.items()), key=_value_key)
    return tuple(ordered[:VALUES_KEPT])


def _value_key(value: Value) -> tuple[int, str]:
    return value[0], str(value[1])


def _join_totals(one: Mapping[str, Total], other: Mapping[str, Total]) -> dict[str, Total]:
    joined = dict(one)
    for name, total in other.items():
        known = joined.get(name)
        if known is None or (total[0], -total[1]) > (known[0], -known[1]):
            joined[name] = total
    return joined


def _join_asked(one: tuple[Answer, ...], other: tuple[Answer, ...]) -> tuple[Answer, ...]:
    """The newest answers first; the same answer twice is one."""
    if not other or one == other:
        return one
    if not one:
        return other
    distinct = {_answer_key(answer): answer for answer in one + other}
    newest = sorted(distinct, reverse=True)[:ANSWERS_KEPT]
    return tuple(distinct[key] for key in newest)


def _answer_key(answer: Answer) -> tuple[int, str, tuple[tuple[str, int], ...]]:
    at, word, totals = answer
    return at, word, tuple(sorted(totals.items()))


def _join_parts(one: Mapping[str, Share], other: Mapping[str, Share]) -> dict[str, Share]:
    joined = dict(one)
    for name, share in other.items():
        joined[name] = max(share, joined.get(name, share))
    return joined


def _shown_key(shown: Shown) -> tuple[int, int, int, bytes]:
    return shown[0], shown[1], shown[2], _encoder.encode(shown[3])
