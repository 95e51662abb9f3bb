"""On which terms the work is done: what settings say about accounts, sinks and patience."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from service.core.filter import Sinks
from service.ledger.rules.tuning import Tuned, Tuning


@dataclass(frozen=True, slots=True)
class AccountTerms:
    """What belongs to an account: its mode, and its apps (none listed: any).

    paths: by kind, where it is asked for instead of the kind's own paths; none: not at all.
    """

    livemode: bool = True
    apps: frozenset[str] = frozenset()
    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


@dataclass(frozen=True, slots=True)
class Terms:
    """What every verb needs to know.

    sinks: where messages go, and which of them. epoch: the ledger's, part of every message id.
    scale: divides every interval of the cadence. grace_seconds: how long a sum may be out of
    balance while its notifications are under way. rules: what settings say over some, by code.
    """

    sinks: Sinks = ()
    epoch: str = ""
    scale: float = 1.0
    grace_seconds: float = 60.0
    accounts: Mapping[str, AccountTerms] = field(default_factory=dict[str, AccountTerms])
    rules: Mapping[str, Tuned] = field(default_factory=dict[str, Tuned])

    @property
    def tuning(self) -> Tuning:
        """What is said over the rules."""
        return Tuning(self.grace_seconds, self.scale, self.rules)
