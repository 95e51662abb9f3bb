"""Is the ledger equal to the truth, and was what was planted found, and nothing else?"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from service.cli.demo.evening import Evening
from service.sandbox.dump import LEVELS

# Every object's fields that both books must agree on.
COMPARED = ("status", "amount", "amount_paid", "amount_refunded")
# What the messages say besides: the users' balances.
PUBLISHED = (*COMPARED, *LEVELS)


class Difference(NamedTuple):
    """One object about which the two books disagree; a side without it is None."""

    kind: str
    id: str
    ledger: dict[str, Any] | None
    truth: dict[str, Any] | None


@dataclass(slots=True)
class Verdict:
    """What the judge found; `kinds` is how many objects of each it compared.

    stray: open mismatches that nobody planted. untold: objects on which a consumer of the messages
    would still differ from the truth. deceived: forged notifications that were taken in.
    unused: operations of the provider that were not used. evening: how the day was closed, once
    the books were equal.
    """

    objects: int = 0
    kinds: dict[str, int] = field(default_factory=dict[str, int])
    differences: list[Difference] = field(default_factory=list[Difference])
    planted: list[str] = field(default_factory=list[str])
    found: list[str] = field(default_factory=list[str])
    stray: list[str] = field(default_factory=list[str])
    untold: int = 0
    deceived: int = 0
    unused: list[str] = field(default_factory=list[str])
    evening: Evening | None = None

    @property
    def good(self) -> bool:
        """Both books equal, all that was planted found, nothing else found."""
        wrong = self.differences or self.stray or self.untold or self.deceived or self.unused
        ended_well = self.evening is None or self.evening.good
        return not wrong and self.found == self.planted and ended_well


def compare(
    ledger: Iterable[Mapping[str, Any]],
    truth: Iterable[Mapping[str, Any]],
    compared: Sequence[str] = COMPARED,
) -> list[Difference]:
    """Every object of either book on which they differ in these fields, by kind and id."""
    ours, theirs = _indexed(ledger, compared), _indexed(truth, compared)
    return [
        Difference(*key, ours.get(key), theirs.get(key))
        for key in sorted(ours.keys() | theirs.keys())
        if ours.get(key) != theirs.get(key)
    ]


def _indexed(
    book: Iterable[Mapping[str, Any]], compared: Sequence[str]
) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (str(one["kind"]), str(one["id"])): {name: one.get(name) for name in compared}
        for one in book
    }


def judge(
    ledger: Iterable[Mapping[str, Any]],
    truth: list[Mapping[str, Any]],
    planted: Iterable[Mapping[str, Any]],
    mismatches: Iterable[Mapping[str, Any]],
    compared: Sequence[str] = COMPARED,
) -> Verdict:
    """Compare the books and the open mismatches; rows as their commands and control give them.

    A notice that something was learned only by asking is no error: events are lost on purpose.
    """
    kinds = Counter(str(one["kind"]) for one in truth)
    verdict = Verdict(len(truth), dict(kinds), compare(ledger, truth, compared))
    opened = [m for m in mismatches if m["state"] == "open" and m["severity"] != "info"]
    explained: set[tuple[str, str]] = set()
    for plant in planted:
        verdict.planted.append(plant["name"])
        explained |= {(kind, object_id) for kind, object_id in plant["made"]}
        if any(m["rule"] == plant["rule"] and m["id"] in plant["found_on"] for m in opened):
            verdict.found.append(plant["name"])
    verdict.stray = [
        f"{m['rule']} {m['kind']} {m['id']}"
        for m in opened
        if (m["kind"], m["id"]) not in explained
    ]
    return verdict
