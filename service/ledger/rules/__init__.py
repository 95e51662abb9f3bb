"""Which rules there are, and what they find: each is one SELECT over the same few sources.

The same SELECT runs over what a batch touched and, slice by slice, over everything. What a rule no
longer finds settles by itself (`ledger.mismatches`).
"""

from service.ledger.rules.parts import PARTS
from service.ledger.rules.rule import Finding, Rule
from service.ledger.rules.single import SINGLE
from service.ledger.rules.statements import STATEMENTS
from service.ledger.rules.states import STATES
from service.ledger.rules.summaries import SUMMARIES
from service.ledger.rules.sums import SUMS
from service.ledger.rules.wallets import WALLETS

__all__ = ["BY_CODE", "RULES", "STATEMENTS", "Finding", "Rule"]

RULES: tuple[Rule, ...] = SUMS + PARTS + STATES + WALLETS + SUMMARIES + SINGLE

# They run when a statement is matched, over its lines and what they are of.
BY_CODE = {rule.code: rule for rule in RULES + STATEMENTS}
