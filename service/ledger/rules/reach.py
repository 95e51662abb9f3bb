"""Which rules can find anything about what a batch touched? Those of its kinds, and no others.

A rule costs the database its planning whether it finds anything or not: what a batch costs must
follow the kinds in it and not the number of rules.
"""

from collections.abc import Iterable
from functools import cache, lru_cache

from service.core.kinds import KINDS
from service.ledger.rules import RULES
from service.ledger.rules.rule import Rule

# What the scope of `rules.sources` leads to by the id that an object names.
_LED_TO = ("order", "charge", "allocation")


def rules_about(kinds: Iterable[str]) -> tuple[Rule, ...]:
    """The rules for a scope of objects of these kinds, in their order."""
    return _rules_about(frozenset(kinds))


@lru_cache(maxsize=256)
def _rules_about(kinds: frozenset[str]) -> tuple[Rule, ...]:
    reached = kinds.union(*map(_leads_to, kinds))
    return tuple(rule for rule in RULES if not rule.kinds or reached.intersection(rule.kinds))


@cache
def rules_of(kind: str) -> tuple[Rule, ...]:
    """The rules that find anything about objects of this kind themselves."""
    return tuple(rule for rule in RULES if not rule.kinds or kind in rule.kinds)


def _leads_to(kind: str) -> set[str]:
    """Kinds of the objects that one of this kind may name."""
    names = {field.name for field in KINDS[kind].facts} if kind in KINDS else set[str]()
    return {other for other in _LED_TO if f"{other}_id" in names}
