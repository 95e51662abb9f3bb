"""What can be seen from outside: counters of what no ledger keeps. Imports nobody of ours."""

from prometheus_client import CollectorRegistry, Counter

REGISTRY = CollectorRegistry()

DELIVERIES = Counter(
    "pingledger_deliveries",
    "Requests to the receiver, by account and answer.",
    ["account", "status"],
    registry=REGISTRY,
)
REFUSALS = Counter(
    "pingledger_refusals",
    "Deliveries without a good signature, by account and reason.",
    ["account", "reason"],
    registry=REGISTRY,
)
INBOX_FAILURES = Counter(
    "pingledger_inbox_failures",
    "Batches of deliveries that could not be committed.",
    registry=REGISTRY,
)
