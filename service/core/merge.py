"""What one observation means for what is believed: the only place where sightings are weighed."""

from enum import StrEnum

import msgspec

from service.core.belief import State, join, sighted
from service.core.kinds.kind import Kind, rank
from service.core.observation import Observation, Source
from service.core.view import View, differs, told, view


class Outcome(StrEnum):
    """What an observation did: changed something, nothing, came too late, or contradicts."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    LATE = "late"
    CONFLICTING = "conflicting"


# What lists and events show again and again, for as long as it is the same.
_SHOWN_AGAIN = frozenset({Source.LIST, Source.REPLAY})


class Decision(msgspec.Struct, frozen=True):
    """What to believe from now on, and what the observation was worth.

    ask: a notification showed a documented step back; only our own question can say if it is so.
    """

    outcome: Outcome
    state: State
    view: View
    ask: bool = False


def decide(kind: Kind, belief: State | None, seen: Observation) -> Decision:
    """Join one observation to a belief (None: the object is new); pure, and safe in any order."""
    alone = sighted(kind, seen)
    if belief is None:
        return Decision(Outcome.APPLIED, alone, view(kind, alone))
    state = join(belief, alone)
    before, after = view(kind, belief), view(kind, state)
    behind = _is_behind(kind, seen, after)
    ask = seen.source is Source.WEBHOOK and (after.status, seen.status) in kind.regressions
    return Decision(_outcome(before, after, behind=behind), state, after, ask)


def is_known(kind: Kind, belief: State | None, seen: Observation) -> bool:
    """Whether a list, or an old event, shows again what has ended, so that it need not be kept.

    Nothing may differ but when it was last seen. That time decides where a status may go back and
    which attributes are the newest: while an object is open, and in a contradiction, all counts.
    """
    if belief is None or seen.source not in _SHOWN_AGAIN:
        return False
    state = join(belief, sighted(kind, seen))
    before, after = view(kind, belief), view(kind, state)
    goes_back = any(word == before.status for word, _ in kind.regressions)
    if not before.final or goes_back or after.conflict:
        return False
    return before == after and _lasting(belief) == _lasting(state)


def _lasting(state: State) -> tuple[object, ...]:
    """A state without the times that every further sighting moves."""
    words = {word: (seen[0], seen[2]) for word, seen in state.words.items()}
    place, total, _, attrs = state.shown
    return words, state.facts, state.totals, state.asked, state.parts, place, total, attrs


def _outcome(before: View, after: View, *, behind: bool) -> Outcome:
    if after.conflict and after != before:
        return Outcome.CONFLICTING
    if differs(told(before), told(after)) or after.contested != before.contested:
        return Outcome.APPLIED
    return Outcome.LATE if behind else Outcome.UNCHANGED


def _is_behind(kind: Kind, seen: Observation, after: View) -> bool:
    """Whether the observation shows an earlier moment of the object than we know of."""
    return rank(kind.words, seen.status) < rank(kind.words, after.status) or any(
        value < after.totals[name] for name, value in seen.totals.items()
    )
