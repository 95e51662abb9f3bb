"""What a belief says now: status, amounts, whether it is final or contradicts itself."""

from collections.abc import Mapping
from typing import Any

import msgspec

from service.core.belief import Answer, Share, State
from service.core.kinds.kind import Kind
from service.core.observation import Scalar

# What is published of an object besides status and amounts: ids and times, nothing personal.
_TOLD_FACTS = (
    "app",
    "order_no",
    "order_id",
    "charge_id",
    "allocation_id",
    "created",
    "time_paid",
    "time_succeeded",
    "time_canceled",
)
# Balances go up and down: they are attributes, shown by the newest sighting, and published too.
_TOLD_LEVELS = ("available_balance", "withdrawable_balance")
# A difference in one of these is a change; the rest travels along.
_MATTERS = (
    "status",
    "final",
    "amount",
    "currency",
    "amount_paid",
    "amount_refunded",
    *_TOLD_LEVELS,
)


class View(msgspec.Struct, frozen=True):
    """One object as we believe it: `since` and `notified` in microseconds (0: never notified).

    conflict: two ends, or a total that shrank, which our own questions have not settled yet.
    contested: facts that were seen with two values, totals that are believed to have shrunk.
    denied: it has ended, and the answer to our newest question since says that it goes on.
    """

    status: str
    final: bool
    conflict: bool
    contested: tuple[str, ...]
    since: int
    notified: int
    facts: dict[str, Scalar]
    totals: dict[str, int]
    attrs: dict[str, Scalar]
    parts: dict[str, Share]
    denied: bool = False

    @property
    def known(self) -> dict[str, Scalar]:
        """Everything by name: attributes, then totals, facts and the status over them."""
        return {**self.attrs, **self.totals, **self.facts, "status": self.status}

    @property
    def failing(self) -> bool:
        """Whether the provider names a failure although the object has not ended (T11)."""
        return bool(self.attrs.get("failing")) and not self.final


def view(kind: Kind, state: State) -> View:
    """Read a State; a pure function of it, so that equal states are believed equally."""
    status, contradicted = _status(kind, state)
    totals: dict[str, int] = {}
    contested = [name for name, values in state.facts.items() if len(values) > 1]
    shrinking = False
    for name, (largest, first) in state.totals.items():
        totals[name], unsettled = _total(name, largest, first, state.asked)
        shrinking = shrinking or unsettled
        if totals[name] != largest:
            contested.append(name)
    word = kind.words.get(status)
    seen = state.words[status]
    return View(
        status=status,
        final=bool(word and word.branch),
        conflict=contradicted or shrinking,
        contested=tuple(sorted(contested)),
        since=seen[0],
        notified=seen[2],
        facts={name: values[0][1] for name, values in state.facts.items()},
        totals=totals,
        attrs=state.shown[3],
        parts=state.parts,
        denied=_is_denied(kind, state, status),
    )


def told(known: View) -> dict[str, Any]:
    """What is published of an object."""
    published: dict[str, Any] = {"status": known.status, "final": known.final}
    for name in ("amount", "currency"):
        if name in known.facts:
            published[name] = known.facts[name]
    published.update(known.totals)
    published.update({n: known.facts[n] for n in _TOLD_FACTS if n in known.facts})
    published.update({n: known.attrs[n] for n in _TOLD_LEVELS if n in known.attrs})
    return published


def differs(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> bool:
    """Whether the difference between two published views is a change."""
    return before is None or any(before.get(name) != after.get(name) for name in _MATTERS)


def corrects(kind: Kind, before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> bool:
    """Whether a change takes back what was published: another end, or a smaller total."""
    if before is None:
        return False
    old, new = kind.words.get(before["status"]), kind.words.get(after["status"])
    other_end = bool(old and old.branch and (new is None or new.branch != old.branch))
    return other_end or any(
        isinstance(before.get(total.name), int) and after.get(total.name, 0) < before[total.name]
        for total in kind.totals
    )


def _status(kind: Kind, state: State) -> tuple[str, bool]:
    """The status, and whether two ends contradict each other unsettled."""
    if len(state.words) == 1:
        return next(iter(state.words)), False
    ends: dict[str, int] = {}
    for word, seen in state.words.items():
        branch = _branch(kind, word)
        if branch:
            ends[branch] = min(seen[0], ends.get(branch, seen[0]))
    if not ends:
        return _open_status(kind, state), False
    branch, settled = next(iter(ends)), True
    if len(ends) > 1:
        decided = _decided(kind, state.asked, ends)
        settled = decided is not None
        branch = decided or min(ends, key=lambda name: (ends[name], name))
    words = [word for word in state.words if _branch(kind, word) == branch]
    return max(words, key=lambda word: kind.words[word].rank), not settled


def _open_status(kind: Kind, state: State) -> str:
    """The furthest known word; a documented step back when our own newest answer says so."""
    known = [word for word in state.words if word in kind.words]
    if not known:
        return min(state.words, key=lambda word: (state.words[word][0], word))
    furthest = max(known, key=lambda word: kind.words[word].rank)
    if state.asked:
        at, word, _ = state.asked[0]
        if (furthest, word) in kind.regressions and at > state.words[furthest][1]:
            return word
    return furthest


def _decided(kind: Kind, asked: tuple[Answer, ...], ends: Mapping[str, int]) -> str | None:
    """The end that our own answers, asked after both were seen, agree on (failure model §2.2).

    One answer is enough for a documented step, canceled to paid (facts §6).
    """
    both_seen = max(ends.values())
    answers = [_branch(kind, word) for at, word, _ in asked if at > both_seen]
    if len(answers) > 1 and answers[0] and answers[0] == answers[1]:
        return answers[0]
    if asked and asked[0][0] >= both_seen:
        documented = {(_branch(kind, a), _branch(kind, b)) for a, b in kind.regressions}
        newest = _branch(kind, asked[0][1])
        if any((other, newest) in documented for other in ends if other != newest):
            return newest
    return None


def _is_denied(kind: Kind, state: State, status: str) -> bool:
    """Whether a question asked after the end was seen was answered as if there were none yet."""
    if not state.asked or not _branch(kind, status):
        return False
    at, word, _ = state.asked[0]
    return at > state.words[status][0] and word in kind.words and not _branch(kind, word)


def _branch(kind: Kind, word: str) -> str:
    known = kind.words.get(word)
    return known.branch if known else ""


def _total(name: str, largest: int, first: int, asked: tuple[Answer, ...]) -> tuple[int, bool]:
    """The total, and whether a newer answer of ours says less and is not confirmed yet."""
    newer = [totals[name] for at, _, totals in asked if at > first and name in totals]
    if not newer or newer[0] >= largest:
        return largest, False
    if len(newer) > 1 and newer[0] == newer[1]:
        return newer[0], False
    return largest, True
