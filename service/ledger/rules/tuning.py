"""What do settings say over the rules: which are off, and with what tolerance, grace, severity?"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches

from service.ledger.rules import BY_CODE
from service.ledger.rules.rule import Finding, Rule


@dataclass(frozen=True, slots=True)
class Tuned:
    """One rule's settings; None leaves it as it is. tolerance: minor units that may lack."""

    enabled: bool = True
    tolerance: int = 0
    grace_seconds: float | None = None
    severity: str | None = None


@dataclass(frozen=True, slots=True)
class Tuning:
    """All of them by code, and what else decides how long a finding may last.

    grace_seconds: of the rules that take it from the setting. scale: divides their own.
    """

    grace_seconds: float = 60.0
    scale: float = 1.0
    rules: Mapping[str, Tuned] = field(default_factory=dict[str, Tuned])

    def of(self, code: str) -> Tuned:
        """What is said of one rule."""
        return self.rules.get(code, _AS_IT_IS)

    def severity(self, code: str) -> str | None:
        """How bad its findings are; None for a rule that no longer exists."""
        rule = BY_CODE.get(code)
        return self.of(code).severity or (rule and rule.severity)

    def patience(self, code: str) -> timedelta:
        """How long a finding may last before it is told: a set grace stands as it is."""
        rule, own = BY_CODE[code], self.of(code).grace_seconds
        if own is None or rule.waits:
            return rule.patience(self.grace_seconds, self.scale)
        return timedelta(seconds=own)

    def wait(self, rule: Rule) -> timedelta:
        """How old something must be for a rule that waits inside its SELECT."""
        own = self.of(rule.code).grace_seconds
        return timedelta(seconds=(rule.grace_seconds or 0) / self.scale if own is None else own)

    def allows(self, finding: Finding) -> bool:
        """Whether a finding is none: its rule is off, or the difference is within the tolerance."""
        tuned = self.of(finding.rule)
        if not tuned.enabled:
            return True
        return bool(tuned.tolerance) and _difference(finding) <= tuned.tolerance

    def left(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """Those that are not allowed."""
        return tuple(one for one in findings if not self.allows(one))


_AS_IT_IS = Tuned()


def _difference(finding: Finding) -> int:
    return abs(int(finding.ours) - int(finding.theirs))


def problem(code: str, tuned: Tuned) -> tuple[str, str] | None:
    """What is wrong with the settings of one rule: the key below it ("": itself), a sentence."""
    rule = BY_CODE.get(code)
    if rule is None:
        near = get_close_matches(code, BY_CODE, n=1, cutoff=0.5)
        return "", f"is no rule{f': did you mean {near[0]}?' if near else ': see docs/rules.md'}"
    if tuned.tolerance and not rule.amounts:
        return "tolerance", "makes no sense: the two sides of this rule are no amounts"
    return None
