"""Which rules there are, and what they find: each is one SELECT over the same few sources.

The same SELECT runs over what a batch touched and, slice by slice, over everything. What a rule no
longer finds settles by itself (`ledger.mismatches`).
"""

from service.ledger.rules.rule import Finding, Rule
from service.ledger.rules.single import SINGLE
from service.ledger.rules.sums import SUMS

__all__ = ["BY_CODE", "RULES", "Finding", "Rule"]

RULES: tuple[Rule, ...] = SUMS + SINGLE

BY_CODE = {rule.code: rule for rule in RULES}
