"""What does a verification find, and how far has it come?"""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

# So many are named; all of them are counted.
NAMED_LIMIT = 1_000
# What a vault says of bytes that it does not open.
SEALS = {"no_key": "the key that sealed it is not here", "broken_seal": "its seal is broken"}


class Fault(NamedTuple):
    """One thing that is not as it was: what it is, which one, and what is wrong with it.

    known: False when it only cannot be checked here, for want of a key.
    """

    what: str
    name: str
    problem: str
    known: bool = True


@dataclass(slots=True)
class Verified:
    """How much was checked, by what it is; what is wrong, and what could not be checked."""

    checked: Counter[str] = field(default_factory=Counter[str])
    wrong: int = 0
    unverifiable: int = 0
    named: list[Fault] = field(default_factory=list[Fault])

    def add(self, fault: Fault) -> None:
        """Count it, and name it while there are few."""
        if fault.known:
            self.wrong += 1
        else:
            self.unverifiable += 1
        if len(self.named) < NAMED_LIMIT:
            self.named.append(fault)
